import { ConflictError, RefusedError } from '../../errors.ts';
import type { GitReference } from '../../git/git.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { Repository } from '../repository/repository.ts';

const SHOWN = 5;

/**
 * Asks every remote of Git which branches and tags it has now, since somebody may have pushed one after the last fetch.
 *
 * @param options.soleClone somebody says that there is no other clone, so that one without any remote of Git is enough
 * @returns all of them, each with its commit, which this clone has; they may be under no ref of it
 * @throws ConflictError `REFS_NOT_FETCHED`; RefusedError `BRANCHES_UNKNOWN`, `NO_GIT_REMOTE`; RemoteError `GIT_REMOTE_FAILED`
 */
export async function askGitRemotes(
  repository: Repository,
  { soleClone }: { soleClone: boolean },
): Promise<GitReference[]> {
  const git = await repository.git();
  const remotes = await git.remotes();
  if (remotes.length === 0 && !soleClone) {
    throw new RefusedError(
      'NO_GIT_REMOTE',
      "this clone has no Git remote, so it can't know what other clones need; nothing was removed",
      { hint: 'add the remote and fetch; if there is no other clone at all: --sole-clone' },
    );
  }
  const all: GitReference[] = [];
  for (const remote of remotes) {
    const { known, unknown } = await git.advertised(remote);
    if (unknown.length > 0) throw notFetched(remote, unknown);
    all.push(...known);
  }
  return all;
}

function notFetched(remote: string, unknown: readonly string[]): ConflictError {
  const names = unknown.slice(0, SHOWN).join(', ') + (unknown.length > SHOWN ? ', …' : '');
  return new ConflictError(
    'REFS_NOT_FETCHED',
    `the Git remote ${printable(remote)} has what this clone has not fetched: ${printable(names)}; nothing was removed`,
    { hint: 'fetch it: git fetch --all --prune --tags', retryable: false },
  );
}
