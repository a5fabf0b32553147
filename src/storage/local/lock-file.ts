import { randomBytes } from 'node:crypto';
import { lstatSync, unlinkSync } from 'node:fs';
import { link, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { errnoOf, MlopsError } from '../../errors.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { ioError, syncFile, temporaryName, writeFully } from '../atomic-write.ts';
import type { LockOwner, LockState } from '../commit-lock.ts';
import { readPlainFile } from './plain-entry.ts';
import { processState } from './process-identity.ts';

const MAX_LOCK_BYTES = 64 * 1024;

/** An empty lock is what a crash leaves where files can't be linked; its maker had this long to fill it. */
const EMPTY_GRACE_MS = 60_000;

const Owner = z.looseObject({
  pid: z.int().positive(),
  host: z.string().min(1).max(1000),
  bootId: z.string().max(1000),
  processStart: z.string().max(1000),
  startedAt: z.string().max(100),
  command: z.string().max(10_000),
  // Becomes part of a file name when a stale lock is taken over.
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
});

/** A lock file as found on the disk. */
export interface FoundLock {
  owner: LockOwner | undefined;
  /** Differs between any two lock files that ever had the same name. */
  identity: string;
  inode: bigint;
  size: number;
  modifiedMs: number;
}

export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

/** Undefined when nothing is there. */
export function readLockFile(path: string): FoundLock | undefined {
  try {
    for (;;) {
      const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      const owner = stats.size > BigInt(MAX_LOCK_BYTES) ? undefined : parseOwner(path);
      // Released or replaced while it was read: what was read and what was looked at may be two different locks.
      const after = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (after?.ino !== stats.ino || after.mtimeNs !== stats.mtimeNs || after.size !== stats.size) continue;
      return {
        owner,
        identity: owner?.nonce ?? `${stats.ino}-${stats.mtimeNs}`,
        inode: stats.ino,
        size: Number(stats.size),
        modifiedMs: Number(stats.mtimeMs),
      };
    }
  } catch (error) {
    throw ioError(error, path, 'nothing was changed');
  }
}

function parseOwner(path: string): LockOwner | undefined {
  const bytes = readPlainFile(path, MAX_LOCK_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return Owner.safeParse(parseJson(bytes, { source: path })).data;
  } catch (error) {
    if (error instanceof MlopsError) return undefined;
    throw error;
  }
}

export interface Judge {
  host: string;
  bootId: string;
  /** The present time by the clock of the file system that holds the lock, in milliseconds. */
  fileSystemNow(): Promise<number>;
}

/** Says whether the owner of a lock is provably gone. */
export async function judgeLock(lock: FoundLock, judge: Judge): Promise<LockState> {
  const { owner } = lock;
  if (owner === undefined) return judgeUnreadable(lock, judge);
  if (owner.host !== judge.host) {
    return {
      owner,
      stale: false,
      reason: `held on another host (${owner.host}); only a person can tell if it is in use`,
    };
  }
  if (owner.bootId !== '' && judge.bootId !== '' && owner.bootId !== judge.bootId) {
    return { owner, stale: true, reason: 'this host was restarted since' };
  }
  const state = processState(owner.pid, owner.processStart);
  if (state === 'gone') return { owner, stale: true, reason: `process ${owner.pid} has ended` };
  if (state === 'alive') return { owner, stale: false, reason: `process ${owner.pid} is running` };
  return { owner, stale: false, reason: `process ${owner.pid} belongs to another container of this host` };
}

async function judgeUnreadable(lock: FoundLock, judge: Judge): Promise<LockState> {
  if (lock.size > 0) return { owner: undefined, stale: false, reason: 'the lock file is not readable' };
  const age = (await judge.fileSystemNow()) - lock.modifiedMs;
  const stale = age >= EMPTY_GRACE_MS;
  const seconds = Math.max(0, Math.round(age / 1000));
  return { owner: undefined, stale, reason: `the lock file is empty since ${seconds} s` };
}

/**
 * Creates a lock file with its whole content in one step.
 *
 * @returns its inode, or undefined when the name is taken
 */
export async function createLockFile(path: string, owner: LockOwner): Promise<bigint | undefined> {
  const temporary = join(dirname(path), temporaryName());
  const bytes = Buffer.from(canonicalJson({ ...owner }));
  try {
    await writeNew(temporary, bytes);
    try {
      await link(temporary, path);
    } catch (error) {
      // Over NFS the reply to a successful link may get lost; the count of links tells.
      const linked = lstatSync(temporary).nlink === 2;
      if (!linked && errnoOf(error) === 'EEXIST') return undefined;
      if (!linked && !(await createWithoutLinks(path, bytes, error))) return undefined;
    }
    return lstatSync(path, { bigint: true }).ino;
  } catch (error) {
    throw ioError(error, path, 'nothing was changed');
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** FAT and some network shares have no links. False when the name is taken. */
async function createWithoutLinks(path: string, bytes: Uint8Array, reason: unknown): Promise<boolean> {
  const errno = errnoOf(reason);
  if (errno !== 'EPERM' && errno !== 'ENOTSUP' && errno !== 'EOPNOTSUPP' && errno !== 'ENOSYS') throw reason;
  try {
    await writeNew(path, bytes);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await writeFully(handle, bytes, path);
    await syncFile(handle);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Removes a file; one that is gone already is fine. */
export function unlinkIfPresent(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw ioError(error, path, 'nothing was changed');
  }
}
