import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errnoOf, LocalIoError, RefusedError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { ioError, syncDirectory, temporaryName, writeDurably } from '../atomic-write.ts';
import type { RunFiles, RunFileState, RunPlace, StagedRuns, WriterProcess } from '../run-files.ts';
import { AppendedFiles, openError } from './append-lines.ts';
import { lstatOf, readNames, readRange, syncPath, writeNew } from './run-file-calls.ts';
import { ensurePlainDirectory, plainDirectory, unsafeEntry } from './plain-entry.ts';
import { currentBootId, processStart, processState } from './process-identity.ts';

const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;
const NAME = /^(?:m-)?[0-9a-f]{32}$/;
const FILE = /^(?:run|model)\.json$|^(?:log|metrics)\.jsonl$|^(?:stdout|stderr)(?:\.[01])?\.log$/;
/** How long the answer that a process is there is good for. */
const PROCESS_ANSWER_MS = 200;
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const READ = constants.O_RDONLY | NOFOLLOW | (constants.O_NONBLOCK ?? 0);

/** Runs as directories below `<mlopsDir>/runs`. @param mlopsDir absolute path of `.mlops` */
export class LocalRunFiles implements RunFiles {
  readonly #mlopsDir: string;
  readonly #root: string;
  /** Directories that were found to be plain ones. */
  readonly #plain = new Set<string>();
  readonly #appended = new AppendedFiles();
  readonly #processes = new Map<string, { isGone: boolean; askedAt: number }>();
  #self: WriterProcess | undefined;

  constructor(mlopsDir: string) {
    this.#mlopsDir = mlopsDir;
    this.#root = join(mlopsDir, 'runs');
  }

