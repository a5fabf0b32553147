import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactStore } from '../../../src/storage/artifact-store.ts';
import { LocalIndexFiles } from '../../../src/storage/local/index-files.ts';
import { createLocalArtifactStore } from '../../../src/storage/local/artifact-store.ts';
import { flipByte, listFiles, scratchDirectory } from './scratch.ts';

export interface Workspace {
  /** Where relative sources and targets start. */
  root: string;
  mlopsDir: string;
  cache: string;
  store: ArtifactStore;
  warnings: string[];
  indexFiles: LocalIndexFiles;
}

export function workspace(): Workspace {
  const root = scratchDirectory();
  const mlopsDir = join(root, '.mlops');
  mkdirSync(mlopsDir);
  const warnings: string[] = [];
  const store = createLocalArtifactStore({ mlopsDir, root, warn: (message) => warnings.push(message) });
  return {
    root,
    mlopsDir,
    cache: join(mlopsDir, 'cache'),
    store,
    warnings,
    indexFiles: new LocalIndexFiles(mlopsDir),
  };
}

/** Absolute paths of the stored packs or manifests. */
export function objectPaths({ cache }: Workspace, kind: 'packs' | 'manifests'): string[] {
  return listFiles(join(cache, kind)).map((path) => join(cache, kind, path));
}

/** Flips a byte of the only pack or manifest; negative offsets count from the end. */
export function damageOnly(space: Workspace, kind: 'packs' | 'manifests', offset: number): string {
  const [path, ...others] = objectPaths(space, kind);
  if (path === undefined || others.length > 0) throw new Error(`expected one object in ${kind}`);
  const bytes = readFileSync(path);
  flipByte(path, bytes, offset < 0 ? bytes.length + offset : offset);
  return path;
}
