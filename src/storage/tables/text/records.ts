import { MalformedText, type Batch, type RecordScanner } from './batch.ts';

/** A record that is longer is taken for a quote that was never closed; it would have to be in memory as a whole. */
const LONGEST_RECORD = 64 * 1024 * 1024;

export interface RecordsOptions {
  scanner: RecordScanner;
  batch: Batch;
  /** Bytes at the start to leave out: the header. */
  skip: number;
}

/**
 * Takes the blocks of a text apart into batches of records. The same batch is filled again and again.
 *
 * @throws MalformedText with a place in the whole text
 */
export async function* records(
  blocks: AsyncIterable<Buffer>,
  { scanner, batch, skip }: RecordsOptions,
): AsyncGenerator<Batch> {
  let rest: Buffer = Buffer.alloc(0);
  /** Where `rest` begins in the text. */
  let base = 0;
  let toSkip = skip;
  const scan = (bytes: Buffer, from: number, last: boolean): number => {
    try {
      return scanner.scan(bytes, from, last, batch);
    } catch (error) {
      if (error instanceof MalformedText) throw new MalformedText(base + error.offset, error.message);
      throw error;
    }
  };
  for await (const block of blocks) {
    const bytes: Buffer = rest.length === 0 ? block : Buffer.concat([rest, block]);
    let at = Math.min(toSkip, bytes.length);
    toSkip -= at;
    for (;;) {
      at = scan(bytes, at, false);
      if (batch.rows === 0) break;
      yield batch;
    }
    rest = bytes.subarray(at);
    base += at;
    if (rest.length > LONGEST_RECORD) {
      throw new MalformedText(
        base,
        `a row of more than ${LONGEST_RECORD / 2 ** 20} MiB begins here, or a quote that is never closed`,
      );
    }
  }
  for (let at = 0; at < rest.length;) {
    at = scan(rest, at, true);
    if (batch.rows > 0) yield batch;
  }
}