  async prepare(): Promise<void> {
    await ensurePlainDirectory(this.#mlopsDir, ['runs']);
    const ignore = join(this.#root, '.gitignore');
    if (lstatOf(ignore) === undefined) await writeDurably(ignore, Buffer.from('*\n'));
  }

  months(): readonly string[] {
    return this.#entries(['runs'])
      .filter((name) => MONTH.test(name))
      .sort();
  }

  names(month: string): readonly string[] {
    assertMonth(month);
    return this.#entries(['runs', month]).filter((name) => NAME.test(name));
  }

  monthState(month: string): string | undefined {
    assertMonth(month);
    const stats = lstatOf(join(this.#root, month));
    return stats === undefined ? undefined : `${stats.ino}-${stats.mtimeMs}-${stats.ctimeMs}`;
  }

  find(name: string): RunPlace | undefined {
    if (!NAME.test(name)) return undefined;
    // The newest first: that is where most questions are about.
    for (const month of this.months().toReversed()) {
      if (lstatOf(join(this.#root, month, name)) !== undefined) return { month, name };
    }
    return undefined;
  }

  async create(
    place: RunPlace,
    files: ReadonlyMap<string, Uint8Array>,
    { durable }: { durable: boolean },
  ): Promise<boolean> {
    assertPlace(place);
    const month = await this.#monthDirectory(place.month);
    const target = join(month, place.name);
    if (lstatOf(target) !== undefined) return false;
    const temporary = join(month, temporaryName());
    try {
      mkdirSync(temporary);
      for (const [name, bytes] of files) writeNew(join(temporary, checkedFile(name)), bytes);
      if (durable) {
        for (const name of files.keys()) await syncPath(join(temporary, name));
        await syncDirectory(temporary);
      }
      // An empty directory would be replaced by this, but the names of runs are never given twice.
      renameSync(temporary, target);
      if (durable) await syncDirectory(month);
      return true;
    } catch (error) {
      const taken = ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errnoOf(error) ?? '') && existsSync(target);
      if (taken) return false;
      throw ioError(error, target, 'the run was not created');
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }

  state(place: RunPlace, file: string): RunFileState | undefined {
    const directory = this.#directory(place);
    if (directory === undefined) return undefined;
    const path = join(directory, checkedFile(file));
    const stats = lstatOf(path);
    if (stats === undefined) return undefined;
    if (!stats.isFile()) throw unsafeEntry(path, 'is not a regular file');
    return { size: stats.size, inode: stats.ino, modifiedMs: stats.mtimeMs, changedMs: stats.ctimeMs };
  }

  read(
    place: RunPlace,
    file: string,
    { offset, length = Infinity }: { offset: number; length?: number } = { offset: 0 },
  ): Uint8Array | undefined {
    const directory = this.#directory(place);
    if (directory === undefined) return undefined;
    const path = join(directory, checkedFile(file));
    let descriptor: number;
    try {
      descriptor = openSync(path, READ);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw openError(error, path);
    }
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) throw unsafeEntry(path, 'is not a regular file');
      return readRange(descriptor, offset, Math.min(length, Math.max(0, stats.size - offset)));
    } catch (error) {
      throw ioError(error, path, 'nothing was changed');
    } finally {
      closeSync(descriptor);
    }
  }

  append(place: RunPlace, file: string, lines: Uint8Array): void {
    if (lines.length === 0) return;
    const directory = this.#directory(place);
    if (directory === undefined) throw missing(place);
    const path = join(directory, checkedFile(file));
    this.#appended.append(path, lines);
  }

  appendBytes(place: RunPlace, file: string, bytes: Uint8Array): void {
    const directory = this.#directory(place);
    if (directory === undefined) throw missing(place);
    this.#appended.appendBytes(join(directory, checkedFile(file)), bytes);
  }

  async replace(
    place: RunPlace,
    file: string,
    bytes: Uint8Array,
    { durable }: { durable: boolean },
  ): Promise<void> {
    const directory = this.#directory(place);
    if (directory === undefined) throw missing(place);
    const path = join(directory, checkedFile(file));
    if (durable) {
      await writeDurably(path, bytes);
      return;
    }
    const temporary = join(directory, temporaryName());
    try {
      writeNew(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      throw ioError(error, path);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  async sync(place: RunPlace, file: string): Promise<void> {
    const directory = this.#directory(place);
    if (directory === undefined) return;
    await syncPath(join(directory, checkedFile(file)));
  }

  files(place: RunPlace): readonly string[] {
    const directory = this.#directory(place);
    if (directory === undefined) return [];
    return readNames(directory)
      .filter((name) => FILE.test(name))
      .sort();
  }

  removeFile(place: RunPlace, file: string): boolean {
    const directory = this.#directory(place);
    if (directory === undefined) return false;
    const path = join(directory, checkedFile(file));
    this.#appended.forget(path);
    try {
      unlinkSync(path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw ioError(error, path, 'the file is still there');
    }
  }

  async remove(place: RunPlace): Promise<boolean> {
    const directory = this.#directory(place);
    if (directory === undefined) return false;
    this.#appended.forgetBelow(directory);
    const going = join(this.#root, place.month, temporaryName());
    try {
      renameSync(directory, going);
      this.#plain.delete(directory);
      await syncDirectory(join(this.#root, place.month));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw ioError(error, directory, 'the run is still there');
    }
    await rm(going, { recursive: true, force: true, maxRetries: 3 });
    return true;
  }

  path(place: RunPlace): string {
    assertPlace(place);
    return join(this.#root, place.month, place.name);
  }

  async stage(wanted: readonly { place: RunPlace; files: readonly string[] }[]): Promise<StagedRuns> {
    const tmp = await ensurePlainDirectory(this.#mlopsDir, ['tmp']);
    const path = join(tmp, temporaryName());
    const remove = (): Promise<void> =>
      rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    try {
      mkdirSync(path);
      for (const { place, files } of wanted) {
        const target = join(path, place.month, place.name);
        mkdirSync(target, { recursive: true });
        for (const file of files) {
          const bytes = this.read(place, file);
          if (bytes !== undefined) writeNew(join(target, file), bytes);
        }
      }
    } catch (error) {
      await remove();
      throw ioError(error, path, 'nothing was changed');
    }
    return { path, remove };
  }

  self(): WriterProcess {
    this.#self ??= {
      host: hostname(),
      bootId: currentBootId(),
      pid: process.pid,
      processStart: processStart(process.pid),
    };
    return this.#self;
  }

  hasEnded(writer: WriterProcess): boolean {
    const self = this.self();
    if (writer.host !== self.host) return false;
    if (writer.bootId !== '' && self.bootId !== '' && writer.bootId !== self.bootId) return true;
    if (writer.pid === self.pid && writer.processStart === self.processStart) return false;
    return this.#isGone(writer);
  }

  close(): void {
    this.#appended.close();
  }

  /** Thousands of runs may have the same writer, and to ask for a process takes as long as to read a file. */
  #isGone({ pid, processStart: start }: WriterProcess): boolean {
    const key = `${pid} ${start}`;
    const known = this.#processes.get(key);
    if (known !== undefined && (known.isGone || performance.now() - known.askedAt < PROCESS_ANSWER_MS))
      return known.isGone;
    const isGone = processState(pid, start) === 'gone';
    this.#processes.set(key, { isGone, askedAt: performance.now() });
    return isGone;
  }

  /** Names in a directory below `.mlops`; none when it is not there. */
  #entries(parts: readonly string[]): string[] {
    const directory = plainDirectory(this.#mlopsDir, parts);
    return directory === undefined ? [] : readNames(directory);
  }

  async #monthDirectory(month: string): Promise<string> {
    const path = join(this.#root, month);
    if (this.#plain.has(path) && lstatOf(path)?.isDirectory() === true) return path;
    // Also where a clone has kept runs only: its first own run must not show up in Git.
    await this.prepare();
    await ensurePlainDirectory(this.#mlopsDir, ['runs', month]);
    this.#plain.add(path);
    return path;
  }

  #directory(place: RunPlace): string | undefined {
    const path = join(this.#root, place.month, place.name);
    if (this.#plain.has(path)) return path;
    assertPlace(place);
    const directory = plainDirectory(this.#mlopsDir, ['runs', place.month, place.name]);
    if (directory !== undefined) this.#plain.add(directory);
    return directory;
  }
}

function assertMonth(month: string): void {
  if (!MONTH.test(month)) throw new RefusedError('UNSAFE_PATH', `"${printable(month)}" is no month`);
}

function assertPlace({ month, name }: RunPlace): void {
  assertMonth(month);
  if (!NAME.test(name)) throw new RefusedError('UNSAFE_PATH', `"${printable(name)}" is no id of a run`);
}

function checkedFile(file: string): string {
  if (FILE.test(file)) return file;
  throw new RefusedError('UNSAFE_PATH', `"${printable(file)}" is no file of a run`);
}

function missing({ name }: RunPlace): LocalIoError {
  return new LocalIoError('IO_FAILED', `the directory of ${name} is gone`, {
    hint: 'somebody removed it; see `mlops runs list`',
  });
}
