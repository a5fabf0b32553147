import { ConflictError, RefusedError } from '../../errors.ts';
import { assertSafeRelativePath } from '../../lib/safe-path.ts';
import type { DocumentFile, DocumentStore } from '../document-store.ts';

interface Entry {
  bytes: Uint8Array;
  revision: number;
}

/** Documents in memory, for tests of the domain and for dry runs. A directory exists as long as a file lies in it. */
export function createMemoryDocumentStore(): DocumentStore {
  const entries = new Map<string, Entry>();
  const caches = new Map<string, Uint8Array>();
  /** How many documents lie below each directory. */
  const directories = new Map<string, number>();
  let revision = 0;

  const countAbove = (path: string, change: number): void => {
    for (const directory of directoriesAbove(path)) {
      const count = (directories.get(directory) ?? 0) + change;
      if (count > 0) directories.set(directory, count);
      else directories.delete(directory);
    }
  };
  const assertUsable = (path: string): void => {
    assertSafeRelativePath(path);
    for (const above of directoriesAbove(path)) {
      if (entries.has(above)) throw new RefusedError('UNSAFE_PATH', `${above} is not a directory`);
    }
    if (directories.has(path)) throw new RefusedError('UNSAFE_PATH', `${path} is not a regular file`);
  };
  const put = (path: string, bytes: Uint8Array): void => {
    revision += 1;
    if (!entries.has(path)) countAbove(path, 1);
    entries.set(path, { bytes: bytes.slice(), revision });
  };
  const below = (directory: string): string[] => {
    if (directory === '') return [...entries.keys()];
    assertSafeRelativePath(directory);
    const prefix = `${directory}/`;
    return [...entries.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
  };
  const readListed = (path: string): Uint8Array => {
    const entry = entries.get(path);
    if (entry !== undefined) return entry.bytes.slice();
    throw new ConflictError('DOCUMENT_CHANGED', `${path} was removed while it was being read`);
  };

  return {
    async read(path) {
      assertUsable(path);
      return entries.get(path)?.bytes.slice();
    },

    async readDirectory(directory) {
      const prefix = directory === '' ? '' : `${directory}/`;
      const files: DocumentFile[] = [];
      for (const name of below(directory).sort()) {
        if (name.includes('/') || !name.endsWith('.json')) continue;
        const path = prefix + name;
        files.push({ name, fingerprint: String(entries.get(path)?.revision), read: () => readListed(path) });
      }
      return files;
    },

    async listDirectories(directory) {
      const names = new Set<string>();
      for (const path of below(directory)) {
        const slash = path.indexOf('/');
        if (slash > 0) names.add(path.slice(0, slash));
      }
      return [...names].sort();
    },

    async write(path, bytes, { beforeNaming } = {}) {
      assertUsable(path);
      await beforeNaming?.();
      put(path, bytes);
    },

    async create(path, bytes, { beforeNaming } = {}) {
      assertUsable(path);
      await beforeNaming?.();
      if (entries.has(path)) return false;
      put(path, bytes);
      return true;
    },

    async remove(path) {
      assertUsable(path);
      if (!entries.delete(path)) return false;
      countAbove(path, -1);
      return true;
    },

    async writeCache(name, bytes) {
      caches.set(name, bytes.slice());
    },

    async readCache(name) {
      return caches.get(name)?.slice();
    },
  };
}

function directoriesAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
