import type * as NodeFs from 'node:fs';
import { availableParallelism } from 'node:os';
import { CallThread } from '../call-thread.ts';
import { MIN_CHUNK } from '../chunker.ts';
import { sharedBytes, type SharedBytes } from '../hash-thread.ts';

const MAX_THREADS = 4;
const FILES_A_BATCH = 256;
/** A file that does not fit is none for the threads. */
const BATCH_BYTES = 2 * MIN_CHUNK;
const BATCHES_A_THREAD = 2;

interface WriteRequest {
  paths: readonly string[];
  modes: readonly number[];
  /** Lengths of the contents, which lie one after another in `memory`. */
  lengths: readonly number[];
  memory: SharedBytes;
}

interface WriteFailure {
  message: string;
  code: string | undefined;
  errno: number | undefined;
  syscall: string | undefined;
  path: string;
}

/** Runs in the thread, which gets it as text: it uses nothing but what is handed in. @returns the first failure */
function makeWriter({
  openSync,
  closeSync,
  writeSync,
}: typeof NodeFs): (request: WriteRequest) => WriteFailure | undefined {
  const write = (path: string, mode: number, content: Uint8Array): void => {
    const descriptor = openSync(path, 'wx', mode);
    try {
      for (let done = 0; done < content.length;) {
        const written = writeSync(descriptor, content, done, content.length - done);
        if (written === 0) throw new Error(`${path}: nothing could be written`);
        done += written;
      }
    } finally {
      closeSync(descriptor);
    }
  };
  return ({ paths, modes, lengths, memory }) => {
    let start = 0;
    for (let index = 0; index < paths.length; index += 1) {
      const path = paths[index] ?? '';
      const end = start + (lengths[index] ?? 0);
      try {
        write(path, modes[index] ?? 0o666, memory.subarray(start, end));
      } catch (error) {
        const { message, code, errno, syscall } = error as NodeJS.ErrnoException;
        return { message, code, errno, syscall, path };
      }
      start = end;
    }
    return undefined;
  };
}

function program(): string {
  return `const answer = (${makeWriter.toString()})(require('node:fs'));`;
}

/**
 * Creates many small files on all cores. Most of the time goes into the file system's work of creating them, which a second
 * core can do for another directory, or for this one while the next contents are read and hashed.
 */
export class WriteThreads {
  readonly #threads = Array.from(
    { length: Math.min(MAX_THREADS, availableParallelism()) },
    () => new CallThread(program()),
  );
  readonly #flights = new Set<Promise<void>>();
  readonly #spare: SharedBytes[] = [];
  #batch = { paths: [] as string[], modes: [] as number[], lengths: [] as number[] };
  #memory: SharedBytes | undefined;
  #bytes = 0;
  #turn = 0;
  #failure: { error: Error } | undefined;

  /** True for contents that {@link add} takes. */
  static takes(size: number): boolean {
    return size <= MIN_CHUNK;
  }

  /** Copies the content. @returns true when {@link send} has to be called before the next one */
  add(path: string, mode: number, content: Uint8Array): boolean {
    this.#memory ??= this.#spare.pop() ?? sharedBytes(BATCH_BYTES);
    this.#memory.set(content, this.#bytes);
    this.#bytes += content.length;
    const { paths, modes, lengths } = this.#batch;
    paths.push(path);
    modes.push(mode);
    lengths.push(content.length);
    return paths.length === FILES_A_BATCH || this.#bytes + MIN_CHUNK > BATCH_BYTES;
  }

  /** Resolves when there is room for more. @throws the system error of an earlier batch */
  async send(): Promise<void> {
    const memory = this.#memory;
    const request = this.#batch;
    this.#batch = { paths: [], modes: [], lengths: [] };
    this.#memory = undefined;
    this.#bytes = 0;
    if (memory !== undefined) this.#start({ ...request, memory });
    while (this.#flights.size >= BATCHES_A_THREAD * this.#threads.length) await Promise.race(this.#flights);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Waits until every file is there. @throws as {@link send} */
  async finish(): Promise<void> {
    await this.send();
    await Promise.all(this.#flights);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Nothing is written any more once this resolves. */
  async close(): Promise<void> {
    await Promise.all(this.#flights);
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #start(request: WriteRequest): void {
    const thread = this.#threads[(this.#turn += 1) % this.#threads.length];
    if (thread === undefined) throw new RangeError('there is no thread');
    const flight = this.#write(thread, request)
      .catch((error: unknown) => {
        this.#failure ??= { error: error instanceof Error ? error : new Error(String(error)) };
      })
      .finally(() => this.#flights.delete(flight));
    this.#flights.add(flight);
  }

  async #write(thread: CallThread, request: WriteRequest): Promise<void> {
    const failure = await thread.call<WriteFailure | undefined>({ ...request });
    if (failure !== undefined) throw Object.assign(new Error(failure.message), failure);
    this.#spare.push(request.memory);
  }
}
