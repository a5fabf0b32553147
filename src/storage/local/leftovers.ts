import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { crypto } from '../../lib/lazy-builtin.ts';
import { isProcessGone } from '../../lib/process-gone.ts';
import { TEMPORARY_NAME } from '../atomic-write.ts';
import { isRealDirectory } from './object-paths.ts';

/** Marks temporary files on a place that several machines write to, because a process id means something on one of them only. */
export function hostMark(): string {
  return crypto().createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

/** Whoever still writes to a file touches it far more often. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
/** `packs/<aa>/<file>`. */
const DEPTH = 2;

interface Sweep {
  now: number;
  /** Only files with this mark; empty for all. */
  mark: string;
}

/**
 * Removes what killed commands left below the cache: temporary files of ours whose process is gone from this host and which
 * nobody touched for an hour. They only take space, so a failure to look or to remove is ignored.
 */
export function removeAbandoned(
  { root, directory }: { root: string; directory: string },
  now = Date.now(),
): void {
  const top = join(root, directory);
  try {
    if (isRealDirectory(root, top)) visit(top, { depth: DEPTH, now, mark: '' });
  } catch {
    // The next batch tries again.
  }
}

/**
 * As {@link removeAbandoned} for a place that is shared: only in these directories, as a walk over a share is slow and may meet what is
 * none of ours, and only what this host has marked.
 */
export function removeAbandonedFrom(directories: readonly string[], mark: string, now = Date.now()): void {
  for (const directory of directories) {
    try {
      visit(directory, { depth: 0, now, mark });
    } catch {
      // The next batch tries again.
    }
  }
}

/** Never follows a link: an entry that is one is neither a directory nor a file. */
function visit(directory: string, { depth, ...sweep }: Sweep & { depth: number }): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    try {
      if (entry.isDirectory() && depth > 0) visit(path, { depth: depth - 1, ...sweep });
      else if (entry.isFile() && isAbandoned(path, entry.name, sweep)) rmSync(path);
    } catch {
      // Gone already, or not ours to remove.
    }
  }
}

function isAbandoned(path: string, name: string, { now, mark }: Sweep): boolean {
  if (!TEMPORARY_NAME.test(name) || !name.slice(name.lastIndexOf('-') + 1).startsWith(mark)) return false;
  if (now - lstatSync(path).mtimeMs <= ABANDONED_AFTER_MS) return false;
  return isProcessGone(Number(name.split('-')[1]));
}
