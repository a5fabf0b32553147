import { execFile } from 'node:child_process';
import { lstatSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findCollisions } from '../../lib/portable-names.ts';
import { safeJoin } from '../../lib/safe-path.ts';
import {
  ioError,
  renamePatiently,
  syncDirectory,
  syncFile,
  temporaryName,
  writeFully,
} from '../atomic-write.ts';
import type { ManifestFile } from '../manifest.ts';
import type { BlobReader } from './blob-reader.ts';
import { assertNoCollisions } from './names.ts';
import { streamFile } from './stream-file.ts';
import { WORTH_THREADS } from './small-files.ts';
import { assertNotAborted } from './walk.ts';
import { WriteThreads } from './write-thread.ts';

const run = promisify(execFile);
/** From this many files on, one `sync -f` of the file system costs less than an fsync (about 4 ms) for each. */
const SYNC_WHOLE_FILE_SYSTEM = 64;
const SYNCS_IN_FLIGHT = 8;

export interface WriteTargetOptions {
  reader: BlobReader;
  signal: AbortSignal | undefined;
  onFile: (bytes: number) => void;
}

/** Writes one file that must not exist yet; on failure the caller removes it. */
export async function writeFile(
  path: string,
  file: ManifestFile,
  options: WriteTargetOptions,
): Promise<void> {
  if (file.blobs.length > 1) return writeLargeFile(path, file, options);
  // One synchronous call instead of four trips to the thread pool: most files of large artifacts are small.
  writeFileSync(path, await contentOf(file, options), { flag: 'wx', mode: modeOf(file) });
  options.onFile(file.size);
}

function modeOf({ executable }: ManifestFile): number {
  return executable ? 0o777 : 0o666;
}

/** The bytes of a file of one blob or none. */
async function contentOf(file: ManifestFile, { reader, signal }: WriteTargetOptions): Promise<Uint8Array> {
  let content: Uint8Array = new Uint8Array();
  await streamFile(file, { reader, signal, write: (bytes) => void (content = bytes) });
  return content;
}

async function writeLargeFile(
  path: string,
  file: ManifestFile,
  { reader, signal, onFile }: WriteTargetOptions,
): Promise<void> {
  const handle = await open(path, 'wx', modeOf(file));
  try {
    const write = async (bytes: Uint8Array): Promise<void> => {
      await writeFully(handle, bytes, path);
      onFile(bytes.length);
    };
    await streamFile(file, { reader, signal, write });
  } finally {
    await handle.close();
  }
}

/** Fills an empty directory. @throws RefusedError `UNSAFE_PATH`, or `NAME_COLLISION` where this file system folds names */
export async function writeTree(
  directory: string,
  files: readonly ManifestFile[],
  options: WriteTargetOptions,
): Promise<void> {
  assertNamesFit(directory, { files });
  const made = new Set<string>(['']);
  const threads = files.length >= WORTH_THREADS ? new WriteThreads() : undefined;
  try {
    for (const file of files) {
      assertNotAborted(options.signal);
      const slash = file.path.lastIndexOf('/');
      const parent = slash < 0 ? '' : file.path.slice(0, slash);
      if (!made.has(parent)) {
        await mkdir(safeJoin(directory, parent), { recursive: true });
        made.add(parent);
      }
      const path = join(directory, file.path);
      if (threads === undefined || file.blobs.length > 1 || !WriteThreads.takes(file.size)) {
        await writeFile(path, file, options);
        continue;
      }
      if (threads.add(path, modeOf(file), await contentOf(file, options))) await threads.send();
      options.onFile(file.size);
    }
    await threads?.finish();
  } finally {
    await threads?.close();
  }
}

/** @param directory an empty one on the file system that is meant @throws RefusedError `NAME_COLLISION` where it folds names */
export function assertNamesFit(directory: string, { files }: { files: readonly ManifestFile[] }): void {
  const paths = files.map(({ path }) => path);
  if (findCollisions(paths).length > 0 && foldsNames(directory)) assertNoCollisions(paths);
}

/** Tried, because it depends on the mount and even on the directory, not on the platform. */
function foldsNames(directory: string): boolean {
  const names = ['case-PROBE-\u00e9', 'CASE-probe-e\u0301'] as const;
  writeFileSync(join(directory, names[0]), '', { flag: 'wx' });
  try {
    const seen = [names[1], names[0].toLowerCase(), names[0].normalize('NFD')];
    return seen.some((name) => lstatSync(join(directory, name), { throwIfNoEntry: false }) !== undefined);
  } finally {
    // Nothing else is in the directory yet.
    rmSync(join(directory, names[0]), { force: true });
  }
}

/** Flushes what was written below `path`. */
export async function flushTarget(
  path: string,
  files: readonly ManifestFile[],
  kind: 'file' | 'directory',
): Promise<void> {
  if (kind === 'file') return flushFile(path);
  if (files.length >= SYNC_WHOLE_FILE_SYSTEM && (await syncFileSystem(path))) return;
  const directories = new Set([path]);
  for (let start = 0; start < files.length; start += SYNCS_IN_FLIGHT) {
    const part = files.slice(start, start + SYNCS_IN_FLIGHT).map((file) => join(path, file.path));
    for (const each of part) directories.add(dirname(each));
    await Promise.all(part.map(flushFile));
  }
  for (const directory of directories) await syncDirectory(directory);
}

/** Makes changed names durable. */
export async function flushDirectories(directories: readonly string[]): Promise<void> {
  const [first] = directories;
  if (first === undefined) return;
  if (directories.length >= SYNC_WHOLE_FILE_SYSTEM && (await syncFileSystem(first))) return;
  for (const directory of directories) await syncDirectory(directory);
}

/** GNU and busybox `sync -f` call syncfs(2), which Node does not offer; false where there is no such thing. */
async function syncFileSystem(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return run('sync', ['-f', path]).then(
    () => true,
    () => false,
  );
}

async function flushFile(path: string): Promise<void> {
  const handle = await open(path, 'r+').catch(() => open(path, 'r'));
  try {
    await syncFile(handle);
  } finally {
    await handle.close();
  }
}

/**
 * Gives a finished temporary its name. What was there before is renamed away first, removed only when the new one is in
 * place, and put back when that fails.
 */
export async function publish(temporary: string, target: string, replace: boolean): Promise<void> {
  const parent = dirname(target);
  const aside = join(parent, temporaryName());
  try {
    if (replace) await renamePatiently(target, aside);
    try {
      await renamePatiently(temporary, target);
    } catch (error) {
      if (replace) await rename(aside, target);
      throw error;
    }
    await syncDirectory(parent);
    if (replace) await rm(aside, { recursive: true, force: true });
  } catch (error) {
    throw ioError(error, join(parent, basename(target)));
  }
}
