import { open, rename, rm, link, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, LocalIoError, MlopsError } from '../errors.ts';
import { crypto } from '../lib/lazy-builtin.ts';

/** What a temporary file of ours looks like, so that a later command can tell it from anything else. */
export const TEMPORARY_NAME = /^\.tmp-\d+-[0-9a-f]{16}$/;

/** @param mark hex digits that the random part starts with */
export function temporaryName(mark = ''): string {
  return `.tmp-${process.pid}-${mark}${crypto().randomBytes(8).toString('hex').slice(mark.length)}`;
}

/** Loops until every byte is written; a short write is normal, a write of nothing is an error. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written);
    if (bytesWritten === 0) {
      throw new LocalIoError(
        'WRITE_FAILED',
        `${path}: the file system took ${written} of ${bytes.length} bytes`,
      );
    }
    written += bytesWritten;
  }
}

/**
 * Flushes a file to the disk. Never called twice on a handle after a failure: Linux may drop the dirty pages of a failed
 * fsync and report success the next time (wiki.postgresql.org/wiki/Fsync_Errors).
 *
 * @returns false where the file system has no such thing (ENOTSUP, EINVAL)
 */
export async function syncFile(handle: FileHandle): Promise<boolean> {
  try {
    await handle.sync();
    return true;
  } catch (error) {
    if (isUnsupportedSync(error)) return false;
    throw error;
  }
}

/** Makes the names in a directory durable; see {@link syncFile} for the result. */
export async function syncDirectory(path: string): Promise<boolean> {
  // Windows has no handle for a directory; NTFS journals the names itself.
  if (process.platform === 'win32') return true;
  const handle = await open(path, 'r');
  try {
    return await syncFile(handle);
  } finally {
    await handle.close();
  }
}

function isUnsupportedSync(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'EINVAL' || errno === 'ENOTSUP' || errno === 'EOPNOTSUPP';
}

const RENAME_ATTEMPTS = 10;

/** Renames; a virus scanner or an indexer that holds the file open for a moment (EACCES, EBUSY, EPERM) is waited for. */
export async function renamePatiently(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const errno = errnoOf(error);
      const transient = errno === 'EACCES' || errno === 'EBUSY' || errno === 'EPERM';
      if (!transient || attempt === RENAME_ATTEMPTS) throw error;
      await delay(10 * attempt);
    }
  }
}

export interface DurableWriteOptions {
  /** Mode of the file; default 0644, before umask. */
  mode?: number;
  /** Fail with EEXIST instead of replacing. */
  exclusive?: boolean;
  /** Called just before the file gets its name; whatever it throws undoes the write. */
  beforeRename?: (() => Promise<void>) | undefined;
}

/**
 * Writes a file so that readers see the old bytes or the new ones, and a crash leaves one of them: temporary file in the same
 * directory, every byte written, fsync, size check, rename, fsync of the directory. On failure the temporary is gone
 * and the old file untouched.
 *
 * @returns false when the file system can't promise durability
 * @throws LocalIoError with path and errno
 */
export async function writeDurably(
  path: string,
  bytes: Uint8Array,
  options: DurableWriteOptions = {},
): Promise<boolean> {
  const temporary = join(dirname(path), temporaryName());
  let named = false;
  try {
    const handle = await open(temporary, 'wx', options.mode ?? 0o644);
    let durable: boolean;
    try {
      await writeFully(handle, bytes, path);
      durable = await syncFile(handle);
      const { size } = await handle.stat();
      if (size !== bytes.length) {
        throw new LocalIoError(
          'WRITE_FAILED',
          `${path}: ${size} of ${bytes.length} bytes arrived on the disk`,
        );
      }
    } finally {
      await handle.close();
    }
    await options.beforeRename?.();
    if (options.exclusive) {
      await linkExclusively(temporary, path);
    } else {
      await renamePatiently(temporary, path);
    }
    named = true;
    return (await syncDirectory(dirname(path))) && durable;
  } catch (error) {
    if (named && errnoOf(error) !== undefined) {
      throw ioError(error, path, 'the file is written, but whether it survives a power loss is unknown');
    }
    throw ioError(error, path);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Some file systems have no hard links: FAT, and a few network shares. */
export function lacksLinks(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '');
}

/** `link` fails when the name is taken, `rename` would replace it. */
async function linkExclusively(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!lacksLinks(error)) throw error;
    await (await open(path, 'wx')).close();
    try {
      await renamePatiently(temporary, path);
    } catch (failure) {
      await rm(path, { force: true });
      throw failure;
    }
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space and run the same command again',
  EDQUOT: 'your disk quota is used up: free some space and run the same command again',
  EFBIG: 'the file-size limit of this shell (`ulimit -f`) is too small',
  EROFS: 'the file system is mounted read-only',
  EACCES: 'check the owner and the mode of the directory',
  EPERM: 'check the owner and the mode of the directory',
  EMFILE: 'raise the limit of open files (`ulimit -n`)',
  EIO: 'the disk reports an error: check it before you go on',
};

/** Wraps a system error; an `MlopsError` passes through unchanged. `safe` says what the failure did not touch. */
export function ioError(
  error: unknown,
  path: string,
  safe = 'what was there before is untouched',
): MlopsError {
  if (error instanceof MlopsError) return error;
  const errno = errnoOf(error) ?? 'unknown error';
  const hint = HINTS[errno];
  return new LocalIoError(errno === 'ENOSPC' ? 'DISK_FULL' : 'IO_FAILED', `${path}: ${errno}; ${safe}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
