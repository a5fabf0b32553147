import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { RefusedError, UsageError } from '../../errors.ts';
import { nearestNames } from '../../lib/nearest.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { DataPointer } from './pointer.ts';
import type { Repository } from '../repository/repository.ts';
import { loadPointers, type LoadedPointers } from './pointers.ts';

/**
 * A path as somebody typed it, relative to the Git root with `/`; empty for the root itself. Links above it are followed, so
 * that it is the same path whatever way the person came; what lies at the path itself is not looked at and need not exist.
 *
 * @throws RefusedError `OUTSIDE_REPOSITORY`
 */
export function pathInRepository(root: string, given: string): string {
  const absolute = resolve(given);
  const real =
    realAsFarAsThere(absolute) === root
      ? root
      : join(realAsFarAsThere(dirname(absolute)), basename(absolute));
  const inside = relative(root, real);
  if (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside))
    return inside.split(sep).join('/');
  throw new RefusedError('OUTSIDE_REPOSITORY', `${printable(given)} lies outside of the repository`, {
    hint: `only what lies below ${printable(root)} can be tracked`,
  });
}

function realAsFarAsThere(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realAsFarAsThere(parent), basename(path));
  }
}

/**
 * Tracked paths as somebody typed them, relative to where they are; what is nothing there is taken from the Git root, which is
 * how paths are shown, so that one that was copied from a message works everywhere.
 *
 * @returns paths relative to the Git root; not all of them need to be tracked
 * @throws RefusedError `OUTSIDE_REPOSITORY`
 */
export async function typedPaths(
  { root, documents }: Pick<Repository, 'root' | 'documents'>,
  cwd: string,
  given: readonly string[],
): Promise<string[]> {
  if (given.length === 0) return [];
  const { pointers, problems } = await loadPointers(documents);
  const isKnown = (path: string): boolean =>
    [...pointers, ...problems].some((each) => isWithin(each.path, path) || isWithin(path, each.path));
  return given.map((text) => {
    const here = pathInRepository(root, resolve(cwd, text));
    if (isKnown(here) || cwd === root) return here;
    const shown = pathInRepository(root, resolve(root, text));
    return isKnown(shown) ? shown : here;
  });
}

/** Whether a path is another one, or lies in it; everything lies in the empty path. */
export function isWithin(path: string, directory: string): boolean {
  return directory === '' || path === directory || path.startsWith(`${directory}/`);
}

/**
 * The pointers at and below some paths; without any, all.
 *
 * @param paths relative to the Git root
 * @throws UsageError `PATH_NOT_TRACKED`
 */
export function selectPointers(loaded: LoadedPointers, paths: readonly string[] | undefined): LoadedPointers {
  if (paths === undefined || paths.length === 0) return loaded;
  const all = [...loaded.pointers, ...loaded.problems].map(({ path }) => path);
  for (const path of paths) {
    if (!all.some((each) => isWithin(each, path))) throw notTracked(path, loaded.pointers, all);
  }
  const isChosen = ({ path }: { path: string }): boolean => paths.some((each) => isWithin(path, each));
  return { pointers: loaded.pointers.filter(isChosen), problems: loaded.problems.filter(isChosen) };
}

export function notTracked(
  path: string,
  pointers: readonly DataPointer[],
  names: readonly string[],
): UsageError {
  const shown = printable(path);
  const around = pointers.find((pointer) => isWithin(path, pointer.path));
  if (around !== undefined) {
    const whole = printable(around.path);
    return new UsageError('PATH_NOT_TRACKED', `${shown} is tracked as a part of ${whole}, not by itself`, {
      hint: `name the whole: ${whole}`,
    });
  }
  const near = nearestNames(path, names).map(printable);
  return new UsageError(
    'PATH_NOT_TRACKED',
    `${shown === '' ? 'the repository' : shown} holds no tracked data`,
    {
      hint:
        near.length > 0
          ? `did you mean ${near.join(', ')}?`
          : names.length > 0
            ? 'see `mlops data list`'
            : 'track some: mlops data add <path>',
    },
  );
}
