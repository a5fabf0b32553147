import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../../errors.ts';
import { PICKUP_LIMITS } from './pickup.ts';

export interface WalkedFile {
  /** Absolute. */
  path: string;
  modifiedMs: number;
  size: number;
}

/**
 * The regular files below a directory that `isWanted` by their names; links are not followed. Undefined when there is no directory.
 * @throws UsageError `LIMIT_EXCEEDED`
 */
export async function walkFiles(
  directory: string,
  isWanted: (name: string) => boolean,
): Promise<WalkedFile[] | undefined> {
  const top = await lstat(directory).catch(() => undefined);
  if (top?.isDirectory() !== true) return undefined;
  const found: WalkedFile[] = [];
  const visit = async (place: string): Promise<void> => {
    for (const entry of await readdir(place, { withFileTypes: true })) {
      const path = join(place, entry.name);
      if (entry.isDirectory()) await visit(path);
      if (!entry.isFile() || !isWanted(entry.name)) continue;
      const { mtimeMs, size } = await lstat(path);
      found.push({ path, modifiedMs: mtimeMs, size });
      if (found.length > PICKUP_LIMITS.files)
        throw new UsageError(
          'LIMIT_EXCEEDED',
          `${directory} holds more than ${PICKUP_LIMITS.files} files to read`,
        );
    }
  };
  await visit(directory);
  return found;
}
