import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, LocalIoError, RemoteError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { ioError, writeDurably } from '../atomic-write.ts';
import { LocalObjectStore } from '../local/object-store.ts';
import type {
  BatchOptions,
  ByteRange,
  HashFunction,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
} from '../object-store.ts';
import { MARKER_BYTES, MARKER_NAME } from '../remote-marker.ts';

/** What a network file system reports while its server is away or comes back. */
const MAY_PASS = new Set([
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'EIO',
  'ESTALE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
]);

/**
 * Objects in a directory that other machines write to as well, usually a mounted share. The directory is never created here and
 * counts only while it holds the marker, so that an empty mount point is not taken for an empty remote.
 */
export class DirectoryObjectStore implements ObjectStore {
  readonly #path: string;

  /** @param path absolute */
  constructor(path: string) {
    this.#path = path;
  }

  batch(options?: BatchOptions): ObjectBatch {
    const path = this.#path;
    let batch: ObjectBatch | undefined;
    const opened = (): ObjectBatch => (batch ??= openPlace(path).batch(options));
    return {
      put: (key: ObjectKey, bytes: Uint8Array) => guarded(path, () => opened().put(key, bytes)),
      store: (kind: ObjectKind, bytes: Uint8Array, hash?: HashFunction) =>
        guarded(path, () => opened().store(kind, bytes, hash)),
      commit: () =>
        guarded(path, async () => {
          await batch?.commit();
          // The share may have gone away under the writes, which then lie in the mount point itself.
          openPlace(path);
        }),
      abort: () => batch?.abort() ?? Promise.resolve(),
    };
  }

  get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    return guarded(this.#path, () => openPlace(this.#path).get(key, range));
  }

  stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    return guarded(this.#path, () => openPlace(this.#path).stat(key));
  }

  async *list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo> {
    try {
      yield* openPlace(this.#path).list(kind, prefix);
      openPlace(this.#path);
    } catch (error) {
      throw remoteFailure(error, this.#path);
    }
  }

  delete(key: ObjectKey): Promise<boolean> {
    return guarded(this.#path, () => openPlace(this.#path).delete(key));
  }

  quarantine(key: ObjectKey, reason: string): Promise<string> {
    return guarded(this.#path, () => openPlace(this.#path).quarantine(key, reason));
  }
}

/**
 * Makes the directory, where there is none, and marks it as a remote. Its parent must be there: a missing one is more likely a share
 * that is not mounted than a wish.
 *
 * @throws RemoteError `REMOTE_NOT_MOUNTED`, `REMOTE_FAILED`
 */
export async function prepareDirectory(path: string): Promise<void> {
  try {
    try {
      mkdirSync(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw notMounted(path, 'its parent directory does not exist');
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    const marker = join(realpathSync(path), MARKER_NAME);
    if (lstatSync(marker, { throwIfNoEntry: false }) === undefined) await writeDurably(marker, MARKER_BYTES);
    openPlace(path);
  } catch (error) {
    throw remoteFailure(error, path);
  }
}

/** Looked at before each call: a share can come and go while a command runs. */
function openPlace(path: string): LocalObjectStore {
  let root: string;
  try {
    // The person chose the directory and may reach it through links; below it none is followed.
    root = realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw notMounted(path, 'the directory does not exist');
    throw error;
  }
  if (!lstatSync(join(root, MARKER_NAME), { throwIfNoEntry: false })?.isFile()) {
    throw notMounted(
      path,
      `it holds no ${MARKER_NAME}, so it is the empty mount point of a share or no remote yet`,
    );
  }
  return new LocalObjectStore({ root, directory: '', shared: true });
}

function notMounted(path: string, problem: string): RemoteError {
  return new RemoteError('REMOTE_NOT_MOUNTED', `the remote ${printable(path)} can't be used: ${problem}`, {
    hint: 'mount the share and run the same command again; to start a new remote there, add it: mlops remote add <name> <directory>',
  });
}

async function guarded<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw remoteFailure(error, path);
  }
}

/** A disk that belongs to a remote fails as a remote does: exit 7, not 6. */
function remoteFailure(error: unknown, path: string): unknown {
  const local = errnoOf(error) === undefined ? error : ioError(error, path);
  if (!(local instanceof LocalIoError)) return error;
  const { message, hint, cause } = local;
  const code = local.code === 'DISK_FULL' ? 'REMOTE_FULL' : 'REMOTE_FAILED';
  return new RemoteError(code, `the remote ${printable(path)}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    cause,
    retryable: MAY_PASS.has(errnoOf(cause) ?? ''),
  });
}
