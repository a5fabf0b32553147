import { digestOf, sha256Hex } from '../digest.ts';
import type { IndexFiles } from '../index-files.ts';
import type { ManifestFile } from '../manifest.ts';
import type { ObjectStore } from '../object-store.ts';
import {
  decodeStatIndex,
  encodeStatIndex,
  racyFlags,
  stampsOf,
  trustedFiles,
  type StatIndex,
} from '../stat-index.ts';
import { readManifest } from './parts.ts';
import type { SourceEntry, SourceTree } from './walk.ts';

function nameOf(source: string): string {
  return `stat/${sha256Hex(Buffer.from(source))}`;
}

/** What is remembered of a source. */
export interface Remembered {
  index: StatIndex;
  /** No file changed since, and none was so young that it could have without showing. */
  unchanged: boolean;
}

export function recall(files: IndexFiles, tree: SourceTree): Remembered | undefined {
  const bytes = files.read(nameOf(tree.source));
  const index = bytes && decodeStatIndex(bytes);
  if (index === undefined || index.kind !== tree.kind) return undefined;
  const unchanged = !index.racy.includes(1) && index.stamps.equals(stampsOf(tree.stamps));
  return { index, unchanged };
}

/** True when the manifest and the packs that were needed are there, with their sizes. */
export async function objectsAreThere(
  objects: ObjectStore,
  index: Pick<StatIndex, 'manifest' | 'packs'>,
): Promise<boolean> {
  if ((await objects.stat({ kind: 'manifests', name: index.manifest })) === undefined) return false;
  for (const { name, size } of index.packs) {
    if ((await objects.stat({ kind: 'packs', name }))?.size !== size) return false;
  }
  return true;
}

/** Finds the manifest entry of each file that looks as it did. Whatever can't be read is simply not reused. */
export async function reusableFiles(
  objects: ObjectStore,
  remembered: Remembered | undefined,
): Promise<(entry: SourceEntry) => ManifestFile | undefined> {
  if (remembered === undefined) return () => undefined;
  try {
    const { manifest } = await readManifest(objects, digestOf(remembered.index.manifest));
    const stamps = trustedFiles(remembered.index);
    const files = new Map(manifest.files.map((file) => [file.path, file]));
    return (entry) => {
      const stamp = stamps.get(entry.path);
      const same =
        stamp !== undefined &&
        stamp.size === entry.size &&
        stamp.mtimeMs === entry.mtimeMs &&
        stamp.ctimeMs === entry.ctimeMs &&
        stamp.ino === entry.ino;
      const file = same ? files.get(entry.path) : undefined;
      return file?.size === entry.size ? file : undefined;
    };
  } catch {
    return () => undefined;
  }
}

/** @param clock see `racyFlags` */
export function remember(
  files: IndexFiles,
  tree: SourceTree,
  found: Pick<StatIndex, 'manifest' | 'blobs' | 'packs'> & { clock: number },
): void {
  const { clock, manifest, blobs, packs } = found;
  const index: StatIndex = {
    manifest,
    blobs,
    packs,
    kind: tree.kind,
    size: tree.totalBytes,
    stamps: stampsOf(tree.stamps),
    racy: racyFlags(tree.stamps, clock),
  };
  files.write(nameOf(tree.source), encodeStatIndex(index));
}
