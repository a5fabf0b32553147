import { availableParallelism } from 'node:os';
import { MIN_CHUNK } from '../chunker.ts';
import type { EncodedBlob } from '../compression.ts';
import { sharedBytes, type SharedBytes } from '../hash-thread.ts';
import { Encoding } from '../pack.ts';
import { IngestThread } from './ingest-thread.ts';
import type { SourceEntry } from './walk.ts';

/** Starting the threads takes some 20 ms each, in which one core reads 500 small files. */
export const WORTH_THREADS = 2000;
const MAX_THREADS = 4;
/** Files and bytes that cross to a thread in one message; the largest small file has 512 KiB. */
const FILES_A_BATCH = 256;
const BATCH_BYTES = 2 * MIN_CHUNK;
const BATCHES_A_THREAD = 2;

export interface SmallContent {
  sha256: string;
  bytes: Uint8Array;
  /** How the blob is to be stored, where that was found out already. */
  encoded: EncodedBlob | undefined;
}

/** A file that was read in a thread. The bytes are shared memory that is used again after the batch. */
export interface SmallFile {
  entry: SourceEntry;
  /** Undefined when it could not be read, or is not what it was. */
  content: SmallContent | undefined;
}

export interface SmallFilesOptions {
  pathOf: (entry: SourceEntry) => string;
  /** `O_` flags to open the files with. */
  flags: number;
  /** Whether a blob will have to be stored, so that it is worth compressing. */
  isNew: (id: string) => boolean;
  /** Gets the batches one by one, in order. */
  take: (files: readonly SmallFile[]) => Promise<void>;
}

interface Slab {
  memory: SharedBytes;
  output: SharedBytes;
}

interface Flight {
  slab: Slab;
  files: Promise<SmallFile[]>;
}

/**
 * Reads, hashes and compresses small files on all cores. Batches come back in the order in which they went in, so that what is
 * made of them does not depend on which thread was faster.
 */
export class SmallFiles {
  readonly #threads: IngestThread[];
  readonly #options: SmallFilesOptions;
  readonly #flights: Flight[] = [];
  readonly #spare: Slab[] = [];
  #batch: SourceEntry[] = [];
  #bytes = 0;
  #turn = 0;

  constructor(options: SmallFilesOptions) {
    this.#options = options;
    const count = Math.min(MAX_THREADS, availableParallelism());
    this.#threads = Array.from({ length: count }, () => new IngestThread());
  }

  /** @returns true when {@link send} has to be called before the next one */
  add(entry: SourceEntry): boolean {
    this.#batch.push(entry);
    this.#bytes += entry.size;
    return this.#batch.length === FILES_A_BATCH || this.#bytes + MIN_CHUNK > BATCH_BYTES;
  }

  /** Resolves when there is room for more. @throws what `take` threw for an earlier batch */
  async send(): Promise<void> {
    const entries = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    while (this.#flights.length >= BATCHES_A_THREAD * this.#threads.length) await this.#takeFirst();
    const slab = this.#spare.pop() ?? {
      memory: sharedBytes(BATCH_BYTES),
      output: sharedBytes(BATCH_BYTES),
    };
    const thread = this.#threads[(this.#turn += 1) % this.#threads.length];
    if (thread === undefined) throw new RangeError('there is no thread');
    const files = this.#read(thread, entries, slab);
    files.catch(() => undefined);
    this.#flights.push({ slab, files });
  }

  /** Waits until all that was added has been taken. */
  async drain(): Promise<void> {
    if (this.#batch.length > 0) await this.send();
    while (this.#flights.length > 0) await this.#takeFirst();
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await Promise.allSettled(this.#flights.map(({ files }) => files));
  }

  async #takeFirst(): Promise<void> {
    const flight = this.#flights[0];
    if (flight === undefined) return;
    const files = await flight.files;
    await this.#options.take(files);
    this.#flights.shift();
    this.#spare.push(flight.slab);
  }

  async #read(thread: IngestThread, entries: SourceEntry[], slab: Slab): Promise<SmallFile[]> {
    const { memory, output } = slab;
    const stamps = new Float64Array(entries.length * 4);
    for (const [index, { size, mtimeMs, ctimeMs, ino }] of entries.entries()) {
      stamps.set([size, mtimeMs, ctimeMs, ino], index * 4);
    }
    const paths = entries.map(this.#options.pathOf);
    const hashes = await thread.read({ paths, stamps, memory, flags: this.#options.flags });
    let end = 0;
    const offsets = entries.map(({ size }) => (end += size) - size);
    const wanted = [...entries.keys()].filter((index) => {
      const id = hashes[index] ?? '';
      return id !== '' && (entries[index]?.size ?? 0) > 0 && this.#options.isNew(id);
    });
    const stretches = Uint32Array.from(
      wanted.flatMap((index) => [offsets[index] ?? 0, entries[index]?.size ?? 0]),
    );
    const lengths = wanted.length > 0 ? await thread.encode({ memory, output, stretches }) : [];
    const encoded = new Map(wanted.map((index, order) => [index, lengths[order] ?? 0]));
    return entries.map((entry, index) => {
      const sha256 = hashes[index] ?? '';
      if (sha256 === '') return { entry, content: undefined };
      const start = offsets[index] ?? 0;
      const bytes = memory.subarray(start, start + entry.size);
      const length = encoded.get(index);
      return {
        entry,
        content: { sha256, bytes, encoded: encodedBlob(bytes, output.subarray(start), length) },
      };
    });
  }
}

function encodedBlob(bytes: Uint8Array, output: Uint8Array, length?: number): EncodedBlob | undefined {
  if (length === undefined) return undefined;
  if (length === 0) return { encoding: Encoding.raw, stored: bytes };
  return { encoding: Encoding.brotli, stored: output.subarray(0, length) };
}
