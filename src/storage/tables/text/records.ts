import { MalformedText, type Batch, type RecordScanner } from './batch.ts';
import { LONGEST_RECORD, type TextBuffer } from './text-buffer.ts';

export interface RecordsOptions {
  scanner: RecordScanner;
  batch: Batch;
  /** Bytes at the start to leave out: the header. */
  skip: number;
}

/**
 * Takes a text apart into batches of records. The same batch is filled again and again.
 *
 * @throws MalformedText with a place in the whole text
 */
export async function* records(
  text: TextBuffer,
  { scanner, batch, skip }: RecordsOptions,
): AsyncGenerator<Batch> {
  await text.more(0);
  while (text.offset + text.length < skip && !text.last) await text.more(text.length);
  let at = skip - text.offset;
  for (;;) {
    at = scan(text, at, scanner, batch);
    if (batch.rows > 0) {
      yield batch;
    } else if (text.last) {
      return;
    } else {
      if (text.length - at > LONGEST_RECORD) {
        throw new MalformedText(
          text.offset + at,
          'a row of more than 64 MiB begins here, or a quote that is never closed',
        );
      }
      await text.more(at);
      at = 0;
    }
  }
}

function scan(text: TextBuffer, at: number, scanner: RecordScanner, batch: Batch): number {
  try {
    return scanner.scan(text, at, batch);
  } catch (error) {
    if (error instanceof MalformedText) throw new MalformedText(text.offset + error.offset, error.message);
    throw error;
  }
}
