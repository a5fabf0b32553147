import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MIN_CHUNK } from '../chunker.ts';
import { sha256Hex } from '../digest.ts';
import { comparePaths, type ManifestFile } from '../manifest.ts';
import type { HashThread } from '../hash-thread.ts';
import type { FileStamp } from '../stat-index.ts';
import type { BlobSink } from './blob-sink.ts';
import { cutFile } from './cut-file.ts';
import { SmallFiles, WORTH_THREADS, type SmallContent } from './small-files.ts';
import { assertNotAborted, pathOf, readError, sourceChanged, stampOf } from './walk.ts';
import type { SourceEntry, SourceTree } from './walk.ts';

// Never follows a link and never waits for the other end of a FIFO that took the place of a file.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const BYTES_PER_TURN = 1024 * 1024;
const FILES_PER_TURN = 64;

export interface IngestOptions {
  sink: BlobSink;
  /** What is known of a file from an earlier time, when it did not change since. */
  reuse: (entry: SourceEntry) => ManifestFile | undefined;
  onProgress: (bytes: number, files: number) => void;
  /** A second core for hashing; worth starting for large sources only. */
  thread: HashThread | undefined;
  signal: AbortSignal | undefined;
}

/**
 * Reads the files of a tree and gives their blobs to the sink.
 *
 * Small files are read and hashed with synchronous calls: for a file of 5 KB they take some 20 µs, and the asynchronous ones five
 * trips to the thread pool. Many small files are divided among threads that do the same. Large files are read in the background,
 * and their blobs hashed and compressed in the pool.
 *
 * @returns the manifest's files, sorted by path
 * @throws IntegrityError `SOURCE_CHANGED`; LocalIoError `SOURCE_UNREADABLE`; InterruptedError
 */
export async function ingest(tree: SourceTree, options: IngestOptions): Promise<ManifestFile[]> {
  const entries = tree.entries().toSorted((first, second) => comparePaths(first.path, second.path));
  const ingestion = new Ingestion(tree, options);
  const read: SourceEntry[] = [];
  for (const entry of entries) {
    const known = options.reuse(entry);
    const isKnown =
      known !== undefined && known.executable === entry.executable && options.sink.holds(known.blobs);
    if (isKnown) ingestion.keep(known);
    else read.push(entry);
  }
  await ingestion.read(read);
  return ingestion.files.toSorted((first, second) => comparePaths(first.path, second.path));
}

class Ingestion {
  readonly files: ManifestFile[] = [];
  readonly #tree: SourceTree;
  readonly #options: IngestOptions;
  readonly #scratch = Buffer.allocUnsafeSlow(MIN_CHUNK);
  #bytes = 0;
  #bytesAtTurn = 0;

  constructor(tree: SourceTree, options: IngestOptions) {
    this.#tree = tree;
    this.#options = options;
  }

  /** Takes over what is known of a file. */
  keep(file: ManifestFile): void {
    this.files.push(file);
    this.#bytes += file.size;
  }

  async read(entries: readonly SourceEntry[]): Promise<void> {
    const small = entries.filter(({ size }) => size <= MIN_CHUNK).length;
    const threads = small >= WORTH_THREADS ? this.#threads() : undefined;
    try {
      for (const entry of entries) {
        if (entry.size > MIN_CHUNK) {
          await threads?.drain();
          await this.#readLarge(entry);
        } else if (threads === undefined) {
          await this.#takeSmall(entry, this.#readSmall(entry));
        } else if (threads.add(entry)) {
          await threads.send();
        }
      }
      await threads?.drain();
    } finally {
      await threads?.close();
    }
    assertNotAborted(this.#options.signal);
    this.#options.onProgress(this.#bytes, this.files.length);
  }

  #threads(): SmallFiles {
    const { sink, signal } = this.#options;
    return new SmallFiles({
      flags: FLAGS,
      pathOf: ({ path }) => pathOf(this.#tree.source, path),
      isNew: (id) => sink.isNew(id),
      take: async (files) => {
        assertNotAborted(signal);
        // What a thread could not read is read once more here, to say what is wrong with it.
        for (const { entry, content } of files)
          await this.#takeSmall(entry, content ?? this.#readSmall(entry));
      },
    });
  }

  #readSmall(entry: SourceEntry): SmallContent {
    const bytes = readSmallFile(pathOf(this.#tree.source, entry.path), entry, this.#scratch);
    return { sha256: sha256Hex(bytes), bytes, encoded: undefined };
  }

  /** Not `async`: most files need no promise. */
  #takeSmall(entry: SourceEntry, { sha256, bytes, encoded }: SmallContent): Promise<void> | undefined {
    const { path, size, executable } = entry;
    this.files.push({ path, size, executable, sha256, blobs: size === 0 ? [] : [sha256] });
    const done = size === 0 ? undefined : this.#options.sink.known(sha256, bytes, encoded);
    return this.#advance(size) ? this.#turn(done) : done;
  }

  async #readLarge(entry: SourceEntry): Promise<void> {
    const { onProgress } = this.#options;
    const before = this.#bytes;
    const file = await ingestLargeFile(this.#tree.source, entry, {
      ...this.#options,
      onRead: (read) => onProgress(before + read, this.files.length),
    });
    this.files.push(file);
    if (this.#advance(entry.size)) await this.#turn();
  }

  /** True when it is time for something else. */
  #advance(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes - this.#bytesAtTurn > BYTES_PER_TURN || this.files.length % FILES_PER_TURN === 0;
  }

  async #turn(done?: Promise<void>): Promise<void> {
    await done;
    const { signal, onProgress } = this.#options;
    this.#bytesAtTurn = this.#bytes;
    assertNotAborted(signal);
    onProgress(this.#bytes, this.files.length);
    await nextTurn();
  }
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

async function takeHashed(sink: BlobSink, blob: Uint8Array): Promise<string> {
  const id = sha256Hex(blob);
  const done = sink.known(id, blob);
  if (done !== undefined) await done;
  return id;
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
    const { sink, thread, signal, onRead } = options;
    // Without a second core for the whole file's hash, the blobs' go to the thread pool.
    const take =
      thread === undefined
        ? (blob: Uint8Array) => sink.take(blob)
        : (blob: Uint8Array) => takeHashed(sink, blob);
    const { sha256, blobs } = await cutFile(
      { handle, path, size: entry.size },
      { take, thread, signal, onRead },
    );
    assertUnchanged(path, entry, await handle.stat());
    return { path: entry.path, size: entry.size, executable: entry.executable, sha256, blobs };
  } catch (error) {
    throw readError(error, path);
  } finally {
    await handle.close();
  }
}
