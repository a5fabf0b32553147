import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { MAX_CHUNK, nextCut } from '../chunker.ts';
import { sharedBytes, type GrowingHash, type HashThread, type SharedBytes } from '../hash-thread.ts';
import { assertNotAborted, readError, sourceChanged } from './walk.ts';

const READ_SIZE = 4 * 1024 * 1024;
const BLOBS_IN_FLIGHT = 4;
const SLABS = 4;

export interface OpenFile {
  handle: FileHandle;
  path: string;
  /** Bytes that the file had when it was opened. */
  size: number;
}

export interface CutOptions {
  /** Hashes and takes one blob; the bytes stay as they are until it resolves, to the blob's id. */
  take: (blob: Uint8Array) => Promise<string>;
  onRead: (bytes: number) => void;
  signal: AbortSignal | undefined;
  /** Hashes the whole file on a second core. */
  thread: HashThread | undefined;
}

/** A piece of memory to read into, and what still looks at it. */
class Slab {
  /** The start of a chunk that began in the slab before goes in front of what is read, so that a chunk is one piece. */
  readonly #memory: SharedBytes;
  readonly #users: Promise<unknown>[] = [];

  constructor(readSize: number) {
    this.#memory = sharedBytes(MAX_CHUNK + readSize);
  }

  get room(): Uint8Array {
    return this.#memory.subarray(MAX_CHUNK);
  }

  /** The tail followed by the bytes that were read. */
  content(tail: Uint8Array, read: number): Uint8Array {
    this.#memory.set(tail, MAX_CHUNK - tail.length);
    return this.#memory.subarray(MAX_CHUNK - tail.length, MAX_CHUNK + read);
  }

  usedUntil(done: Promise<unknown>): void {
    this.#users.push(done);
  }

  async released(): Promise<void> {
    await Promise.allSettled(this.#users.splice(0));
  }
}

/**
 * Reads a file once and cuts it into blobs. While one slab is cut, the next one is read and, with a thread, the whole file's
 * hash goes on elsewhere.
 *
 * @throws IntegrityError `SOURCE_CHANGED` when the file ends early; LocalIoError naming path and offset; InterruptedError
 */
export async function cutFile(
  file: OpenFile,
  options: CutOptions,
): Promise<{ sha256: string; blobs: string[] }> {
  const whole = options.thread?.stream() ?? hashHere();
  const readSize = Math.min(READ_SIZE, file.size);
  const slabs = Array.from(
    { length: Math.min(SLABS, Math.ceil(file.size / readSize) + 1) },
    () => new Slab(readSize),
  );
  const blobs = new OrderedTasks(BLOBS_IN_FLIGHT);
  const read = async (index: number, offset: number): Promise<number> => {
    const slab = slabAt(slabs, index);
    await slab.released();
    return readSome(file, slab.room, offset);
  };
  let tail: Uint8Array = new Uint8Array();
  let next = quiet(read(0, 0));
  try {
    for (let index = 0, offset = 0; offset < file.size; index += 1) {
      assertNotAborted(options.signal);
      const count = await next;
      const slab = slabAt(slabs, index);
      const content = slab.content(tail, count);
      const hashed = quiet(whole.update(content.subarray(tail.length)));
      slab.usedUntil(hashed);
      offset += count;
      options.onRead(offset);
      if (offset < file.size) next = quiet(read(index + 1, offset));
      tail = await cutSlab({ slab, content, final: offset === file.size }, blobs, options);
      if (offset === file.size) await hashed;
    }
    return { blobs: await blobs.all(), sha256: await whole.digest() };
  } finally {
    await blobs.settle();
    await Promise.allSettled([next, ...slabs.map((slab) => slab.released())]);
  }
}

/** @returns what is left over: the start of a chunk whose end is not read yet */
async function cutSlab(
  { slab, content, final }: { slab: Slab; content: Uint8Array; final: boolean },
  blobs: OrderedTasks,
  options: CutOptions,
): Promise<Uint8Array> {
  let start = 0;
  while (start < content.length) {
    const end = nextCut(content, start, final);
    if (end === -1) break;
    const blob = content.subarray(start, end);
    const [taken] = await blobs.add(() => options.take(blob));
    slab.usedUntil(taken);
    start = end;
  }
  return content.subarray(start);
}

function slabAt(slabs: readonly Slab[], index: number): Slab {
  const slab = slabs[index % slabs.length];
  if (slab === undefined) throw new RangeError('there is no slab');
  return slab;
}

function hashHere(): GrowingHash {
  const hash = createHash('sha256');
  return {
    update: (bytes) => {
      hash.update(bytes);
      return Promise.resolve();
    },
    digest: () => Promise.resolve(hash.digest('hex')),
  };
}

/** A failure is seen by whoever awaits the promise, later; until then it must not count as unhandled. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function readSome(
  { handle, path, size }: OpenFile,
  target: Uint8Array,
  offset: number,
): Promise<number> {
  const length = Math.min(target.length, size - offset);
  let bytesRead: number;
  try {
    ({ bytesRead } = await handle.read(target, 0, length, offset));
  } catch (error) {
    throw readError(error, path, offset);
  }
  if (bytesRead === 0) throw sourceChanged(path, `it ends after ${offset} of ${size} bytes`);
  return bytesRead;
}

/** Runs a bounded number of tasks at once and keeps their results in order. */
class OrderedTasks {
  readonly #limit: number;
  readonly #results: Promise<string>[] = [];
  readonly #flights = new Set<Promise<unknown>>();
  #failure: { error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts the task when there is room; resolves then, to its end, wrapped so that it is not awaited by accident. */
  async add(task: () => Promise<string>): Promise<[Promise<unknown>]> {
    while (this.#flights.size >= this.#limit) await Promise.race(this.#flights);
    if (this.#failure !== undefined) throw this.#failure.error;
    const result = task();
    const flight = result.then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#results.push(result);
    this.#flights.add(flight);
    void flight.then(() => this.#flights.delete(flight));
    return [flight];
  }

  async all(): Promise<string[]> {
    return Promise.all(this.#results);
  }

  /** Waits until nothing is under way. Never throws. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#results);
  }
}
