import { join } from 'node:path';
import { ObjectArtifactStore } from '../artifact/object-artifact-store.ts';
import type { ArtifactStore } from '../artifact-store.ts';
import { MemoryIndexFiles } from '../index-files.ts';
import type { ObjectStore } from '../object-store.ts';
import { MemoryObjectStore } from './object-store.ts';

export interface MemoryArtifactStoreOptions {
  /** Relative sources and targets start here. Absolute. */
  root: string;
  /** Default a new, empty store. */
  objects?: ObjectStore;
  warn?: (message: string) => void;
}

/** An artifact store whose objects are in memory; sources and targets are real files. */
export function createMemoryArtifactStore(options: MemoryArtifactStoreOptions): ArtifactStore {
  const { root, objects = new MemoryObjectStore(), warn = () => undefined } = options;
  const staging = join(root, '.mlops/tmp');
  return new ObjectArtifactStore({
    objects,
    files: new MemoryIndexFiles(),
    root,
    staging,
    warn,
    probe: Date.now,
  });
}
