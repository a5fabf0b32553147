import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConflictError } from '../../src/errors.ts';
import type { CommitLock } from '../../src/storage/commit-lock.ts';
import type { DocumentStore } from '../../src/storage/document-store.ts';
import type {
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
} from '../../src/storage/object-store.ts';

/** Called before each operation, with its name; what it throws, the operation throws. */
export type Step = (operation: string) => Promise<void>;

/** Any store, with something to happen before each of its operations. */
export function steppingObjects(store: ObjectStore, step: Step): ObjectStore {
  return {
    batch(): ObjectBatch {
      const batch = store.batch();
      return {
        put: async (key, bytes) => (await step(`put ${key.kind}`), batch.put(key, bytes)),
        store: async (kind, bytes, hash) => (await step(`put ${kind}`), batch.store(kind, bytes, hash)),
        commit: async () => (await step('commit'), batch.commit()),
        abort: () => batch.abort(),
      };
    },
    get: async (key: ObjectKey, range?: ByteRange) => (await step(`get ${key.kind}`), store.get(key, range)),
    stat: async (key) => (await step(`stat ${key.kind}`), store.stat(key)),
    async *list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo> {
      await step(`list ${kind}`);
      for await (const info of store.list(kind, prefix)) {
        await step(`list ${kind}`);
        yield info;
      }
    },
    delete: async (key) => (await step(`delete ${key.kind}`), store.delete(key)),
    quarantine: async (key, reason) => (await step('quarantine'), store.quarantine(key, reason)),
  };
}

/** The same for documents; names of operations hold the path. */
export function steppingDocuments(store: DocumentStore, step: Step): DocumentStore {
  return {
    ...store,
    read: async (path) => (await step(`read ${path}`), store.read(path)),
    readDirectory: async (path) => (await step(`readDirectory ${path}`), store.readDirectory(path)),
    listDirectories: async (path) => (await step(`listDirectories ${path}`), store.listDirectories(path)),
    write: async (path, bytes, options) => (await step(`write ${path}`), store.write(path, bytes, options)),
    create: async (path, bytes, options) => (
      await step(`create ${path}`),
      store.create(path, bytes, options)
    ),
    remove: async (path) => (await step(`remove ${path}`), store.remove(path)),
  };
}

/** A lock that waits for its turn, and says that it does. */
export function waitingLock(lock: CommitLock, onWait: () => void): CommitLock {
  return {
    ...lock,
    async acquire(command) {
      for (;;) {
        try {
          return await lock.acquire(command);
        } catch (error) {
          if (!(error instanceof ConflictError) || error.code !== 'LOCKED') throw error;
          onWait();
          await nextTurn();
        }
      }
    },
  };
}
