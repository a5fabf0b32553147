import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf, LocalIoError } from '../../errors.ts';
import { ioError, syncFile, TEMPORARY_NAME } from '../atomic-write.ts';

const NOFOLLOW = constants.O_NOFOLLOW ?? 0;

export function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw ioError(error, path, 'nothing was changed');
  }
}

export function readNames(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !TEMPORARY_NAME.test(name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw ioError(error, directory, 'nothing was changed');
  }
}

export function readRange(descriptor: number, offset: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const count = readSync(descriptor, bytes, read, length - read, offset + read);
    if (count === 0) break;
    read += count;
  }
  return bytes.subarray(0, read);
}

export function writeNew(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'wx', 0o644);
  try {
    let written = 0;
    while (written < bytes.length) {
      const count = writeSync(descriptor, bytes, written);
      if (count === 0)
        throw new LocalIoError(
          'WRITE_FAILED',
          `${path}: the file system took ${written} of ${bytes.length} bytes`,
        );
      written += count;
    }
  } finally {
    closeSync(descriptor);
  }
}

export async function syncPath(path: string): Promise<void> {
  try {
    const handle = await open(path, constants.O_RDONLY | NOFOLLOW);
    try {
      await syncFile(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT')
      throw ioError(error, path, 'whether it survives a power loss is unknown');
  }
}
