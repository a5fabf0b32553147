import { MlopsError } from '../../errors.ts';
import { lstatIfPresent, safeJoin } from '../../lib/safe-path.ts';
import type { Repository } from '../repository/repository.ts';

/**
 * Those of the tracked paths that are there and that Git does not ignore, so that `git add` would take their bytes: a merge or a
 * person took the rule out, or Git tracks them itself.
 * @param paths relative to the Git root
 * @throws MlopsError `GIT_FAILED`
 */
export async function findNotIgnored(
  { root, git }: Pick<Repository, 'root' | 'git'>,
  paths: readonly string[],
): Promise<string[]> {
  const there = paths.filter((path) => isThere(root, path));
  return there.length === 0 ? [] : (await git()).notIgnored(there);
}

/** False behind a link too: Git does not look there, and nothing of this program writes there. */
function isThere(root: string, path: string): boolean {
  try {
    return lstatIfPresent(safeJoin(root, path)) !== undefined;
  } catch (error) {
    if (error instanceof MlopsError) return false;
    throw error;
  }
}
