import { IntegrityError, RefusedError, UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { StoredArtifact } from '../artifact-store.ts';
import { comparePaths, type Manifest, type ManifestFile } from '../manifest.ts';
import { BRING_BACK } from '../object-errors.ts';
import { assertNames } from './names.ts';
import { distinctBlobs, loadIndex, type ArtifactParts } from './parts.ts';
import { storeManifest } from './store-stream.ts';

/** See `ArtifactStore.compose`. */
export async function composeArtifact(
  parts: ArtifactParts,
  files: readonly ManifestFile[],
): Promise<StoredArtifact> {
  const sorted = files.toSorted((first, second) => comparePaths(first.path, second.path));
  const isFile = sorted.length === 1 && sorted[0]?.path === '';
  const manifest: Manifest = { kind: isFile ? 'file' : 'directory', files: sorted };
  if (!isFile) assertTree(sorted);
  parts.probe();
  const index = await loadIndex(parts);
  const ids = distinctBlobs(manifest);
  for (const id of ids) {
    if (index.find(id) !== undefined) continue;
    throw new IntegrityError('OBJECT_MISSING', `blob ${id} is in no pack here`, { hint: BRING_BACK });
  }
  const counts = { total: ids.size, new: 0, newBytes: 0, storedBytes: 0 };
  return storeManifest(parts, { manifest, index, counts });
}

/** What `decodeManifest` would refuse. */
function assertTree(sorted: readonly ManifestFile[]): void {
  if (sorted.length === 0) throw new UsageError('SOURCE_EMPTY', 'there is no file to make an artifact of');
  assertNames(
    sorted.map(({ path }) => path),
    true,
  );
  const names = new Set(sorted.map(({ path }) => path));
  if (names.size < sorted.length) throw new RefusedError('NAME_COLLISION', 'a path is given twice');
  for (const { path } of sorted) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash);
      if (!names.has(directory)) continue;
      throw new RefusedError('NAME_COLLISION', `${printable(directory)} would be a file and a directory`);
    }
  }
}
