import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../errors.ts';
import { TEMPORARY_NAME } from '../atomic-write.ts';
import { isRealDirectory } from './object-paths.ts';

/** Whoever still writes to a file touches it far more often. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
/** `cache/packs/<aa>/<file>`. */
const DEPTH = 2;

/**
 * Removes what killed commands left below the cache: temporary files of ours whose process is gone from this host and which
 * nobody touched for an hour. They only take space, so a failure to look or to remove is ignored.
 */
export function removeAbandoned(root: string, now: number = Date.now()): void {
  const cache = join(root, 'cache');
  try {
    if (isRealDirectory(root, cache)) visit(cache, { depth: DEPTH, now });
  } catch {
    // The next batch tries again.
  }
}

/** Never follows a link: an entry that is one is neither a directory nor a file. */
function visit(directory: string, { depth, now }: { depth: number; now: number }): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    try {
      if (entry.isDirectory() && depth > 0) visit(path, { depth: depth - 1, now });
      else if (entry.isFile() && isAbandoned(path, entry.name, now)) rmSync(path);
    } catch {
      // Gone already, or not ours to remove.
    }
  }
}

function isAbandoned(path: string, name: string, now: number): boolean {
  if (!TEMPORARY_NAME.test(name)) return false;
  if (now - lstatSync(path).mtimeMs <= ABANDONED_AFTER_MS) return false;
  return isGone(Number(name.split('-')[1]));
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}
