import { constants, readdirSync } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../../errors.ts';
import { ioError, syncDirectory, temporaryName, writeDurably } from '../atomic-write.ts';
import { sha256HexInPool } from '../digest.ts';
import { MAX_MANIFEST } from '../manifest.ts';
import {
  assertObjectName,
  damagedObject,
  isNamedBy,
  isObjectName,
  missingObject,
  objectPath,
} from '../object-errors.ts';
import type {
  BatchOptions,
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
} from '../object-store.ts';
import { MAX_PACK } from '../pack.ts';
import { LocalObjectBatch } from './object-batch.ts';
import { ensureDirectory, isRealDirectory, lstatIfPresent, type LocalPlace } from './object-paths.ts';

// O_NONBLOCK: opening a FIFO that somebody put there must fail, not wait for a writer.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Objects as files, mode 0444. See docs/format.md section 2 for the names. */
export class LocalObjectStore implements ObjectStore {
  readonly #place: LocalPlace;
  readonly #root: string;
  readonly #top: string;

  /** @param place the `.mlops` directory, whose objects are in `cache`, or another place */
  constructor(place: string | LocalPlace) {
    this.#place = typeof place === 'string' ? { root: place, directory: 'cache', shared: false } : place;
    this.#root = this.#place.root;
    this.#top = join(this.#root, this.#place.directory);
  }

  batch(options?: BatchOptions): ObjectBatch {
    return new LocalObjectBatch(this.#place, this, options);
  }

  async get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    assertObjectName(key);
    const path = this.#path(key);
    if (!isRealDirectory(this.#root, dirname(path))) throw missingObject(key);
    let handle: FileHandle;
    try {
      handle = await open(path, READ_FLAGS);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw missingObject(key);
      if (errnoOf(error) === 'ELOOP') throw damagedObject(key, 'it is a symbolic link');
      throw ioError(error, path);
    }
    try {
      return await readObject(handle, key, range);
    } catch (error) {
      throw ioError(error, path);
    } finally {
      await handle.close();
    }
  }

  stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    return Promise.resolve().then(() => {
      assertObjectName(key);
      const path = this.#path(key);
      if (!isRealDirectory(this.#root, dirname(path))) return undefined;
      const stats = lstatIfPresent(path);
      return stats?.isFile() ? { key, size: stats.size, modified: stats.mtimeMs } : undefined;
    });
  }

  async *list(kind: ObjectKind, start = ''): AsyncIterable<ObjectInfo> {
    const top = join(this.#top, kind);
    if (!isRealDirectory(this.#root, top)) return;
    for (const prefix of readNames(top).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
      const directory = join(top, prefix);
      if (!isRealDirectory(this.#root, directory)) continue;
      for (const name of readNames(directory)) {
        const key = { kind, name };
        if (!isObjectName(key) || !name.startsWith(prefix) || !name.startsWith(start)) continue;
        const stats = lstatIfPresent(join(directory, name));
        if (stats?.isFile()) yield { key, size: stats.size, modified: stats.mtimeMs };
      }
    }
  }

  async delete(key: ObjectKey): Promise<boolean> {
    assertObjectName(key);
    const path = this.#path(key);
    if (!isRealDirectory(this.#root, dirname(path))) return false;
    try {
      await unlink(path);
      await syncDirectory(dirname(path));
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw ioError(error, path);
    }
  }

  async quarantine(key: ObjectKey, reason: string): Promise<string> {
    assertObjectName(key);
    const path = this.#path(key);
    const directory = join(this.#top, 'quarantine');
    if (!isRealDirectory(this.#root, dirname(path))) throw missingObject(key);
    const changed = ensureDirectory(this.#root, directory);
    const place = join(directory, `${key.kind}-${key.name}${temporaryName()}`);
    try {
      const note = { object: objectPath(key), reason, time: new Date().toISOString() };
      await writeDurably(`${place}.reason.json`, Buffer.from(`${JSON.stringify(note, null, 2)}\n`));
      await rename(path, place);
      for (const each of new Set([...changed, directory, dirname(path)])) await syncDirectory(each);
      return place;
    } catch (error) {
      await unlink(`${place}.reason.json`).catch(() => undefined);
      if (errnoOf(error) === 'ENOENT') throw missingObject(key);
      throw ioError(error, path);
    }
  }

  #path(key: ObjectKey): string {
    return join(this.#top, key.kind, key.name.slice(0, 2), key.name);
  }
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw ioError(error, directory);
  }
}

async function readObject(handle: FileHandle, key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw damagedObject(key, 'it is no regular file');
  const limit = key.kind === 'packs' ? MAX_PACK : MAX_MANIFEST;
  if (stats.size > limit) throw damagedObject(key, `${stats.size} bytes are more than ${key.kind} may have`);
  const { offset, length, into }: ByteRange = range ?? { offset: 0, length: stats.size };
  if (offset < 0 || length < 0 || offset + length > stats.size) {
    throw damagedObject(key, `bytes ${offset} to ${offset + length} lie outside its ${stats.size} bytes`);
  }
  const fits = into !== undefined && into.length >= length;
  const bytes = fits ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, offset + read);
    if (bytesRead === 0) throw damagedObject(key, `it ends after ${offset + read} bytes`);
    read += bytesRead;
  }
  if (range === undefined && !isNamedBy(key, await sha256HexInPool(bytes))) {
    throw damagedObject(key, 'its bytes do not hash to its name');
  }
  return bytes;
}
