import { ConflictError } from '../../errors.ts';
import type { CommitLock, LockOwner } from '../commit-lock.ts';

/** A lock between the users of this one object; it does not wait. For tests of the domain and for dry runs. */
export function createMemoryCommitLock(): CommitLock {
  let current: LockOwner | undefined;
  let count = 0;
  return {
    async acquire(command) {
      if (current !== undefined) {
        throw new ConflictError(
          'LOCKED',
          `the repository is locked (${current.command}) since ${current.startedAt}`,
        );
      }
      count += 1;
      const owner: LockOwner = {
        pid: process.pid,
        host: 'memory',
        bootId: '',
        processStart: '',
        startedAt: new Date(0).toISOString(),
        command,
        nonce: count.toString(16).padStart(32, '0'),
      };
      current = owner;
      return {
        async assertHeld() {
          if (current !== owner)
            throw new ConflictError('LOCK_LOST', 'this process no longer holds the lock');
        },
        async release() {
          if (current === owner) current = undefined;
        },
      };
    },
    async inspect() {
      return current === undefined
        ? undefined
        : { owner: current, stale: false, reason: 'held in this process' };
    },
    async breakLock() {
      const held = current !== undefined;
      current = undefined;
      return held;
    },
  };
}
