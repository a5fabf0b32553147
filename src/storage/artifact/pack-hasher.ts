import { availableParallelism } from 'node:os';
import { MlopsError } from '../../errors.ts';
import { decodeBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import { HashThread, WORTH_A_THREAD, type Stretch } from '../hash-thread.ts';
import { Encoding, type PackEntry } from '../pack.ts';

export interface HashedPack {
  /** SHA-256 of all its bytes: 64 hex digits. */
  name: string;
  /** What is wrong with each blob; undefined when it hashes to its id. */
  blobs: { id: string; problem: string | undefined }[];
}

/** Hashes packs and the blobs in them, on one thread a core when there is enough to do. */
export class PackHasher {
  readonly #threads: HashThread[];
  #turn = 0;

  /** @param totalBytes of all the packs that will come */
  constructor(totalBytes: number) {
    const count = totalBytes < WORTH_A_THREAD ? 0 : Math.min(availableParallelism(), 8);
    this.#threads = Array.from({ length: count }, () => new HashThread());
  }

  /** The bytes are given away. */
  async hash(bytes: Uint8Array<ArrayBuffer>, entries: readonly PackEntry[]): Promise<HashedPack> {
    const stretches: Stretch[] = [
      [0, bytes.length],
      ...entries.map(({ offset, storedLength }): Stretch => [offset, storedLength]),
    ];
    // The bytes of a compressed blob are not what its id is the hash of.
    const wanted = stretches.filter(
      (_stretch, index) => index === 0 || entries[index - 1]?.encoding === Encoding.raw,
    );
    const { hashes, bytes: back } = await this.#hashStretches(bytes, wanted);
    const [name = '', ...raw] = hashes;
    const blobs: HashedPack['blobs'] = [];
    for (const entry of entries) {
      const problem =
        entry.encoding === Encoding.raw
          ? compare(raw.shift(), entry.id)
          : await problemOfCompressed(back, entry);
      blobs.push({ id: entry.id, problem });
    }
    return { name, blobs };
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  async #hashStretches(
    bytes: Uint8Array<ArrayBuffer>,
    stretches: readonly Stretch[],
  ): Promise<{ hashes: string[]; bytes: Uint8Array<ArrayBuffer> }> {
    this.#turn += 1;
    const thread = this.#threads[this.#turn % Math.max(1, this.#threads.length)];
    if (thread !== undefined) return thread.hashStretches(bytes, stretches);
    const hashes: string[] = [];
    for (const [offset, length] of stretches)
      hashes.push(await sha256HexInPool(bytes.subarray(offset, offset + length)));
    return { hashes, bytes };
  }
}

function compare(hash: string | undefined, id: string): string | undefined {
  return hash === id ? undefined : 'its bytes do not hash to its id';
}

async function problemOfCompressed(
  pack: Uint8Array<ArrayBuffer>,
  entry: PackEntry,
): Promise<string | undefined> {
  try {
    const bytes = await decodeBlob(pack.subarray(entry.offset, entry.offset + entry.storedLength), entry);
    return compare(await sha256HexInPool(bytes), entry.id);
  } catch (error) {
    if (error instanceof MlopsError) return error.message;
    throw error;
  }
}
