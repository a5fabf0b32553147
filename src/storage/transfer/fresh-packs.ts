import { IntegrityError, MlopsError } from '../../errors.ts';
import type { BlobReader } from '../artifact/blob-reader.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { PackTable } from '../blob-segment.ts';
import { decodeBlob, type EncodedBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import { PackBuilder } from '../pack.ts';

/** Packs that are built and not sent yet; each is 16 to 20 MiB of memory. */
const MAX_UNSENT = 2;

export interface FreshPackOptions {
  index: BlobIndex;
  reader: BlobReader;
  /** Called with each finished pack; the bytes are given away. What it returns is waited for only to bound memory. */
  send: (table: PackTable, bytes: Buffer<ArrayBuffer>) => Promise<void>;
}

/**
 * Packs of chosen blobs only, as they are stored here. The same blobs in the same order give the same packs, so a push that is
 * repeated finds those that it sent before.
 *
 * @returns the tables of the packs
 * @throws IntegrityError `OBJECT_DAMAGED` when no good copy of a blob is here
 */
export async function buildFreshPacks(
  ids: readonly string[],
  options: FreshPackOptions,
): Promise<PackTable[]> {
  const tables: PackTable[] = [];
  const unsent = new Set<Promise<void>>();
  let builder = new PackBuilder();
  const flush = async (): Promise<void> => {
    const { entries, memory } = builder;
    if (entries.length === 0) return;
    // A copy in memory of its own: shared memory can be given neither to the thread pool nor to every HTTP client.
    const bytes = Buffer.from(builder.finish());
    builder = new PackBuilder(memory);
    const table = { name: await sha256HexInPool(bytes), size: bytes.length, entries };
    tables.push(table);
    const sent = options.send(table, bytes).finally(() => unsent.delete(sent));
    sent.catch(() => undefined);
    unsent.add(sent);
    while (unsent.size >= MAX_UNSENT) await Promise.race(unsent);
  };
  for (const id of ids) {
    const { length, blob } = await readEncoded(id, options);
    builder.add({ id, length, encoding: blob.encoding, storedLength: blob.stored.length }, blob.stored);
    if (builder.isFull) await flush();
  }
  await flush();
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
