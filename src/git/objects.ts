import { IntegrityError, LocalIoError, RefusedError, UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import type { ResolvedObject, TreeEntry } from './git.ts';
import { streamGitOutput, type GitPlace } from './run-git.ts';

/** A document has at most 10 MiB; a tree of a hundred thousand of them some eight. */
const MAX_OBJECT = 64 * 1024 * 1024;
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const HEADER = /^(\S+) (blob|tree|commit|tag) (\d{1,15})$/;

export function isObjectId(text: string): boolean {
  return OBJECT_ID.test(text);
}

/**
 * The bytes of objects, in the order asked for, each given to `visit` when it has been read whole.
 *
 * @throws IntegrityError `GIT_OBJECT_MISSING`; UsageError `GIT_FAILED` for an object of another type or size
 */
export async function readObjects(
  place: GitPlace,
  type: 'blob' | 'tree',
  ids: readonly string[],
  visit: (id: string, bytes: Buffer) => void,
): Promise<void> {
  if (ids.length === 0) return;
  for (const id of ids) assertObjectId(id);
  const reader = new BatchReader(type, ids, visit);
  await streamGitOutput(place, ['cat-file', '--batch', '--buffer'], {
    input: ids.map((id) => `${id}\n`).join(''),
    onBytes: (bytes) => reader.push(bytes),
  });
  reader.end();
}

/** Reads what `git cat-file --batch` prints: `<id> <type> <size>`, a newline, the bytes, a newline. */
class BatchReader {
  readonly #type: string;
  readonly #ids: readonly string[];
  readonly #visit: (id: string, bytes: Buffer) => void;
  #at = 0;
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes of the object that is being read, without its last newline; undefined while a header is. */
  #size: number | undefined;

  constructor(type: string, ids: readonly string[], visit: (id: string, bytes: Buffer) => void) {
    this.#type = type;
    this.#ids = ids;
    this.#visit = visit;
  }

  push(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    while (this.#step());
  }

  end(): void {
    if (this.#at === this.#ids.length && this.#length === 0) return;
    throw new LocalIoError('GIT_FAILED', 'git cat-file ended before it had said everything', {
      hint: 'run the same command again',
    });
  }

  #step(): boolean {
    if (this.#size === undefined) {
      const whole = this.#whole();
      const end = whole.indexOf(10);
      if (end < 0) return this.#refuseLongHeader();
      this.#size = this.#readHeader(whole.toString('latin1', 0, end));
      this.#keep(whole.subarray(end + 1));
      return true;
    }
    if (this.#length < this.#size + 1) return false;
    const whole = this.#whole();
    const id = this.#ids[this.#at] ?? '';
    this.#visit(id, whole.subarray(0, this.#size));
    this.#keep(whole.subarray(this.#size + 1));
    this.#size = undefined;
    this.#at += 1;
    return this.#length > 0;
  }

  #refuseLongHeader(): false {
    if (this.#length > 1000) throw new UsageError('GIT_FAILED', 'git cat-file said something else');
    return false;
  }

  #readHeader(header: string): number {
    const id = this.#ids[this.#at] ?? '';
    if (header === `${id} missing`) throw missingObject(id);
    const [, found, type, size] = HEADER.exec(header) ?? [];
    if (found !== id || type !== this.#type || Number(size) > MAX_OBJECT) {
      throw new UsageError(
        'GIT_FAILED',
        `the Git object ${id} is no ${this.#type} that can be read: ${printable(header)}`,
        { hint: 'check the Git repository: git fsck' },
      );
    }
    return Number(size);
  }

  #whole(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }

  #keep(rest: Buffer): void {
    this.#pieces = [rest];
    this.#length = rest.length;
  }
}

/**
 * What each name stands for, in one process; names that stand for nothing are left out.
 *
 * @param names object ids and names that this program made itself, such as `<id>:.mlops`, `<id>^{}` or `MERGE_HEAD`
 */
export async function resolveNames(
  place: GitPlace,
  names: readonly string[],
): Promise<Map<string, ResolvedObject>> {
  const found = new Map<string, ResolvedObject>();
  if (names.length === 0) return found;
  let text = '';
  await streamGitOutput(place, ['cat-file', '--batch-check', '--buffer'], {
    input: names.map((name) => `${name}\n`).join(''),
    onBytes: (bytes) => {
      text += bytes.toString('utf8');
    },
  });
  const lines = text.split('\n');
  if (lines.length !== names.length + 1) {
    throw new LocalIoError('GIT_FAILED', 'git cat-file did not answer every question');
  }
  for (const [at, name] of names.entries()) {
    const line = lines[at] ?? '';
    const [, id, type] = HEADER.exec(line) ?? [];
    if (id !== undefined && type !== undefined) found.set(name, { id, type });
    else if (!line.endsWith(' missing')) {
      throw new UsageError('GIT_FAILED', `git could not resolve ${printable(name)}: ${printable(line)}`, {
        hint: 'check the Git repository: git fsck',
      });
    }
  }
  return found;
}

/** See `Git.directoriesAt`. */
export async function directoriesAt(
  place: GitPlace,
  commits: readonly string[],
  directory: string,
): Promise<Map<string, string>> {
  const distinct = [...new Set(commits)];
  for (const id of distinct) assertObjectId(id);
  const found = await resolveNames(
    place,
    distinct.map((id) => `${id}:${directory}`),
  );
  const trees = new Map<string, string>();
  for (const id of distinct) {
    const object = found.get(`${id}:${directory}`);
    if (object === undefined) continue;
    if (object.type !== 'tree') {
      throw new RefusedError('UNSAFE_PATH', `in the commit ${id} ${directory} is no directory`, {
        hint: `look at it: git show --stat ${id}`,
      });
    }
    trees.set(id, object.id);
  }
  return trees;
}

/** The entries of a tree object; `id` tells how long the ids in it are. */
export function parseTree(bytes: Buffer, id: string): TreeEntry[] {
  const idLength = id.length / 2;
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at);
    const end = bytes.indexOf(0, space);
    const next = end + 1 + idLength;
    if (space < 0 || end < 0 || next > bytes.length) {
      throw new IntegrityError('GIT_FAILED', `the Git tree ${id} is damaged`, {
        hint: 'check the Git repository: git fsck',
      });
    }
    entries.push({
      mode: bytes.toString('latin1', at, space).padStart(6, '0'),
      path: bytes.toString('utf8', space + 1, end),
      id: bytes.toString('hex', end + 1, next),
    });
    at = next;
  }
  return entries;
}

/** Entries of `git ls-tree -r -z` (mode, type, id) or `git ls-files --stage -z` (mode, id, stage), each with a tab and the path. */
export function parseEntries(output: string): TreeEntry[] {
  const lines = output.split('\0').filter((line) => line !== '');
  return lines.map((line) => {
    const [, mode, first, second, path] = /^(\d{6}) (\w+) (\w+)\t(.+)$/s.exec(line) ?? [];
    const id = [first, second].find((field) => field !== undefined && isObjectId(field));
    if (mode !== undefined && id !== undefined && path !== undefined) return { mode, id, path };
    throw new UsageError('GIT_FAILED', `git listed something else: ${printable(line.slice(0, 200))}`);
  });
}

export function assertObjectId(id: string): void {
  if (isObjectId(id)) return;
  throw new UsageError('GIT_FAILED', `${JSON.stringify(id.slice(0, 100))} is no Git object id`);
}

function missingObject(id: string): IntegrityError {
  return new IntegrityError('GIT_OBJECT_MISSING', `the Git object ${id} is not in this clone`, {
    hint: 'fetch it: git fetch --refetch for a partial clone, git fetch --unshallow for a shallow one; else git fsck',
  });
}
