import { constants, createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Largest meta.yaml, tag or param that is read, in bytes. */
export const SMALL_FILE = 64 * 1024;
/** Largest file of one metric, in bytes. */
export const METRIC_FILE = 256 * 1024 * 1024;
const MOST_DEPTH = 32;

/** A file below a directory. */
export interface SourceFile {
  /** With `/` between its parts. */
  readonly name: string;
  readonly path: string;
}

/** Names of what lies in a directory, sorted; nothing where there is none. Symbolic links are left out. */
export async function entriesIn(path: string, kind: 'file' | 'directory'): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (kind === 'file' ? entry.isFile() : entry.isDirectory()))
    .map(({ name }) => name)
    .toSorted();
}

/** Every regular file below a directory, sorted; `passed` hears of links, devices and what lies too deep. */
export async function filesBelow(
  path: string,
  passed: (name: string) => void,
  prefix = '',
): Promise<SourceFile[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const found: SourceFile[] = [];
  for (const entry of entries.toSorted((first, second) => (first.name < second.name ? -1 : 1))) {
    const name = `${prefix}${entry.name}`;
    if (entry.isFile()) found.push({ name, path: join(path, entry.name) });
    else if (entry.isDirectory() && name.split('/').length < MOST_DEPTH)
      found.push(...(await filesBelow(join(path, entry.name), passed, `${name}/`)));
    else passed(name);
  }
  return found;
}

/** The text of a file; undefined where there is none, where it is a link, or where it is larger than `limit`. */
export async function readSmall(path: string, limit = SMALL_FILE): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > limit) return undefined;
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** The bytes of a file that is no link. */
export function bytesOfFile(path: string): AsyncIterable<Uint8Array> {
  // The type of Node's stream names any element.
  return createReadStream(path, {
    flags: constants.O_RDONLY | constants.O_NOFOLLOW,
  } as unknown as Parameters<typeof createReadStream>[1]) as AsyncIterable<Uint8Array>;
}
