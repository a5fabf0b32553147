import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { sep } from 'node:path';
import { errnoOf, LocalIoError, type MlopsError } from '../../errors.ts';
import { ioError } from '../atomic-write.ts';
import { unsafeEntry } from './plain-entry.ts';

/** Files that are appended to stay open: a server logs to the same few runs again and again. */
const MOST_OPEN = 64;
const LINE_FEED = 10;
const FLAGS =
  constants.O_RDWR |
  constants.O_APPEND |
  constants.O_CREAT |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0);
const LAST = Buffer.alloc(1);

/** Files of lines that several processes append to. */
export class AppendedFiles {
  /** The file used last is the last one. */
  readonly #open = new Map<string, number>();

  /**
   * Adds whole lines with one write, behind a line break where a killed writer left half a line.
   * @throws LocalIoError; RefusedError `UNSAFE_PATH`
   */
  append(path: string, lines: Uint8Array): void {
    try {
      const { descriptor, stats } = this.#openToAppend(path);
      const bytes = endsInLine(descriptor, stats.size) ? lines : Buffer.concat([Buffer.from('\n'), lines]);
      const written = writeSync(descriptor, bytes);
      if (written === bytes.length) return;
      takeBack(descriptor, { path, before: stats.size, written, wanted: bytes.length });
    } catch (error) {
      this.forget(path);
      throw ioError(error, path, 'what was logged before is untouched');
    }
  }

  /** Adds bytes as they are. @throws as `append` */
  appendBytes(path: string, bytes: Uint8Array): void {
    try {
      const { descriptor } = this.#openToAppend(path);
      let written = 0;
      while (written < bytes.length) {
        const count = writeSync(descriptor, bytes, written);
        if (count === 0)
          throw new LocalIoError('WRITE_FAILED', `${path}: the file system takes no more bytes`);
        written += count;
      }
    } catch (error) {
      this.forget(path);
      throw ioError(error, path, 'what was written before is untouched');
    }
  }

  forget(path: string): void {
    const descriptor = this.#open.get(path);
    if (descriptor === undefined) return;
    this.#open.delete(path);
    closeSync(descriptor);
  }

  forgetBelow(directory: string): void {
    for (const path of this.#open.keys()) if (path.startsWith(`${directory}${sep}`)) this.forget(path);
  }

  close(): void {
    for (const path of this.#open.keys()) this.forget(path);
  }

  #openToAppend(path: string): { descriptor: number; stats: Stats } {
    const known = this.#open.get(path);
    if (known !== undefined) {
      const stats = fstatSync(known);
      if (stats.nlink > 0) {
        this.#open.delete(path);
        this.#open.set(path, known);
        return { descriptor: known, stats };
      }
      // Git, or a person, put another file in its place since it was opened.
      this.forget(path);
    }
    let descriptor: number;
    try {
      descriptor = openSync(path, FLAGS, 0o644);
    } catch (error) {
      throw openError(error, path);
    }
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) {
      closeSync(descriptor);
      throw unsafeEntry(path, 'is not a regular file');
    }
    this.#open.set(path, descriptor);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= MOST_OPEN) break;
      this.forget(oldest);
    }
    return { descriptor, stats };
  }
}

/** For what `open` with O_NOFOLLOW and O_NONBLOCK says of links and of what is no file. */
export function openError(error: unknown, path: string): MlopsError {
  const errno = errnoOf(error);
  if (errno === 'ELOOP' || errno === 'EMLINK') return unsafeEntry(path, 'is a symbolic link');
  if (errno === 'ENXIO' || errno === 'EISDIR') return unsafeEntry(path, 'is not a regular file');
  return ioError(error, path, 'nothing was changed');
}

function endsInLine(descriptor: number, size: number): boolean {
  if (size === 0) return true;
  return readSync(descriptor, LAST, 0, 1, size - 1) === 1 && LAST[0] === LINE_FEED;
}

/** A disk that is full in the middle of a write leaves half of what was to be logged. */
function takeBack(
  descriptor: number,
  { path, before, written, wanted }: { path: string; before: number; written: number; wanted: number },
): never {
  if (fstatSync(descriptor).size === before + written) ftruncateSync(descriptor, before);
  throw new LocalIoError('DISK_FULL', `${path}: the file system took ${written} of ${wanted} bytes`, {
    hint: 'free some space and log it again; nothing of it was kept',
  });
}
