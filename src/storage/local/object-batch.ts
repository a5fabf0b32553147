import { constants } from 'node:fs';
import { link, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, LocalIoError, MlopsError } from '../../errors.ts';
import {
  ioError,
  lacksLinks,
  renamePatiently,
  syncDirectory,
  syncFile,
  temporaryName,
  writeFully,
} from '../atomic-write.ts';
import { sha256HexInPool } from '../digest.ts';
import { alteredBytes, assertObjectName, damagedOnRemote, isNamedBy } from '../object-errors.ts';
import type {
  BatchOptions,
  HashFunction,
  ObjectBatch,
  ObjectKey,
  ObjectKind,
  ObjectStore,
  PutOutcome,
} from '../object-store.ts';
import { hostMark, removeAbandoned, removeAbandonedFrom } from './leftovers.ts';
import { ensureDirectory, lstatIfPresent, type LocalPlace } from './object-paths.ts';

const MODE = 0o444;
const SYNCS_IN_FLIGHT = 8;
const READ_BACK = 1024 * 1024;
const UNTOUCHED = 'objects stored before are untouched';

interface Temporary {
  temporary: string;
  path: string;
  key: ObjectKey;
}

interface Pending extends Temporary {
  size: number;
}

/**
 * Writes each object to a temporary file beside its place and reads it back inside `put`, and flushes it while the caller, who may use
 * the memory again, goes on. `commit` waits for that, renames, then flushes each directory once.
 *
 * The promise: what the file gave back when it was read, before it was flushed, is what was put. A bit that flips on the way to
 * the file or in the page cache is found and nothing counts as stored; with `put`, where the name came from elsewhere,
 * so is one that flipped in memory since.
 * What a disk does to bytes that it took is found by `verify --deep` and by every read.
 */
export class LocalObjectBatch implements ObjectBatch {
  readonly #place: LocalPlace;
  readonly #store: ObjectStore;
  readonly #onDamaged: 'refuse' | 'replace';
  readonly #mark: string;
  readonly #pending = new Map<string, Pending>();
  readonly #writing = new Set<string>();
  /** None of them rejects. */
  readonly #flushes = new Set<Promise<void>>();
  #flushFailure: { error: unknown } | undefined;
  readonly #changed = new Set<string>();

  constructor(place: LocalPlace, store: ObjectStore, { onDamaged }: BatchOptions = {}) {
    this.#place = place;
    this.#store = store;
    this.#onDamaged = onDamaged ?? (place.shared ? 'refuse' : 'replace');
    this.#mark = place.shared ? hostMark() : '';
  }

  put(key: ObjectKey, bytes: Uint8Array): Promise<PutOutcome> {
    return this.#put(key, bytes, { hashed: false });
  }

  async store(kind: ObjectKind, bytes: Uint8Array, hash: HashFunction = sha256HexInPool): Promise<string> {
    const name = await hash(bytes);
    await this.#put({ kind, name }, bytes, { hashed: true });
    return name;
  }

