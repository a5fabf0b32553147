import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { errnoOf, RefusedError } from '../errors.ts';
import { printable } from './terminal-text.ts';

const MAX_PATH_BYTES = 4096;
const MAX_PART_BYTES = 255;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Code points that HFS+ leaves out when it compares names (the list that git's `core.protectHFS` uses). */
const HFS_IGNORABLE = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;

/**
 * Proves that an untrusted path is relative, stays below whatever it is joined to, and means the same on every file
 * system as far as safety goes (`docs/format.md` 6.3). Whether it is *portable* is another question: see
 * `portabilityProblem`.
 *
 * @throws RefusedError `UNSAFE_PATH`
 */
export function assertSafeRelativePath(path: string): void {
  const problem = unsafePathProblem(path);
  if (problem === undefined) return;
  throw new RefusedError('UNSAFE_PATH', `unsafe path "${shorten(printable(path))}": ${problem}`);
}

/** Why the path is refused, or undefined when it is safe. */
export function unsafePathProblem(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (path.includes('\0')) return 'it holds a NUL character';
  if (path.includes('\\')) return 'it holds a backslash';
  if (path.startsWith('/')) return 'it is absolute';
  if (/^[A-Za-z]:/.test(path)) return 'it starts with a drive letter';
  if (LONE_SURROGATE.test(path)) return 'it is not valid Unicode';
  if (tooLong(path, MAX_PATH_BYTES)) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  for (const part of path.split('/')) {
    const problem = partProblem(part);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function partProblem(part: string): string | undefined {
  if (part === '') return 'a part of it is empty';
  if (part === '.' || part === '..') return `a part of it is "${part}"`;
  // Windows drops trailing dots and spaces, which turns ".. " into the parent directory.
  if (/^[. ]+$/.test(part)) return 'a part of it is made of dots and spaces only';
  if (tooLong(part, MAX_PART_BYTES)) return `a part of it is longer than ${MAX_PART_BYTES} bytes`;
  if (foldsToGitDirectory(part)) return 'a part of it may name the ".git" directory';
  return undefined;
}

function foldsToGitDirectory(part: string): boolean {
  const plain = foldPart(part);
  return plain === '.git' || /^git~[0-9]+$/.test(plain);
}

/** Whether some file system may take this part of a path for the `.mlops` directory. */
export function foldsToMlopsDirectory(part: string): boolean {
  const plain = foldPart(part);
  return plain === '.mlops' || /^mlops~[0-9]+$/.test(plain);
}

/** NTFS ignores case, trailing dots and spaces and what follows a colon, and gives short names like GIT~1. */
function foldPart(part: string): string {
  return part
    .replace(HFS_IGNORABLE, '')
    .toLowerCase()
    .replace(/:.*$/s, '')
    .replace(/[. ]+$/, '');
}

function tooLong(text: string, bytes: number): boolean {
  // A UTF-16 code unit takes at most three bytes of UTF-8, so most names need no counting.
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

/**
 * Joins an untrusted relative path to a directory. Besides the rules of {@link assertSafeRelativePath}, no existing part
 * below `root` may be a symbolic link, the last one included, and the real path of the nearest existing parent has to lie
 * inside the real path of `root`. `root` itself may be reached through links and must exist.
 *
 * @returns `root` with the path joined to it by the platform's separator
 * @throws RefusedError `UNSAFE_PATH`
 */
export function safeJoin(root: string, relative: string): string {
  assertSafeRelativePath(relative);
  let parent = root;
  let joined = root;
  for (const part of relative.split('/')) {
    parent = joined;
    joined = join(joined, part);
    const stats = lstatIfPresent(joined);
    if (stats === undefined) break;
    if (stats.isSymbolicLink()) {
      throw new RefusedError('UNSAFE_PATH', `${printable(joined)} is a symbolic link`, {
        hint: 'replace the link by what it points to',
      });
    }
  }
  assertInside(realpathSync.native(root), realpathSync.native(parent), relative);
  return join(root, ...relative.split('/'));
}

/** Undefined when there is no such entry, or when a parent is a file and there can't be one. */
export function lstatIfPresent(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function assertInside(realRoot: string, realParent: string, relative: string): void {
  // Without the separator "/data" would count as the parent of "/database".
  const prefix = realRoot.endsWith(sep) ? realRoot : `${realRoot}${sep}`;
  if (realParent === realRoot || realParent.startsWith(prefix)) return;
  throw new RefusedError(
    'UNSAFE_PATH',
    `"${shorten(printable(relative))}" leads out of ${dirname(prefix + 'x')}`,
  );
}
