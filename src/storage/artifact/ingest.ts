import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_CHUNK, MIN_CHUNK, nextCut } from '../chunker.ts';
import { sha256Hex } from '../digest.ts';
import { comparePaths, type ManifestFile } from '../manifest.ts';
import type { FileStamp } from '../stat-index.ts';
import type { BlobSink } from './blob-sink.ts';
import { assertNotAborted, pathOf, readError, sourceChanged, stampOf } from './walk.ts';
import type { SourceEntry, SourceTree } from './walk.ts';

// Never follows a link and never waits for the other end of a FIFO that took the place of a file.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const READ_SIZE = 4 * 1024 * 1024;
/** Room for the rest of one chunk and one more read. */
const SLAB = 2 * MAX_CHUNK;
const BLOBS_IN_FLIGHT = 4;
const BYTES_PER_TURN = 1024 * 1024;
const FILES_PER_TURN = 64;

export interface IngestOptions {
  sink: BlobSink;
  /** What is known of a file from an earlier time, when it did not change since. */
  reuse: (entry: SourceEntry) => ManifestFile | undefined;
  onProgress: (bytes: number, files: number) => void;
  signal: AbortSignal | undefined;
}

/**
 * Reads the files of a tree and gives their blobs to the sink.
 *
 * Small files are read and hashed with synchronous calls: for a file of 5 KB they take some 20 µs, and the asynchronous ones five
 * trips to the thread pool. Large files are read in the background, and their blobs hashed and compressed in the pool.
 *
 * @returns the manifest's files, sorted by path
 * @throws IntegrityError `SOURCE_CHANGED`; LocalIoError `SOURCE_UNREADABLE`; InterruptedError
 */
export async function ingest(tree: SourceTree, options: IngestOptions): Promise<ManifestFile[]> {
  const { sink, reuse, onProgress, signal } = options;
  const scratch = Buffer.allocUnsafeSlow(MIN_CHUNK);
  const entries = tree.entries().toSorted((first, second) => comparePaths(first.path, second.path));
  const files: ManifestFile[] = [];
  let bytes = 0;
  let bytesAtTurn = 0;
  for (const entry of entries) {
    const known = reuse(entry);
    if (known !== undefined && known.executable === entry.executable && sink.holds(known.blobs)) {
      files.push(known);
    } else if (entry.size <= MIN_CHUNK) {
      const content = readSmallFile(pathOf(tree.source, entry.path), entry, scratch);
      const sha256 = sha256Hex(content);
      const { path, size, executable } = entry;
      files.push({ path, size, executable, sha256, blobs: size === 0 ? [] : [sha256] });
      if (size > 0) {
        const done = sink.known(sha256, content);
        if (done !== undefined) await done;
      }
    } else {
      files.push(
        await ingestLargeFile(tree.source, entry, {
          ...options,
          onRead: (read) => onProgress(bytes + read, files.length),
        }),
      );
    }
    bytes += entry.size;
    if (bytes - bytesAtTurn > BYTES_PER_TURN || files.length % FILES_PER_TURN === 0) {
      bytesAtTurn = bytes;
      assertNotAborted(signal);
      onProgress(bytes, files.length);
      await nextTurn();
    }
  }
  assertNotAborted(signal);
  onProgress(bytes, files.length);
  return files;
}

function sameStamp(first: FileStamp, second: FileStamp): boolean {
  return (
    first.size === second.size &&
    first.mtimeMs === second.mtimeMs &&
    first.ctimeMs === second.ctimeMs &&
    first.ino === second.ino
  );
}

function assertUnchanged(path: string, expected: FileStamp, stats: Stats): void {
  if (!stats.isFile()) throw sourceChanged(path, 'it is no regular file any more');
  if (stats.size !== expected.size)
    throw sourceChanged(path, `it had ${expected.size} bytes and has ${stats.size} now`);
  if (!sameStamp(stampOf(stats), expected)) throw sourceChanged(path, 'it was modified or replaced');
}

/** The content, in `scratch`. */
function readSmallFile(
  path: string,
  expected: FileStamp,
  scratch: Buffer<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  let read = 0;
  try {
    const descriptor = openSync(path, FLAGS);
    try {
      assertUnchanged(path, expected, fstatSync(descriptor));
      while (read < expected.size) {
        const count = readSync(descriptor, scratch, read, expected.size - read, null);
        if (count === 0) throw sourceChanged(path, `it ends after ${read} of ${expected.size} bytes`);
        read += count;
      }
      assertUnchanged(path, expected, fstatSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw readError(error, path, read);
  }
  return scratch.subarray(0, expected.size);
}

interface LargeFileOptions extends IngestOptions {
  onRead: (bytes: number) => void;
}

async function ingestLargeFile(
  source: string,
  entry: SourceEntry,
  options: LargeFileOptions,
): Promise<ManifestFile> {
  const path = pathOf(source, entry.path);
  let handle: FileHandle;
  try {
    handle = await open(path, FLAGS);
  } catch (error) {
    throw readError(error, path);
  }
  try {
    assertUnchanged(path, entry, await handle.stat());
    const { sha256, blobs } = await cutFile({ handle, path, size: entry.size }, options);
    assertUnchanged(path, entry, await handle.stat());
    return { path: entry.path, size: entry.size, executable: entry.executable, sha256, blobs };
  } catch (error) {
    throw readError(error, path);
  } finally {
    await handle.close();
  }
}

interface OpenFile {
  handle: FileHandle;
  path: string;
  size: number;
}

/** Cuts a file into blobs. Each slab is left alone once its blobs are under way, so nothing is copied but its tail. */
async function cutFile(
  file: OpenFile,
  options: LargeFileOptions,
): Promise<{ sha256: string; blobs: string[] }> {
  const whole = createHash('sha256');
  const blobs = new OrderedTasks(BLOBS_IN_FLIGHT);
  let slab = Buffer.allocUnsafeSlow(Math.min(SLAB, file.size));
  let filled = 0;
  let offset = 0;
  try {
    while (offset < file.size) {
      assertNotAborted(options.signal);
      const count = await readSome(file, slab.subarray(filled), offset);
      whole.update(slab.subarray(filled, filled + count));
      filled += count;
      offset += count;
      options.onRead(offset);
      const final = offset === file.size;
      if (!final && filled < slab.length) continue;
      const content = slab.subarray(0, filled);
      let start = 0;
      for (let end = nextCut(content, start, final); end > start; end = nextCut(content, start, final)) {
        const blob = content.subarray(start, end);
        await blobs.add(() => options.sink.take(blob));
        start = end;
        if (start === filled) break;
      }
      const next = Buffer.allocUnsafeSlow(Math.min(SLAB, filled - start + file.size - offset));
      content.copy(next, 0, start);
      slab = next;
      filled -= start;
    }
    return { blobs: await blobs.all(), sha256: whole.digest('hex') };
  } finally {
    await blobs.settle();
  }
}

async function readSome(
  { handle, path, size }: OpenFile,
  target: Uint8Array,
  offset: number,
): Promise<number> {
  const length = Math.min(target.length, READ_SIZE, size - offset);
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

  async add(task: () => Promise<string>): Promise<void> {
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
  }

  async all(): Promise<string[]> {
    return Promise.all(this.#results);
  }

  /** Waits until nothing is under way. Never throws. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#results);
  }
}
