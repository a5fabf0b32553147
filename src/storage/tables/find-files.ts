import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { errnoOf, LocalIoError, UsageError } from '../../errors.ts';
import { matchesGlob } from '../../lib/glob.ts';

export interface FoundFile {
  /** As the person wrote it, or below the folder that the glob names. */
  shown: string;
  /** Absolute. */
  path: string;
  size: number;
}

/** One glob must not walk a whole disk. */
const MOST_ENTRIES = 1_000_000;
const MOST_FILES = 100_000;

/**
 * The files that paths and globs (`*`, `?`, `**`) name, in the order of the paths, those of a glob sorted by name. A name that exists as
 * it is written is that file, whatever characters it has.
 *
 * @throws UsageError for URLs, what does not exist, what is no file, and globs that find nothing; LocalIoError
 */
export async function findFiles(paths: readonly string[], cwd: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const known = new Set<string>();
  for (const path of paths) {
    for (const file of await filesOf(path, cwd)) {
      if (known.has(file.path)) continue;
      known.add(file.path);
      found.push(file);
    }
  }
  return found;
}

async function filesOf(path: string, cwd: string): Promise<FoundFile[]> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new UsageError('TABLE_IS_URL', `${path} is a URL, and only files are read`, {
      hint: 'copy it to this machine first',
    });
  }
  if (path === '' || path.includes('\0'))
    throw new UsageError('TABLE_NOT_FOUND', 'the name of a file is empty or holds a NUL byte');
  const literal = await fileAt(path, resolve(cwd, path));
  if (literal !== undefined) return [literal];
  if (path === '-') {
    throw new UsageError('TABLE_NOT_A_FILE', 'standard input is no regular file', {
      hint: 'save it as a file first: it is read more than once',
    });
  }
  if (!/[*?]/.test(path)) {
    throw new UsageError('TABLE_NOT_FOUND', `there is no file ${path}`, { hint: `looked in ${cwd}` });
  }
  const matches = await expand(path, cwd);
  if (matches.length === 0) {
    throw new UsageError('TABLE_NOT_FOUND', `no file matches ${path}`, { hint: `looked in ${cwd}` });
  }
  return matches;
}

/** @returns undefined if nothing is there */
async function fileAt(shown: string, path: string): Promise<FoundFile | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return { shown, path, size: stats.size };
    throw new UsageError(
      'TABLE_NOT_A_FILE',
      `${shown} is ${stats.isDirectory() ? 'a directory' : 'no regular file'}`,
      {
        hint: stats.isDirectory()
          ? `name its files: ${join(shown, '*.parquet')}`
          : 'save it as a file first: it is read more than once',
      },
    );
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    throw new LocalIoError('TABLE_UNREADABLE', `${shown} can't be read: ${code ?? String(error)}`, {
      cause: error,
    });
  }
}

/** Walks from the last folder that the glob names literally. */
async function expand(glob: string, cwd: string): Promise<FoundFile[]> {
  const parts = glob.split(sep === '\\' ? /[\\/]/ : '/');
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  const base = parts.slice(0, wild).join('/');
  const pattern = parts.slice(wild);
  const root = base === '' && isAbsolute(glob) ? '/' : resolve(cwd, base);
  const deepest = pattern.includes('**') ? Infinity : pattern.length;
  const matches: FoundFile[] = [];
  let entries = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    const children = await listing(folder);
    for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      entries += 1;
      if (entries > MOST_ENTRIES || matches.length > MOST_FILES) {
        throw new UsageError('TABLE_GLOB_TOO_WIDE', `${glob} matches too many files`, {
          hint: 'name a narrower folder',
        });
      }
      const path = join(folder, child.name);
      const below = relative(root, path).split(sep).join('/');
      if (child.isDirectory()) {
        if (depth < deepest) await walk(path, depth + 1);
      } else if (matchesGlob(`/${pattern.join('/')}`, `/${below}`)) {
        const file = await fileAt([...parts.slice(0, wild), below].join('/'), path);
        if (file !== undefined) matches.push(file);
      }
    }
  };
  await walk(root, 1);
  return matches;
}

async function listing(folder: string): ReturnType<typeof readdirEntries> {
  try {
    return await readdirEntries(folder);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new LocalIoError('TABLE_UNREADABLE', `${folder} can't be listed: ${code ?? String(error)}`, {
      cause: error,
    });
  }
}

function readdirEntries(folder: string) {
  return readdir(folder, { withFileTypes: true });
}
