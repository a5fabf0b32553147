import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  errnoOf,
  IntegrityError,
  InterruptedError,
  LocalIoError,
  RefusedError,
  UsageError,
} from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { stampAt, type FileStamp, type Stamps } from '../stat-index.ts';

export interface SourceEntry extends FileStamp {
  /** Relative to the source with `/`; empty when the source is a file. */
  path: string;
  executable: boolean;
}

const FIRST_CAPACITY = 1024;
const NUMBERS = 4;

/**
 * The files of a source in the order of the walk: whatever the file system gives, so that an unchanged tree gives the same
 * order. Kept as columns, because a walk of 100,000 unchanged files would otherwise spend its time making objects.
 */
export class SourceTree {
  readonly kind: 'file' | 'directory';
  /** Absolute path of the source. */
  readonly source: string;
  readonly paths: string[] = [];
  totalBytes = 0;
  /** Directories below the source with nothing in them, which no manifest can hold. */
  emptyDirectories = 0;
  #numbers = new Float64Array(FIRST_CAPACITY * NUMBERS);
  #executable = new Uint8Array(FIRST_CAPACITY);

  constructor(kind: 'file' | 'directory', source: string) {
    this.kind = kind;
    this.source = source;
  }

  add(path: string, stats: Stats): void {
    const index = this.paths.length;
    if (index === this.#executable.length) this.#grow();
    const at = index * NUMBERS;
    this.#numbers[at] = stats.size;
    this.#numbers[at + 1] = stats.mtimeMs;
    this.#numbers[at + 2] = stats.ctimeMs;
    this.#numbers[at + 3] = stats.ino;
    this.#executable[index] = (stats.mode & 0o100) === 0 ? 0 : 1;
    this.paths.push(path);
    this.totalBytes += stats.size;
  }

  get stamps(): Stamps {
    const count = this.paths.length;
    return {
      paths: this.paths,
      numbers: this.#numbers.subarray(0, count * NUMBERS),
      executable: this.#executable.subarray(0, count),
    };
  }

  /** One object a file, in the same order. */
  entries(): SourceEntry[] {
    return this.paths.map((path, index) => ({ path, ...stampAt(this.stamps, index) }));
  }

  #grow(): void {
    const numbers = new Float64Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const executable = new Uint8Array(this.#executable.length * 2);
    executable.set(this.#executable);
    this.#executable = executable;
  }
}

const ENTRIES_PER_TURN = 2000;

/** Throws when the person pressed Ctrl-C. @throws InterruptedError */
export function assertNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError();
}

/** Where an entry of a tree is on this machine. */
export function pathOf(source: string, path: string): string {
  return path === '' ? source : `${source}/${path}`;
}

/**
 * Lists the regular files of a source without opening any. Nothing else may be in it: a link, a socket, a device or a FIFO
 * is refused by name, as are `.git` and `.mlops`, also as the source itself or above it.
 *
 * @param isOwn the program made the source itself, so that it may lie in `.mlops/tmp`
 * @throws UsageError `SOURCE_MISSING`, `NAME_NOT_UTF8`; RefusedError `UNSAFE_ENTRY`; IntegrityError `SOURCE_CHANGED`
 */
export async function walkSource(source: string, signal?: AbortSignal, isOwn = false): Promise<SourceTree> {
  const stats = statSource(source);
  if (!stats.isFile() && !stats.isDirectory()) throw unsafeEntry(source, stats);
  if (!isOwn) assertOutsideInternals(source);
  const tree = new SourceTree(stats.isFile() ? 'file' : 'directory', source);
  if (stats.isFile()) {
    tree.add('', stats);
    return tree;
  }
  const directories = [''];
  let untilTurn = ENTRIES_PER_TURN;
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const absolute = `${pathOf(source, directory)}/`;
    const relative = directory === '' ? '' : `${directory}/`;
    const names = readNames(absolute);
    if (names.length === 0 && directory !== '') tree.emptyDirectories += 1;
    for (const name of names) {
      const found = statEntry(absolute + name);
      if (found.isFile()) tree.add(relative + name, found);
      else if (found.isDirectory()) directories.push(enterable(name, absolute + name, relative + name));
      else throw unsafeEntry(absolute + name, found);
      untilTurn -= 1;
      if (untilTurn > 0) continue;
      untilTurn = ENTRIES_PER_TURN;
      assertNotAborted(signal);
      await nextTurn();
    }
  }
  assertNotAborted(signal);
  return tree;
}

