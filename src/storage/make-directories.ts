import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LocalIoError, MlopsError } from '../errors.ts';
import { ioError } from './atomic-write.ts';

/**
 * Makes a directory and the parents it lacks. Node's own `recursive` never comes back from a file system that takes no
 * new names, such as /proc.
 *
 * @throws LocalIoError naming the directory that can't be made
 */
export async function makeDirectories(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectories(parent);
  try {
    await mkdir(path);
  } catch (error) {
    if (!(await isDirectory(path))) throw placeError(error, path);
  }
}

/** A failure to write where the person said, with a hint whatever it is. `MlopsError`s pass through unchanged. */
export function placeError(error: unknown, path: string): MlopsError {
  if (error instanceof MlopsError) return error;
  const failure = ioError(error, path);
  if (failure.hint !== undefined) return failure;
  return new LocalIoError(failure.code, failure.message, {
    hint: 'name another place: -o <path>',
    cause: error,
  });
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
