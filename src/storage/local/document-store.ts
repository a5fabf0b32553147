import { lstatSync, mkdirSync, readdirSync, type BigIntStats, type Dirent } from 'node:fs';
import { rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { ConflictError, errnoOf, LocalIoError } from '../../errors.ts';
import { assertSafeRelativePath } from '../../lib/safe-path.ts';
import { ioError, syncDirectory, temporaryName, TEMPORARY_NAME, writeDurably } from '../atomic-write.ts';
import type { DocumentFile, DocumentStore } from '../document-store.ts';
import { fingerprintsInThread, Listed, WORTH_A_THREAD } from './fingerprint-thread.ts';
import {
  ensurePlainDirectory,
  lstatOrUndefined,
  plainDirectory,
  readPlainFile,
  unsafeEntry,
} from './plain-entry.ts';

export interface LocalDocumentStoreOptions {
  /** Called once when the file system can't promise that what was written survives a power loss. */
  warn?: (message: string) => void;
  /** Milliseconds since 1970, as `Date.now`, which is the default. */
  now?: () => number;
}

const MAX_DOCUMENT_BYTES = 10 * 1024 * 1024;
const MAX_CACHE_BYTES = 512 * 1024 * 1024;
const CACHE_DIRECTORY = ['cache', 'index'];

/**
 * A file younger than this may change again without a visible change of its times: FAT counts in steps of two seconds,
 * ext4 in ticks of some milliseconds. A time in the future counts as young, since the clock may have been set back.
 */
const RACY_NANOSECONDS = 2_000_000_000n;

interface Location {
  directories: string[];
  name: string;
}

/**
 * Documents as files below `mlopsDir`. Calls to the file system are synchronous where many are made in a row: for small
 * files that is several times faster than a round trip through the thread pool.
 *
 * @param mlopsDir absolute path of `.mlops`, which `write` and `create` make when it is missing
 */
export function createLocalDocumentStore(
  mlopsDir: string,
  options: LocalDocumentStoreOptions = {},
): DocumentStore {
  const { warn, now = Date.now } = options;
  let warned = false;
  const noteDurability = (durable: boolean): void => {
    if (durable || warned) return;
    warned = true;
    warn?.(`${mlopsDir}: this file system can't promise that data survives a power loss (it has no fsync)`);
  };

  return {
    async read(path) {
      const { directories, name } = locate(path);
      const directory = plainDirectory(mlopsDir, directories);
      return directory === undefined ? undefined : readPlainFile(join(directory, name), MAX_DOCUMENT_BYTES);
    },

    async readDirectory(path) {
      const directory = plainDirectory(mlopsDir, directoryParts(path));
      if (directory === undefined) return [];
      // Taken before the files are looked at: an earlier time only makes more of them count as young.
      const newestSettled = BigInt(now()) * 1_000_000n - RACY_NANOSECONDS;
      return listDocuments(directory, newestSettled);
    },

    async listDirectories(path) {
      const directory = plainDirectory(mlopsDir, directoryParts(path));
      if (directory === undefined) return [];
      const names: string[] = [];
      for (const entry of readEntries(directory)) {
        if (entry.isSymbolicLink()) throw unsafeEntry(join(directory, entry.name), 'is a symbolic link');
        if (entry.isDirectory()) names.push(entry.name);
      }
      return names.sort();
    },

    async write(path, bytes, { beforeNaming } = {}) {
      const { directories, name } = locate(path);
      const file = join(await ensurePlainDirectory(mlopsDir, directories), name);
      assertRegularOrAbsent(file);
      noteDurability(await writeDurably(file, bytes, { beforeRename: beforeNaming }));
    },

    async create(path, bytes, { beforeNaming } = {}) {
      const { directories, name } = locate(path);
      const file = join(await ensurePlainDirectory(mlopsDir, directories), name);
      if (assertRegularOrAbsent(file)) return false;
      try {
        noteDurability(await writeDurably(file, bytes, { exclusive: true, beforeRename: beforeNaming }));
        return true;
      } catch (error) {
        if (error instanceof LocalIoError && errnoOf(error.cause) === 'EEXIST') return false;
        throw error;
      }
    },

    async remove(path) {
      const { directories, name } = locate(path);
      const directory = plainDirectory(mlopsDir, directories);
      if (directory === undefined || !assertRegularOrAbsent(join(directory, name))) return false;
      const file = join(directory, name);
      try {
        await unlink(file);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return false;
        throw ioError(error, file, 'the file is still there');
      }
      try {
        noteDurability(await syncDirectory(directory));
      } catch (error) {
        throw ioError(error, file, 'the file is removed, but whether that survives a power loss is unknown');
      }
      return true;
    },

    writeCache: (name, bytes) => writeCacheFile(mlopsDir, name, bytes).catch(() => undefined),

    async readCache(name) {
      try {
        assertSafeRelativePath(name);
        const directory = plainDirectory(mlopsDir, CACHE_DIRECTORY);
        return directory === undefined ? undefined : readPlainFile(join(directory, name), MAX_CACHE_BYTES);
      } catch {
        return undefined;
      }
    },
  };
}

function locate(path: string): Location {
  assertSafeRelativePath(path);
  const directories = path.split('/');
  const name = directories.pop() ?? '';
  return { directories, name };
}

/** The empty string names the root itself. */
function directoryParts(path: string): string[] {
  if (path === '') return [];
  assertSafeRelativePath(path);
  return path.split('/');
}

function readEntries(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw ioError(error, directory, 'nothing was changed');
  }
}

