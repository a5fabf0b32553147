import { lstatSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, RefusedError, UsageError } from '../../errors.ts';
import { MLOPS_DIRECTORY } from './layout.ts';

/**
 * The work tree whose `.mlops` governs a directory: the nearest one upwards, but not beyond the Git root.
 *
 * @returns its absolute real path
 * @throws UsageError `NOT_A_REPOSITORY`; RefusedError `UNSAFE_PATH` when `.mlops` is a symbolic link or no directory
 */
export function findRepositoryRoot(directory: string): string {
  let at = realDirectory(directory);
  for (;;) {
    const kind = kindOf(join(at, MLOPS_DIRECTORY));
    if (kind === 'directory') return at;
    if (kind !== undefined) {
      throw new RefusedError(
        'UNSAFE_PATH',
        `${join(at, MLOPS_DIRECTORY)} is a ${kind}; it must be a directory`,
        {
          hint: 'remove it and run `mlops init`; nothing was read or written through it',
        },
      );
    }
    const isGitRoot = kindOf(join(at, '.git')) !== undefined;
    const parent = dirname(at);
    if (isGitRoot || parent === at) throw notFound(directory, isGitRoot);
    at = parent;
  }
}

function realDirectory(directory: string): string {
  const hint = 'change to a directory of the repository, or name one with -C';
  let path: string;
  try {
    path = realpathSync(directory);
  } catch (cause) {
    throw new UsageError('NOT_A_REPOSITORY', `${directory}: there is no such directory`, { cause, hint });
  }
  if (kindOf(path) === 'directory') return path;
  throw new UsageError('NOT_A_REPOSITORY', `${directory} is no directory`, { hint });
}

function kindOf(path: string): 'directory' | 'symbolic link' | 'file' | undefined {
  try {
    const stats = lstatSync(path);
    if (stats.isDirectory()) return 'directory';
    return stats.isSymbolicLink() ? 'symbolic link' : 'file';
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw error;
  }
}

function notFound(directory: string, isGitRoot: boolean): UsageError {
  return new UsageError('NOT_A_REPOSITORY', `${directory} is in no mlops repository`, {
    hint: isGitRoot ? 'create one: mlops init' : 'create one: git init && mlops init',
  });
}
