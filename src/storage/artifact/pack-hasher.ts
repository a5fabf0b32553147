import * as NodeCrypto from 'node:crypto';
import { availableParallelism } from 'node:os';
import * as NodeZlib from 'node:zlib';
import { MlopsError } from '../../errors.ts';
import { CallThread } from '../call-thread.ts';
import { decodeBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import { sharedBytes, WORTH_A_THREAD, type SharedBytes } from '../hash-thread.ts';
import { Encoding, type PackEntry } from '../pack.ts';

export interface HashedPack {
  /** SHA-256 of all its bytes: 64 hex digits. */
  name: string;
  /** What is wrong with each blob; undefined when it hashes to its id. */
  blobs: { id: string; problem: string | undefined }[];
}

interface HashRequest {
  bytes: Uint8Array;
  /** Offset, stored length and length of each blob, in order and apart from each other. */
  stretches: Uint32Array<ArrayBuffer>;
  /** 1 for each blob that is compressed. */
  compressed: Uint8Array<ArrayBuffer>;
}

interface HashReply {
  name: string;
  /** SHA-256 of each blob; an empty string where it can't be decompressed. */
  blobs: string[];
}

/**
 * Hashes a pack and its blobs together, so that the second hash finds the bytes in the cache. Runs in the thread too, which
 * gets it as text: it uses nothing but what is handed in.
 */
function makePackHash(
  { createHash, hash }: typeof NodeCrypto,
  { brotliDecompressSync }: typeof NodeZlib,
): (request: HashRequest) => HashReply {
  /** Fewer, longer calls; well below the second-level cache of a core. */
  const piece = 256 * 1024;
  const plainHash = (stored: Uint8Array, length: number): string => {
    try {
      const chunkSize = Math.max(64, length + 1);
      return hash('sha256', brotliDecompressSync(stored, { maxOutputLength: length, chunkSize }));
    } catch {
      // Whoever asked decompresses it once more and says what is wrong with it.
      return '';
    }
  };
  return ({ bytes, stretches, compressed }) => {
    const whole = createHash('sha256');
    const blobs: string[] = [];
    let done = 0;
    for (let index = 0; index < compressed.length; index += 1) {
      const offset = stretches[index * 3] ?? 0;
      const end = offset + (stretches[index * 3 + 1] ?? 0);
      const stored = bytes.subarray(offset, end);
      blobs.push(
        compressed[index] === 1 ? plainHash(stored, stretches[index * 3 + 2] ?? 0) : hash('sha256', stored),
      );
      if (end - done < piece) continue;
      whole.update(bytes.subarray(done, end));
      done = end;
    }
    whole.update(bytes.subarray(done));
    return { name: whole.digest('hex'), blobs };
  };
}

function program(): string {
  return `const answer = (${makePackHash.toString()})(require('node:crypto'), require('node:zlib'));`;
}

/** Most packs are no larger, see `PACK_TARGET`. */
const USUAL_PACK = 20 * 1024 * 1024;

/** Hashes packs and the blobs in them, on one thread a core when there is enough to do. */
export class PackHasher {
  readonly #threads: CallThread[];
  /** Memory that was read into before: the kernel would have to clear fresh memory for every pack. */
  readonly #spare: SharedBytes[] = [];
  #turn = 0;

  /** @param totalBytes of all the packs that will come */
  constructor(totalBytes: number) {
    const count = totalBytes < WORTH_A_THREAD ? 0 : Math.min(availableParallelism(), 8);
    this.#threads = Array.from({ length: count }, () => new CallThread(program()));
  }

  /** Runs `use` with memory of at least `size` bytes, which is used again afterwards. */
  async withMemory<Result>(size: number, use: (memory: SharedBytes) => Promise<Result>): Promise<Result> {
    const spare = this.#spare.pop();
    const memory =
      spare !== undefined && spare.length >= size ? spare : sharedBytes(Math.max(size, USUAL_PACK));
    try {
      return await use(memory);
    } finally {
      this.#spare.push(memory);
    }
  }

  /** @param bytes which must stay as they are until this resolves; of memory that is not shared the thread gets a copy */
  async hash(bytes: Uint8Array, entries: readonly PackEntry[]): Promise<HashedPack> {
    const { name, blobs: hashes } = await this.#hash({
      bytes,
      stretches: Uint32Array.from(
        entries.flatMap(({ offset, storedLength, length }) => [offset, storedLength, length]),
      ),
      compressed: Uint8Array.from(entries, ({ encoding }) => (encoding === Encoding.raw ? 0 : 1)),
    });
    const blobs: HashedPack['blobs'] = [];
    for (const [index, entry] of entries.entries()) {
      const problem =
        hashes[index] === '' ? await problemOfCompressed(bytes, entry) : compare(hashes[index], entry.id);
      blobs.push({ id: entry.id, problem });
    }
    return { name, blobs };
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  async #hash(request: HashRequest): Promise<HashReply> {
    this.#turn += 1;
    const thread = this.#threads[this.#turn % Math.max(1, this.#threads.length)];
    return thread === undefined ? hashHere(request) : thread.call<HashReply>({ ...request });
  }
}

const hashHere = makePackHash(NodeCrypto, NodeZlib);

function compare(hash: string | undefined, id: string): string | undefined {
  return hash === id ? undefined : 'its bytes do not hash to its id';
}

async function problemOfCompressed(pack: Uint8Array, entry: PackEntry): Promise<string | undefined> {
  try {
    const stored = Uint8Array.from(pack.subarray(entry.offset, entry.offset + entry.storedLength));
    return compare(await sha256HexInPool(await decodeBlob(stored, entry)), entry.id);
  } catch (error) {
    if (error instanceof MlopsError) return error.message;
    throw error;
  }
}
