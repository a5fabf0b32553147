import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryName } from '../atomic-write.ts';
import type { IndexFiles } from '../index-files.ts';
import { ensureDirectory, isRealDirectory } from './object-paths.ts';

const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const MAX_INDEX = 1024 * 1024 * 1024;

/** Index files below `<root>/cache/index`: replaced by rename, never flushed, since losing one costs time only. */
export class LocalIndexFiles implements IndexFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  list(directory: string): string[] {
    const path = this.#path(directory);
    return attempt(() => (isRealDirectory(this.#root, path) ? readdirSync(path) : [])) ?? [];
  }

  read(name: string): Buffer<ArrayBuffer> | undefined {
    const path = this.#path(name);
    return attempt(() => (isRealDirectory(this.#root, dirname(path)) ? readRegular(path) : undefined));
  }

  write(name: string, bytes: Uint8Array): void {
    const path = this.#path(name);
    const temporary = join(dirname(path), temporaryName());
    const written = attempt(() => {
      ensureDirectory(this.#root, dirname(path));
      const descriptor = openSync(temporary, 'wx', 0o600);
      try {
        for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, path);
      return true;
    });
    if (written !== true) attempt(() => rmSync(temporary, { force: true }));
  }

  remove(name: string): void {
    const path = this.#path(name);
    attempt(() => {
      if (isRealDirectory(this.#root, dirname(path))) rmSync(path, { force: true });
    });
  }

  #path(name: string): string {
    return join(this.#root, 'cache', 'index', ...name.split('/'));
  }
}

/** Indexes are disposable: an error means "not there". */
function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function readRegular(path: string): Buffer<ArrayBuffer> | undefined {
  const descriptor = openSync(path, READ_FLAGS);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size > MAX_INDEX) return undefined;
    const bytes = Buffer.allocUnsafeSlow(stats.size);
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(descriptor, bytes, read, bytes.length - read, null);
      if (count === 0) return undefined;
      read += count;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}
