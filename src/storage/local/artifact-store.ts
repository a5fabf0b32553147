import { closeSync, fstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ObjectArtifactStore } from '../artifact/object-artifact-store.ts';
import type { ArtifactStore } from '../artifact-store.ts';
import { ioError, temporaryName } from '../atomic-write.ts';
import { freeBytes } from '../artifact/store-artifact.ts';
import { LocalIndexFiles } from './index-files.ts';
import { keepDamaged } from './keep-damaged.ts';
import { LocalObjectStore } from './object-store.ts';
import { ensureDirectory } from './object-paths.ts';
import { listQuarantined } from './quarantine.ts';

export interface LocalArtifactStoreOptions {
  /** Absolute path of `.mlops`; objects live in its `cache`. */
  mlopsDir: string;
  /** Relative sources and targets start here; usually the work tree. Absolute. */
  root: string;
  /** Takes one line about something that was repaired or left out. */
  warn?: (message: string) => void;
}

/** The artifact store of a clone: objects below `.mlops/cache`, sources and targets anywhere on this machine. */
export function createLocalArtifactStore(options: LocalArtifactStoreOptions): ArtifactStore {
  const { mlopsDir, root, warn = () => undefined } = options;
  return new ObjectArtifactStore({
    objects: new LocalObjectStore(mlopsDir),
    files: new LocalIndexFiles(mlopsDir),
    root,
    staging: join(mlopsDir, 'tmp'),
    warn,
    probe: () => probeCache(mlopsDir),
    quarantined: () => listQuarantined(mlopsDir),
    keepDamaged: (damaged) => keepDamaged(mlopsDir, damaged),
    freeSpace: () => freeBytes(mlopsDir),
  });
}

/** Writes a byte, so that a read-only or full disk shows at once, and reads the file system's clock from its mtime. */
function probeCache(mlopsDir: string): number {
  const cache = join(mlopsDir, 'cache');
  ensureDirectory(mlopsDir, cache);
  const path = join(cache, temporaryName());
  try {
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      writeSync(descriptor, 'x');
      return fstatSync(descriptor).mtimeMs;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw ioError(error, cache, 'nothing was read or stored');
  } finally {
    rmSync(path, { force: true });
  }
}
