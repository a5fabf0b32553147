import { ConflictError } from '../../errors.ts';
import type { LockOwner } from '../../storage/commit-lock.ts';
import type { Repository } from '../repository/repository.ts';

export interface Unlocked {
  /** False when there was no lock. */
  removed: boolean;
  owner: LockOwner | undefined;
  reason: string | undefined;
}

/**
 * Removes a lock that nobody holds any more. One whose owner may be alive, on this host or another, is removed with `force` only.
 * @throws ConflictError `LOCK_IN_USE` naming the owner
 */
export async function unlock(repository: Repository, { force }: { force: boolean }): Promise<Unlocked> {
  const state = await repository.lock.inspect();
  if (state === undefined) return { removed: false, owner: undefined, reason: undefined };
  const { owner, stale, reason } = state;
  if (!stale && !force) {
    const who =
      owner === undefined
        ? 'an unknown process'
        : `${owner.command} (pid ${owner.pid} on ${owner.host}, since ${owner.startedAt})`;
    throw new ConflictError('LOCK_IN_USE', `the lock is held by ${who}: ${reason}`, {
      hint: 'wait for it; if you are certain that it is gone, run `mlops unlock --force`',
    });
  }
  return { removed: await repository.lock.breakLock(), owner, reason };
}
