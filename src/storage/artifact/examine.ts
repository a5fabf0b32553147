import { resolve } from 'node:path';
import { MlopsError } from '../../errors.ts';
import type { ExaminedSource, StoreOptions } from '../artifact-store.ts';
import { digestOf, sha256HexInPool } from '../digest.ts';
import { HashThread, WORTH_A_THREAD } from '../hash-thread.ts';
import { encodeManifest, type Manifest, type ManifestFile } from '../manifest.ts';
import { hashOnly } from './blob-sink.ts';
import { ingest, type IngestOptions } from './ingest.ts';
import { assertNames } from './names.ts';
import { distinctBlobs, loadIndex, readManifest, type ArtifactParts } from './parts.ts';
import { objectsAreThere, recall, remember, reusableFiles } from './remembered.ts';
import { packsOf, progressOf } from './store-artifact.ts';
import { walkSource, type SourceTree } from './walk.ts';

/** An examined source, and how its files looked when the walk passed them. */
export interface ExaminedTree extends ExaminedSource {
  tree: SourceTree;
}

/** See `ArtifactStore.examine`. */
export async function examineSource(
  parts: ArtifactParts,
  source: string,
  options: StoreOptions,
): Promise<ExaminedTree> {
  const tree = await walkSource(resolve(parts.root, source), options.signal);
  const found = { tree, kind: tree.kind, size: tree.totalBytes, files: tree.paths.length };
  const remembered = recall(parts.files, tree);
  if (remembered?.unchanged) {
    const digest = digestOf(remembered.index.manifest);
    if (await objectsAreThere(parts.objects, remembered.index)) {
      const manifest = async (): Promise<Manifest> => (await readManifest(parts.objects, digest)).manifest;
      return { ...found, digest, stored: true, manifest };
    }
    return { ...found, digest, stored: false, manifest: () => hashTree(parts, tree, options) };
  }
  if (tree.kind === 'directory') assertNames(tree.paths, options.allowCollisions ?? true);
  const clock = clockOf(parts, options);
  const manifest = await hashTree(parts, tree, options);
  const name = await sha256HexInPool(encodeManifest(manifest));
  const stored = await rememberStored(parts, tree, { clock, name, manifest });
  return { ...found, digest: digestOf(name), stored, manifest: () => Promise.resolve(manifest) };
}

async function hashTree(parts: ArtifactParts, tree: SourceTree, options: StoreOptions): Promise<Manifest> {
  const reuse = await reusableFiles(parts.objects, recall(parts.files, tree));
  const onProgress = progressOf(tree, options);
  const files = await hashFiles(tree, { sink: hashOnly, reuse, onProgress, signal: options.signal });
  return { kind: tree.kind, files };
}

async function hashFiles(tree: SourceTree, options: Omit<IngestOptions, 'thread'>): Promise<ManifestFile[]> {
  const thread = tree.totalBytes >= WORTH_A_THREAD ? new HashThread() : undefined;
  try {
    return await ingest(tree, { ...options, thread });
  } finally {
    await thread?.close();
  }
}

/** Undefined when nothing may or can be written: then nothing is remembered. */
export function clockOf(
  parts: ArtifactParts,
  options: Pick<StoreOptions, 'dryRun'> = {},
): number | undefined {
  if (options.dryRun) return undefined;
  try {
    return parts.probe();
  } catch (error) {
    if (error instanceof MlopsError) return undefined;
    throw error;
  }
}

export interface HashedTree {
  /** See `racyFlags`; undefined when nothing may be remembered. */
  clock: number | undefined;
  /** 64 hex digits of the manifest. */
  name: string;
  manifest: Manifest;
}

/**
 * Remembers how the files looked, if the artifact is stored: `store` takes packs on trust from there, so it has to know them.
 * @returns whether it is stored
 */
export async function rememberStored(
  parts: ArtifactParts,
  tree: SourceTree,
  { clock, name, manifest }: HashedTree,
): Promise<boolean> {
  if ((await parts.objects.stat({ kind: 'manifests', name })) === undefined) return false;
  const index = await loadIndex(parts);
  const ids = distinctBlobs(manifest);
  for (const id of ids) if (index.find(id) === undefined) return false;
  if (clock !== undefined) {
    remember(parts.files, tree, { clock, manifest: name, blobs: ids.size, packs: packsOf(index, ids) });
  }
  return true;
}
