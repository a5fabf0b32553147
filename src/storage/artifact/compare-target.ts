import { createHash } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { MlopsError } from '../../errors.ts';
import { sha256Hex } from '../digest.ts';
import type { ManifestFile } from '../manifest.ts';
import { assertNotAborted, pathOf, walkSource } from './walk.ts';

const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const READ_SIZE = 1024 * 1024;

export type TargetState = 'absent' | 'equal' | 'empty' | 'different';

export interface Expected {
  kind: 'file' | 'directory';
  files: readonly ManifestFile[];
}

/** Whether a target holds exactly these files, byte for byte and with the same executable bits. Never follows a link. */
export async function compareTarget(
  target: string,
  expected: Expected,
  signal?: AbortSignal,
): Promise<TargetState> {
  const stats = lstatSync(target, { throwIfNoEntry: false });
  if (stats === undefined) return 'absent';
  if (stats.isDirectory() && expected.files.length > 0 && readdirSync(target).length === 0) return 'empty';
  try {
    const tree = await walkSource(target, signal);
    if (tree.kind !== expected.kind || tree.paths.length !== expected.files.length) return 'different';
    const entries = new Map(tree.entries().map((entry) => [entry.path, entry]));
    for (const { path, size, executable } of expected.files) {
      const entry = entries.get(path);
      if (entry?.size !== size || (entry.executable !== executable && process.platform !== 'win32'))
        return 'different';
    }
    const scratch = Buffer.allocUnsafeSlow(READ_SIZE);
    for (const { path, sha256, size } of expected.files) {
      assertNotAborted(signal);
      const absolute = pathOf(target, path);
      const found = size < READ_SIZE ? hashSmallFile(absolute, scratch) : await hashFile(absolute);
      if (found !== sha256) return 'different';
    }
    return 'equal';
  } catch (error) {
    // A link, a socket or an unreadable file in the target is a difference, not a failure.
    if (error instanceof MlopsError && error.code !== 'INTERRUPTED') return 'different';
    throw error;
  }
}

/** As in `ingest`: for small files the trips to the thread pool cost more than the work. Undefined when it is no small file. */
function hashSmallFile(path: string, scratch: Buffer): string | undefined {
  try {
    const descriptor = openSync(path, FLAGS);
    try {
      let read = 0;
      while (read < scratch.length) {
        const count = readSync(descriptor, scratch, read, scratch.length - read, null);
        if (count === 0) return sha256Hex(scratch.subarray(0, read));
        read += count;
      }
      return undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** SHA-256 of a file as 64 hex digits; undefined when it can't be read, or is a link. */
export async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  const handle = await open(path, FLAGS).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_SIZE, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
