import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { errnoOf, RefusedError } from '../../errors.ts';
import { ioError } from '../atomic-write.ts';

/** Where objects are files. */
export interface LocalPlace {
  /** Absolute; neither it nor anything below it may be a symbolic link. */
  root: string;
  /** Where below the root the kinds are; empty for the root itself. */
  directory: string;
  /**
   * Other machines write there too: names are given only where nothing is, a damaged object is not replaced unasked, and their
   * temporary files are left alone.
   */
  shared: boolean;
}

/** Like `lstat`, but undefined when there is nothing, also when a parent is a file. */
export function lstatIfPresent(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw ioError(error, path);
  }
}

function refuse(path: string): RefusedError {
  return new RefusedError('UNSAFE_PATH', `${path} is not a real directory`, {
    hint: 'a symbolic link there could lead out of the repository: replace it by a directory',
  });
}

/** Each directory from `root` down to `path`, `root` first. */
function steps(root: string, path: string): string[] {
  const parts = relative(root, path)
    .split(sep)
    .filter((part) => part !== '');
  let current = root;
  return [root, ...parts.map((part) => (current = join(current, part)))];
}

/**
 * Whether `path`, which lies below `root`, is a directory reached without symbolic links below and including `root`.
 * @throws RefusedError `UNSAFE_PATH` for a link or anything else that is no directory
 */
export function isRealDirectory(root: string, path: string): boolean {
  for (const step of steps(root, path)) {
    const stats = lstatIfPresent(step);
    if (stats === undefined) return false;
    if (!stats.isDirectory()) throw refuse(step);
  }
  return true;
}

/**
 * Makes the directories from `root` down to `path`.
 * @returns the directories whose entries changed, which have to be synced for the new ones to last
 * @throws RefusedError `UNSAFE_PATH`; LocalIoError
 */
export function ensureDirectory(root: string, path: string): string[] {
  const changed: string[] = [];
  for (const step of steps(root, path)) {
    const stats = lstatIfPresent(step);
    if (stats !== undefined) {
      if (!stats.isDirectory()) throw refuse(step);
      continue;
    }
    try {
      mkdirSync(step);
      changed.push(dirname(step));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw ioError(error, step);
      if (!lstatIfPresent(step)?.isDirectory()) throw refuse(step);
    }
  }
  return changed;
}
