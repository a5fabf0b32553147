import { BlobIndex } from '../blob-index.ts';
import { hexOf } from '../digest.ts';
import type { IndexFiles } from '../index-files.ts';
import { decodeManifest, type Manifest } from '../manifest.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';

/** What the operations on artifacts share. */
export interface ArtifactParts {
  objects: ObjectStore;
  files: IndexFiles;
  /** Relative sources and targets start here. Absolute. */
  root: string;
  /** Where `update` builds files before it gives them their names; made when it is missing. Absolute, below `root`. */
  staging: string;
  warn: (message: string) => void;
  /**
   * Proves that the store can be written to, and reads the clock of its file system, in milliseconds.
   * @throws LocalIoError when it can't
   */
  probe: () => number;
  /** Objects of which damaged bytes were moved away, where the store can tell. */
  quarantined?: () => ObjectKey[];
  /** Keeps what a remote gave out under the name of an object and is not that object; resolves to where. */
  keepDamaged?: (damaged: { key: ObjectKey; bytes: Uint8Array; reason: string }) => Promise<string>;
  /** Bytes that are free for objects; undefined where nobody knows. Default asks the file system of `root`. */
  freeSpace?: () => Promise<number | undefined>;
}

export function loadIndex({ objects, files, warn }: ArtifactParts): Promise<BlobIndex> {
  return BlobIndex.load({ objects, files, warn });
}

/** The manifest and its canonical bytes. @throws IntegrityError; RefusedError `UNSAFE_PATH` */
export async function readManifest(
  objects: ObjectStore,
  digest: string,
): Promise<{ manifest: Manifest; bytes: Uint8Array }> {
  const bytes = await objects.get({ kind: 'manifests', name: hexOf(digest) });
  return { manifest: decodeManifest(bytes, `manifest ${digest}`), bytes };
}

/** Distinct blob ids in the order in which the files need them. */
export function distinctBlobs({ files }: Manifest): Set<string> {
  const ids = new Set<string>();
  for (const { blobs } of files) for (const id of blobs) ids.add(id);
  return ids;
}

export function sizeOf({ files }: Manifest): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
