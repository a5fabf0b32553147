import { IntegrityError, MlopsError } from '../../errors.ts';
import type { BlobReader } from '../artifact/blob-reader.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { PackTable } from '../blob-segment.ts';
import { decodeBlob, type EncodedBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import { PackBuilder } from '../pack.ts';

/** Packs that are built and not sent yet; each is 16 to 20 MiB of memory. */
const MAX_UNSENT = 2;

/** Called with each finished pack; the bytes are given away. What it returns is waited for only to bound memory. */
export type SendPack = (table: PackTable, bytes: Buffer<ArrayBuffer>) => Promise<void>;

export interface FreshPackOptions {
  index: BlobIndex;
  reader: BlobReader;
  send: SendPack;
}

/** Collects blobs into packs and gives each away when it is full. The same blobs in the same order give the same packs. */
export class FreshPacks {
  readonly #send: SendPack;
  readonly #unsent = new Set<Promise<void>>();
  #builder = new PackBuilder();

  constructor(send: SendPack) {
    this.#send = send;
  }

  /** Copies the bytes. @throws what sending an earlier pack threw while this one had to wait for it */
  async add(blob: { id: string; length: number }, { encoding, stored }: EncodedBlob): Promise<void> {
    const { id, length } = blob;
    this.#builder.add({ id, length, encoding, storedLength: stored.length }, stored);
    if (this.#builder.isFull) await this.flush();
  }

  /** Gives away what was collected, if anything was. */
  async flush(): Promise<void> {
    const { entries, memory } = this.#builder;
    if (entries.length === 0) return;
    // A copy in memory of its own: shared memory can be given neither to the thread pool nor to every HTTP client.
    const bytes = Buffer.from(this.#builder.finish());
    this.#builder = new PackBuilder(memory);
    const table = { name: await sha256HexInPool(bytes), size: bytes.length, entries };
    const sent = this.#send(table, bytes).finally(() => this.#unsent.delete(sent));
    sent.catch(() => undefined);
    this.#unsent.add(sent);
    while (this.#unsent.size >= MAX_UNSENT) await Promise.race(this.#unsent);
  }
}

/**
 * Packs of chosen blobs only, as they are stored here, so that a push that is repeated finds those that it sent before.
 *
 * @returns the tables of the packs
 * @throws IntegrityError `OBJECT_DAMAGED` when no good copy of a blob is here
 */
export async function buildFreshPacks(
  ids: readonly string[],
  options: FreshPackOptions,
): Promise<PackTable[]> {
  const tables: PackTable[] = [];
  const packs = new FreshPacks((table, bytes) => {
    tables.push(table);
    return options.send(table, bytes);
  });
  for (const id of ids) {
    const { length, blob } = await readEncoded(id, options);
    await packs.add({ id, length }, blob);
  }
  await packs.flush();
  return tables;
}

/** The blob as it is stored, proved by its id. */
async function readEncoded(
  id: string,
  { index, reader }: FreshPackOptions,
): Promise<{ length: number; blob: EncodedBlob }> {
  let failure: MlopsError | undefined;
  for (const location of index.findAll(id)) {
    try {
      const stored = await reader.stored(location);
      const bytes = await decodeBlob(stored, location);
      if ((await sha256HexInPool(bytes)) === id)
        return { length: bytes.length, blob: { encoding: location.encoding, stored } };
    } catch (error) {
      if (!(error instanceof MlopsError)) throw error;
      failure = error;
    }
  }
  throw new IntegrityError('OBJECT_DAMAGED', `every copy of blob ${id} here is damaged`, {
    cause: failure,
  });
}