async function listDocuments(directory: string, newestSettled: bigint): Promise<DocumentFile[]> {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw ioError(error, directory, 'nothing was changed');
  }
  names = names.filter((name) => name.endsWith('.json') && !TEMPORARY_NAME.test(name)).sort();
  // One thread at a time: while it looks at one directory, this one may as well look at the next.
  return names.length < WORTH_A_THREAD || threadIsBusy
    ? listHere(directory, names, newestSettled)
    : listInThread(directory, names, newestSettled);
}

let threadIsBusy = false;

function listHere(directory: string, names: readonly string[], newestSettled: bigint): DocumentFile[] {
  const files: DocumentFile[] = [];
  for (const name of names) {
    const path = `${directory}${sep}${name}`;
    const stats = lstatBig(path);
    if (stats === undefined || stats.isDirectory()) continue;
    if (!stats.isFile()) throw unsafeEntry(path, 'is not a regular file');
    files.push(new LocalDocument(directory, name, fingerprintOf(stats, newestSettled)));
  }
  return files;
}

async function listInThread(
  directory: string,
  names: readonly string[],
  newestSettled: bigint,
): Promise<DocumentFile[]> {
  let found: string[];
  threadIsBusy = true;
  try {
    found = await fingerprintsInThread(directory, names, newestSettled);
  } catch (error) {
    throw ioError(error, directory, 'nothing was changed');
  } finally {
    threadIsBusy = false;
  }
  const files: DocumentFile[] = [];
  for (const [index, name] of names.entries()) {
    const said = found[index];
    if (said === undefined || said === Listed.passedOver) continue;
    if (said === Listed.unsafe) throw unsafeEntry(join(directory, name), 'is not a regular file');
    files.push(new LocalDocument(directory, name, said === Listed.young ? undefined : said));
  }
  return files;
}

/** A class, because there may be fifty thousand of them, of which few are read. */
class LocalDocument implements DocumentFile {
  readonly name: string;
  readonly fingerprint: string | undefined;
  readonly #directory: string;

  constructor(directory: string, name: string, fingerprint: string | undefined) {
    this.#directory = directory;
    this.name = name;
    this.fingerprint = fingerprint;
  }

  read(): Uint8Array {
    return readListed(join(this.#directory, this.name));
  }
}

const EXACT = { bigint: true, throwIfNoEntry: false } as const;

function lstatBig(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, EXACT);
  } catch (error) {
    throw ioError(error, path, 'nothing was changed');
  }
}

function fingerprintOf(stats: BigIntStats, newestSettled: bigint): string | undefined {
  if (stats.mtimeNs > newestSettled || stats.ctimeNs > newestSettled) return undefined;
  return `${stats.size}-${stats.mtimeNs}-${stats.ctimeNs}-${stats.ino}`;
}

function readListed(path: string): Uint8Array {
  const bytes = readPlainFile(path, MAX_DOCUMENT_BYTES);
  if (bytes !== undefined) return bytes;
  throw new ConflictError('DOCUMENT_CHANGED', `${path} was removed while it was being read`, {
    hint: 'run the same command again',
  });
}

/** True when a regular file is there, false when nothing is. */
function assertRegularOrAbsent(path: string): boolean {
  const stats = lstatOrUndefined(path);
  if (stats === undefined) return false;
  if (!stats.isFile()) throw unsafeEntry(path, 'is not a regular file');
  return true;
}

async function writeCacheFile(mlopsDir: string, name: string, bytes: Uint8Array): Promise<void> {
  assertSafeRelativePath(name);
  if (plainDirectory(mlopsDir, CACHE_DIRECTORY) === undefined) {
    plainDirectory(mlopsDir, CACHE_DIRECTORY.slice(0, 1));
    mkdirSync(join(mlopsDir, ...CACHE_DIRECTORY), { recursive: true });
  }
  const path = join(mlopsDir, ...CACHE_DIRECTORY, name);
  const temporary = join(dirname(path), temporaryName());
  try {
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
