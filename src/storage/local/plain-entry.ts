import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, IntegrityError, RefusedError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { ioError, syncDirectory } from '../atomic-write.ts';

const UNTOUCHED = 'nothing was changed';

export function unsafeEntry(path: string, problem: string): RefusedError {
  return new RefusedError('UNSAFE_PATH', `${printable(path)} ${problem}`, {
    hint: 'a repository holds plain files and directories only: look at it with `ls -l` and remove what does not belong',
  });
}

/** `lstat`, or undefined when there is no such entry. */
export function lstatOrUndefined(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw ioError(error, path, UNTOUCHED);
  }
}

/**
 * The absolute path of a directory below `root`, where neither `root` nor anything on the way is a symbolic link.
 *
 * @returns undefined when it, or a directory above it, does not exist
 * @throws RefusedError `UNSAFE_PATH`
 */
export function plainDirectory(root: string, parts: readonly string[]): string | undefined {
  if (!isPlainDirectory(root)) return undefined;
  let path = root;
  for (const part of parts) {
    path = join(path, part);
    if (!isPlainDirectory(path)) return undefined;
  }
  return path;
}

/** As {@link plainDirectory}, but creates what is missing and makes the new names durable. */
export async function ensurePlainDirectory(root: string, parts: readonly string[]): Promise<string> {
  let path = root;
  for (const part of ['', ...parts]) {
    path = part === '' ? path : join(path, part);
    if (isPlainDirectory(path)) continue;
    try {
      mkdirSync(path);
      await syncDirectory(dirname(path));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || !isPlainDirectory(path)) throw ioError(error, path);
    }
  }
  return path;
}

function isPlainDirectory(path: string): boolean {
  const stats = lstatOrUndefined(path);
  if (stats === undefined) return false;
  if (stats.isSymbolicLink()) throw unsafeEntry(path, 'is a symbolic link');
  if (!stats.isDirectory()) throw unsafeEntry(path, 'is not a directory');
  return true;
}

// Absent on Windows, where the look at the entry before has to do.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The bytes of a regular file that is not reached through a link as its last part. Opening never blocks, whatever lies there.
 *
 * @returns undefined when there is no such file
 * @throws RefusedError `UNSAFE_PATH`; IntegrityError `DOCUMENT_TOO_LARGE`
 */
export function readPlainFile(path: string, maxBytes: number): Uint8Array | undefined {
  if (process.platform === 'win32' && lstatOrUndefined(path)?.isSymbolicLink()) {
    throw unsafeEntry(path, 'is a symbolic link');
  }
  let descriptor: number;
  try {
    descriptor = openSync(path, OPEN_FLAGS);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return undefined;
    if (errno === 'ELOOP' || errno === 'EMLINK') throw unsafeEntry(path, 'is a symbolic link');
    if (errno === 'ENXIO' || errno === 'EOPNOTSUPP') throw unsafeEntry(path, 'is not a regular file');
    throw ioError(error, path, UNTOUCHED);
  }
  try {
    return readOpenFile(descriptor, path, maxBytes);
  } catch (error) {
    throw ioError(error, path, UNTOUCHED);
  } finally {
    closeSync(descriptor);
  }
}

function readOpenFile(descriptor: number, path: string, maxBytes: number): Uint8Array {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) throw unsafeEntry(path, 'is not a regular file');
  if (stats.size > maxBytes) {
    throw new IntegrityError(
      'DOCUMENT_TOO_LARGE',
      `${path} has ${stats.size} bytes; the limit is ${maxBytes}`,
    );
  }
  const bytes = Buffer.allocUnsafe(stats.size);
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}