  async #put(key: ObjectKey, bytes: Uint8Array, { hashed }: { hashed: boolean }): Promise<PutOutcome> {
    assertObjectName(key);
    const { root } = this.#place;
    const directory = join(root, this.#place.directory, key.kind, key.name.slice(0, 2));
    const path = join(directory, key.name);
    const id = `${key.kind}/${key.name}`;
    if (this.#pending.has(id) || this.#writing.has(id)) {
      if (!isNamedBy(key, await sha256HexInPool(bytes))) throw alteredBytes(key);
      return 'present';
    }
    this.#writing.add(id);
    try {
      for (const parent of ensureDirectory(root, directory)) this.#changed.add(parent);
      const existing = await this.#examine(key, path, bytes);
      if (existing === 'present') return 'present';
      const temporary = join(directory, temporaryName(this.#mark));
      const handle = await writeVerified({ temporary, path, key, hashed }, bytes);
      this.#pending.set(id, { temporary, path, key, size: bytes.length });
      this.#flush(handle, path);
      while (this.#flushes.size >= SYNCS_IN_FLIGHT) await Promise.race(this.#flushes);
      this.#rethrow();
      return existing;
    } finally {
      this.#writing.delete(id);
    }
  }

  #flush(handle: FileHandle, path: string): void {
    const flush = flushAndClose(handle)
      .catch((error: unknown) => {
        this.#flushFailure ??= { error: ioError(error, path, UNTOUCHED) };
      })
      .finally(() => this.#flushes.delete(flush));
    this.#flushes.add(flush);
  }

  #rethrow(): void {
    if (this.#flushFailure !== undefined) throw this.#flushFailure.error;
  }

  /** What is there already under this name? Only a regular file of the same size and hash counts. */
  async #examine(key: ObjectKey, path: string, bytes: Uint8Array): Promise<PutOutcome> {
    const stats = lstatIfPresent(path);
    if (stats === undefined) return 'stored';
    // The bytes in hand come first: it would be wrong to quarantine a good object because of bad bytes.
    if (!isNamedBy(key, await sha256HexInPool(bytes))) throw alteredBytes(key);
    return this.#settle(key, stats.size, bytes.length);
  }

  /** Something is there under the name: is it these bytes, or does it have to give way? */
  async #settle(key: ObjectKey, size: number, expected: number): Promise<'present' | 'replaced'> {
    const problem = await this.#problemOf(key, size, expected);
    if (problem === undefined) return 'present';
    if (this.#onDamaged === 'refuse') throw damagedOnRemote(key, problem);
    await this.#store.quarantine(key, problem);
    return 'replaced';
  }

  async #problemOf(key: ObjectKey, size: number, expected: number): Promise<string | undefined> {
    if (size !== expected) return `it has ${size} bytes instead of ${expected}`;
    try {
      await this.#store.get(key);
      return undefined;
    } catch (error) {
      if (error instanceof MlopsError && error.code === 'OBJECT_DAMAGED') return error.message;
      throw error;
    }
  }

  async commit(): Promise<void> {
    await Promise.all(this.#flushes);
    this.#rethrow();
    for (const [id, pending] of this.#pending) {
      const { path } = pending;
      try {
        await (this.#place.shared ? this.#nameCreateOnly(pending) : renamePatiently(pending.temporary, path));
      } catch (error) {
        throw ioError(error, path, UNTOUCHED);
      }
      this.#pending.delete(id);
      this.#changed.add(dirname(path));
    }
    const directories = [...this.#changed];
    this.#changed.clear();
    for (let start = 0; start < directories.length; start += SYNCS_IN_FLIGHT) {
      await Promise.all(directories.slice(start, start + SYNCS_IN_FLIGHT).map(syncNames));
    }
    if (this.#place.shared) removeAbandonedFrom(directories, this.#mark);
    else if (directories.length > 0) removeAbandoned(this.#place);
  }

  /** On a place that others write to, the name may have been taken since it was looked at. */
  async #nameCreateOnly({ temporary, path, key, size }: Pending): Promise<void> {
    if (await linkIfAbsent(temporary, path)) return;
    const found = lstatIfPresent(path);
    if (found !== undefined && (await this.#settle(key, found.size, size)) === 'present') {
      await rm(temporary, { force: true });
    } else {
      await renamePatiently(temporary, path);
    }
  }

  async abort(): Promise<void> {
    await Promise.all(this.#flushes);
    const temporaries = [...this.#pending.values()].map(({ temporary }) => temporary);
    this.#pending.clear();
    for (const temporary of temporaries) await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** False when the name is taken. */
async function linkIfAbsent(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    if (!lacksLinks(error)) throw error;
    if (lstatIfPresent(path) !== undefined) return false;
    await renamePatiently(temporary, path);
    return true;
  }
  await rm(temporary, { force: true });
  return true;
}

async function syncNames(directory: string): Promise<void> {
  try {
    await syncDirectory(directory);
  } catch (error) {
    throw ioError(
      error,
      directory,
      'the objects are written, but whether they survive a power loss is unknown',
    );
  }
}

/** Leaves a read-only temporary file, open and still to be flushed, whose content hashes to the name, or nothing. */
async function writeVerified(
  { temporary, path, key, hashed }: Temporary & { hashed: boolean },
  bytes: Uint8Array,
): Promise<FileHandle> {
  try {
    const handle = await open(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await writeFully(handle, bytes, path);
      const { size } = await handle.stat();
      if (size !== bytes.length) {
        throw new LocalIoError(
          'WRITE_FAILED',
          `${path}: ${size} of ${bytes.length} bytes arrived on the disk`,
        );
      }
      const matches = await holds(handle, bytes);
      if (!matches || (!hashed && !isNamedBy(key, await sha256HexInPool(bytes)))) throw alteredBytes(key);
      await handle.chmod(MODE);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw ioError(error, path, UNTOUCHED);
  }
}

async function flushAndClose(handle: FileHandle): Promise<void> {
  try {
    await syncFile(handle);
  } finally {
    await handle.close();
  }
}

/**
 * True when the file holds these bytes. Cheaper than hashing the file, and as strong when the bytes are hashed afterwards: what
 * the file was equal to then hashes to the name.
 */
async function holds(handle: FileHandle, bytes: Uint8Array): Promise<boolean> {
  const piece = Buffer.allocUnsafeSlow(Math.min(READ_BACK, bytes.length));
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, bytes.length - at), at);
    if (bytesRead === 0) return false;
    if (piece.compare(bytes, at, at + bytesRead, 0, bytesRead) !== 0) return false;
    at += bytesRead;
  }
  return true;
}
