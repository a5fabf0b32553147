import { constants, lstatSync, readdirSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isProcessGone } from '../../lib/process-gone.ts';
import { lstatIfPresent } from '../../lib/safe-path.ts';
import { temporaryName, TEMPORARY_NAME } from '../atomic-write.ts';
import { makeDirectories } from '../make-directories.ts';
import { MIN_CHUNK } from '../chunker.ts';
import type { ManifestFile } from '../manifest.ts';
import { hashFile } from './compare-target.ts';
import { assertNotAborted } from './walk.ts';
import { flushTarget, writeFile, type WriteTargetOptions } from './write-target.ts';

const HOUR_MS = 60 * 60 * 1000;

/**
 * A new directory for files that are being built, on the file system of `place`, so that they can be renamed to it: in
 * `staging`, or beside what lies in `place` when that is mounted from elsewhere.
 *
 * @param place an existing directory
 */
export async function openStaging(staging: string, place: string): Promise<string> {
  await makeDirectories(staging);
  removeAbandoned(staging);
  const near = statSync(place).dev === statSync(staging).dev ? staging : place;
  const directory = join(near, temporaryName());
  await mkdir(directory);
  return directory;
}

/** What killed updates of this machine left behind an hour ago or longer; failures only cost space. */
function removeAbandoned(staging: string): void {
  for (const name of readdirSync(staging)) {
    if (!TEMPORARY_NAME.test(name)) continue;
    const path = join(staging, name);
    try {
      const stats = lstatSync(path);
      if (!stats.isDirectory() || Date.now() - stats.mtimeMs <= HOUR_MS) continue;
      if (isProcessGone(Number(name.split('-')[1])))
        void rm(path, { recursive: true, force: true }).catch(() => undefined);
    } catch {
      // Somebody else removed it.
    }
  }
}

export interface StageOptions extends WriteTargetOptions {
  /** A file on this machine whose content has this SHA-256, as far as is known. */
  findCopy(file: ManifestFile): string | undefined;
}

export interface StagedFile {
  file: ManifestFile;
  /** Absolute path of the finished bytes. */
  staged: string;
}

export interface Staged {
  files: StagedFile[];
  /** How many were cloned or copied from another file of the target. */
  cloned: number;
}

/**
 * Builds the files in a staging directory, each proved by its hash, and flushes them: they only need their names then.
 * @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED`
 */
export async function stageFiles(
  directory: string,
  files: readonly ManifestFile[],
  options: StageOptions,
): Promise<Staged> {
  const staged: StagedFile[] = [];
  let cloned = 0;
  for (const [number, file] of files.entries()) {
    assertNotAborted(options.signal);
    const path = join(directory, String(number));
    if (await cloneFile(path, file, options)) cloned += 1;
    else await writeFile(path, file, options);
    staged.push({ file, staged: path });
  }
  const flushed = files.map((file, number) => ({ ...file, path: String(number) }));
  await flushTarget(directory, flushed, 'directory');
  return { files: staged, cloned };
}

/**
 * Takes a file that only moved from where it is. The copy shares its blocks where the file system can (Btrfs, XFS, APFS, ReFS);
 * it is hashed, as the original may have changed since it was looked at.
 */
async function cloneFile(path: string, file: ManifestFile, options: StageOptions): Promise<boolean> {
  // Below this a blob out of a pack costs no more.
  const source = file.size < MIN_CHUNK ? undefined : options.findCopy(file);
  if (source === undefined) return false;
  try {
    await copyFile(source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    if ((await hashFile(path)) === file.sha256) {
      await setExecutable(path, file.executable);
      options.onFile(file.size);
      return true;
    }
  } catch {
    // The packs have it.
  }
  await rm(path, { force: true });
  return false;
}

/** Gives or takes the right to execute from whoever may read. */
export async function setExecutable(path: string, executable: boolean): Promise<void> {
  const { mode } = lstatSync(path);
  const wanted = executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111;
  if (wanted !== mode) await chmod(path, wanted & 0o7777);
}

/** The nearest directory at or above `path` that exists. */
export function existingDirectory(path: string): string {
  const stats = lstatIfPresent(path);
  return stats?.isDirectory() === true ? path : existingDirectory(dirname(path));
}
