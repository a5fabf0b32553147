import { ObjectArtifactStore } from '../../../src/storage/artifact/object-artifact-store.ts';
import type { ArtifactParts } from '../../../src/storage/artifact/parts.ts';
import type { ArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FaultyObjectStore, type ScriptedFault } from '../../../src/storage/faulty.ts';
import { MemoryIndexFiles } from '../../../src/storage/index-files.ts';
import { MemoryObjectStore } from '../../../src/storage/memory/object-store.ts';
import { objectPath } from '../../../src/storage/object-errors.ts';
import type { ObjectKey, ObjectKind, ObjectStore } from '../../../src/storage/object-store.ts';
import { scratchDirectory } from './scratch.ts';

/** One clone: sources and targets are real files, objects are in memory. */
export interface Clone {
  root: string;
  objects: MemoryObjectStore;
  files: MemoryIndexFiles;
  store: ArtifactStore;
  warnings: string[];
  /** What came damaged from a remote, by path. */
  kept: Map<string, string>;
}

export function clone(parts: Partial<ArtifactParts> = {}): Clone {
  const root = scratchDirectory();
  const objects = new MemoryObjectStore();
  const files = new MemoryIndexFiles();
  const warnings: string[] = [];
  const kept = new Map<string, string>();
  const store = new ObjectArtifactStore({
    objects,
    files,
    root,
    staging: `${root}/.mlops/tmp`,
    warn: (message) => warnings.push(message),
    probe: Date.now,
    keepDamaged: ({ key, reason }) => {
      kept.set(objectPath(key), reason);
      return Promise.resolve(`quarantine/${key.name}`);
    },
    ...parts,
  });
  return { root, objects, files, store, warnings, kept };
}

/** A view of the same remote that fails as scripted and logs the calls. */
export function faulty(remote: ObjectStore, script: readonly ScriptedFault[] = []): FaultyObjectStore {
  return new FaultyObjectStore(remote, script);
}

export async function namesOf(store: ObjectStore, kind: ObjectKind): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(kind)) names.push(key.name);
  return names.toSorted();
}

/** Bytes of all objects of the kind. */
export async function bytesOf(store: ObjectStore, kind: ObjectKind): Promise<number> {
  let bytes = 0;
  for await (const { size } of store.list(kind)) bytes += size;
  return bytes;
}

/** Flips one byte, as a failing disk does. */
export async function flip(store: MemoryObjectStore, key: ObjectKey, at = 20): Promise<void> {
  const size = (await store.stat(key))?.size ?? 0;
  const bytes = new Uint8Array(await store.get(key, { offset: 0, length: size }));
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  store.damage(key, bytes);
}