export function stampOf({ size, mtimeMs, ctimeMs, ino }: Stats): FileStamp {
  return { size, mtimeMs, ctimeMs, ino };
}

function enterable(name: string, absolute: string, path: string): string {
  if (!isInternal(name)) return path;
  throw new RefusedError('UNSAFE_ENTRY', `${printable(absolute)} can't be part of an artifact`, {
    hint: `name the directories to store one by one, or move ${name} away`,
  });
}

/** Git's own files may hold passwords, and a registry in itself would grow with every save. */
function assertOutsideInternals(source: string): void {
  let real: string;
  try {
    real = realpathSync(source);
  } catch (error) {
    throw readError(error, source);
  }
  const part = real.split(sep).find((each) => isInternal(each));
  if (part === undefined) return;
  throw new RefusedError('UNSAFE_ENTRY', `${printable(source)} belongs to ${part}, which can't be stored`, {
    hint: `copy what you want to store out of ${part} and name the copy`,
  });
}

function isInternal(name: string): boolean {
  const folded = name.toLowerCase();
  return folded === '.git' || folded === '.mlops';
}

function statSource(source: string): Stats {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(source, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') throw readError(error, source);
  }
  if (stats !== undefined) return stats;
  throw new UsageError('SOURCE_MISSING', `${printable(source)}: no such file or directory`);
}

function statEntry(path: string): Stats {
  try {
    return lstatSync(path);
  } catch (error) {
    throw readError(error, path);
  }
}

/** A system error while looking at a source, as what it means. */
export function readError(error: unknown, path: string, offset?: number): Error {
  const errno = errnoOf(error);
  const place = offset === undefined ? printable(path) : `${printable(path)} at byte ${offset}`;
  if (errno === undefined) return error instanceof Error ? error : new Error(String(error));
  if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP')
    return sourceChanged(path, 'it went away');
  return new LocalIoError('SOURCE_UNREADABLE', `${place}: ${errno}; nothing was stored`, { cause: error });
}

export function sourceChanged(path: string, what: string): IntegrityError {
  return new IntegrityError('SOURCE_CHANGED', `${printable(path)} changed while it was read: ${what}`, {
    hint: 'wait until nothing writes to it and run the command again',
    retryable: true,
  });
}

function readNames(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
    // Bytes that are no UTF-8 arrive as U+FFFD, which is a legal character too: only the bytes tell.
    if (!names.some((name) => name.includes('\ufffd'))) return names;
    for (const bytes of readdirSync(directory, { encoding: 'buffer' })) assertUtf8(directory, bytes);
  } catch (error) {
    throw readError(error, directory);
  }
  return names;
}

function assertUtf8(directory: string, name: Buffer): void {
  if (Buffer.from(name.toString('utf8')).equals(name)) return;
  const shown = [...name].map((byte) =>
    byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  throw new UsageError(
    'NAME_NOT_UTF8',
    `${printable(join(directory, shown.join('')))}: the file name is not valid UTF-8`,
    {
      hint: 'rename the file',
    },
  );
}

function unsafeEntry(path: string, stats: Stats): RefusedError {
  return new RefusedError(
    'UNSAFE_ENTRY',
    `${printable(path)} is ${describe(stats)}; only regular files and directories can be stored`,
    {
      hint: stats.isSymbolicLink()
        ? `it points to ${linkTarget(path)}: name that instead, or replace the link by a copy`
        : 'move it out of the directory',
    },
  );
}

function linkTarget(path: string): string {
  try {
    return printable(readlinkSync(path));
  } catch {
    return 'something that can not be read';
  }
}

function describe(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return 'a device';
  return 'no regular file';
}
