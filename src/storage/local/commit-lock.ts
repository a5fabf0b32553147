import { lstatSync, readdirSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ConflictError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { ioError, temporaryName } from '../atomic-write.ts';
import type { CommitLock, HeldLock, LockOwner, LockState } from '../commit-lock.ts';
import {
  createLockFile,
  judgeLock,
  newNonce,
  readLockFile,
  unlinkIfPresent,
  type FoundLock,
  type Judge,
} from './lock-file.ts';
import { ensurePlainDirectory, plainDirectory } from './plain-entry.ts';
import { currentBootId, processStart } from './process-identity.ts';

export interface LocalCommitLockOptions {
  /** Absolute path of `.mlops`. */
  mlopsDir: string;
  /** How long `acquire` waits for a live owner; 0 tries once. */
  timeoutMs: number;
  /** Only shown to people; no decision depends on it. */
  now: () => Date;
  /** Name of this machine; default `os.hostname()`. */
  host?: string;
}

const GUARD_PREFIX = 'takeover-';
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;
/** A lock that some process is still writing becomes readable within this time. */
const UNREADABLE_PATIENCE_MS = 1000;
const OLD_GUARD_MS = 24 * 3_600_000;

/** The lock of the commit section as the file `.mlops/tmp/lock`; see {@link CommitLock} for what it promises. */
export function createLocalCommitLock(options: LocalCommitLockOptions): CommitLock {
  const { mlopsDir, timeoutMs, now, host = hostname() } = options;
  const directory = join(mlopsDir, 'tmp');
  const path = join(directory, 'lock');
  const judge: Judge = { host, bootId: currentBootId(), fileSystemNow: () => fileSystemTime(directory) };
  const newOwner = (command: string): LockOwner => ({
    pid: process.pid,
    host,
    bootId: judge.bootId,
    processStart: processStart(process.pid),
    startedAt: now().toISOString(),
    command,
    nonce: newNonce(),
  });

  return {
    async acquire(command) {
      await ensurePlainDirectory(mlopsDir, ['tmp']);
      const started = performance.now();
      let readable = started;
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
        const found = readLockFile(path);
        if (found === undefined) {
          readable = performance.now();
          const owner = newOwner(command);
          const inode = await createLockFile(path, owner);
          if (inode !== undefined) return heldLock(path, owner, inode);
        } else {
          const state = await judgeLock(found, judge);
          if (state.stale) {
            const removed = await removeStale({ path, found, owner: newOwner(command), judge });
            if (removed) sweepGuards(directory);
            if (removed) continue;
          }
          const present = performance.now();
          if (found.owner !== undefined) readable = present;
          const overdue = present - started >= timeoutMs || present - readable >= UNREADABLE_PATIENCE_MS;
          if (!state.stale && overdue) throw lockedError(path, state, host);
        }
        if (performance.now() - started >= timeoutMs + UNREADABLE_PATIENCE_MS) throw busyError(path);
        // Jitter keeps waiting processes from meeting again and again.
        await delay(pause * (0.5 + Math.random()));
      }
    },

    async inspect() {
      if (plainDirectory(mlopsDir, ['tmp']) === undefined) return undefined;
      const found = readLockFile(path);
      return found === undefined ? undefined : judgeLock(found, judge);
    },

    async breakLock() {
      return plainDirectory(mlopsDir, ['tmp']) === undefined ? false : unlinkIfPresent(path);
    },
  };
}

function heldLock(path: string, owner: LockOwner, inode: bigint): HeldLock {
  let released = false;
  const isOurs = (): boolean => {
    const found = readLockFile(path);
    return found?.owner?.nonce === owner.nonce && found.inode === inode;
  };
  return {
    async assertHeld() {
      if (!released && isOurs()) return;
      throw new ConflictError(
        'LOCK_LOST',
        `${path}: this process no longer holds the lock; nothing more was written`,
        {
          hint: 'run the same command again',
        },
      );
    },
    async release() {
      if (released) return;
      released = true;
      try {
        if (isOurs()) unlinkIfPresent(path);
      } catch {
        // What stays behind names a process that has ended, so the next command removes it.
      }
    },
  };
}

interface StaleLock {
  path: string;
  found: FoundLock;
  /** Who wants to remove it: this process. */
  owner: LockOwner;
  judge: Judge;
}

/**
 * Removes a stale lock so that no two processes can both think that they did. Looking at a file and unlinking it are two
 * steps, between which another process may have replaced it by its own live lock. Therefore only the holder of the guard
 * file `takeover-<identity of the stale lock>` may remove it, and looks again once it has the guard. A guard whose maker
 * died is itself a stale lock and is removed by the same rule.
 *
 * @returns true when this call made progress, false when somebody else is at it
 */
async function removeStale({ path, found, owner, judge }: StaleLock): Promise<boolean> {
  const guard = join(path, '..', `${GUARD_PREFIX}${found.identity}`);
  if ((await createLockFile(guard, owner)) === undefined) {
    const held = readLockFile(guard);
    if (held === undefined) return true;
    const state = await judgeLock(held, judge);
    return state.stale ? removeStale({ path: guard, found: held, owner, judge }) : false;
  }
  try {
    if (readLockFile(path)?.identity === found.identity) unlinkIfPresent(path);
    return true;
  } finally {
    unlinkIfPresent(guard);
  }
}

/** Guards that a crash left behind block nobody, as they are named after a lock that is gone; they are only litter. */
function sweepGuards(directory: string): void {
  try {
    for (const name of readdirSync(directory)) {
      if (!name.startsWith(GUARD_PREFIX)) continue;
      const path = join(directory, name);
      if (Date.now() - lstatSync(path).mtimeMs > OLD_GUARD_MS) unlinkIfPresent(path);
    }
  } catch {
    // Another process may sweep at the same time.
  }
}

/** The clock of a file server may differ from ours by hours; a fresh file tells its time. */
async function fileSystemTime(directory: string): Promise<number> {
  const probe = join(directory, temporaryName());
  try {
    const handle = await open(probe, 'wx');
    try {
      return (await handle.stat()).mtimeMs;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw ioError(error, probe, 'nothing was changed');
  } finally {
    await rm(probe, { force: true });
  }
}

function lockedError(path: string, state: LockState, host: string): ConflictError {
  const { owner, reason } = state;
  if (owner === undefined) {
    return new ConflictError('LOCKED', `${path}: ${reason}, so nobody can tell who holds it`, {
      hint: 'if no other mlops command runs, remove it with `mlops unlock --force`',
    });
  }
  const who = `process ${owner.pid} on ${printable(owner.host)} (${printable(owner.command)})`;
  const hint =
    owner.host === host
      ? 'wait for it to finish; if it hangs, end it or run `mlops unlock --force`'
      : 'if that command no longer runs there, remove the lock with `mlops unlock --force`';
  return new ConflictError(
    'LOCKED',
    `the repository is locked by ${who} since ${printable(owner.startedAt)}`,
    { hint },
  );
}

function busyError(path: string): ConflictError {
  return new ConflictError('LOCKED', `${path}: other processes kept taking the lock first`, {
    hint: 'run the same command again',
  });
}
