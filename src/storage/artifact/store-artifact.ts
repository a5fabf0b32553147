import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { IntegrityError, LocalIoError, MlopsError, UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { StoredArtifact, StoreOptions } from '../artifact-store.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { SegmentPack } from '../blob-segment.ts';
import { digestOf, sha256HexInPool } from '../digest.ts';
import { HashThread, WORTH_A_THREAD } from '../hash-thread.ts';
import { decodeManifest, encodeManifest, type Manifest, type ManifestFile } from '../manifest.ts';
import type { ObjectStore } from '../object-store.ts';
import type { StatIndex } from '../stat-index.ts';
import { BlobReader } from './blob-reader.ts';
import { DamagedPackFound, StoringSink } from './blob-sink.ts';
import { ingest } from './ingest.ts';
import { assertNames } from './names.ts';
import { PackWriter } from './pack-writer.ts';
import { loadIndex, type ArtifactParts } from './parts.ts';
import { objectsAreThere, recall, remember, reusableFiles } from './remembered.ts';
import { quarantinePack } from './salvage.ts';
import { walkSource, type SourceEntry, type SourceTree } from './walk.ts';

/** More damaged packs than this in one save, and the disk is the problem. */
const MAX_ATTEMPTS = 100;

/** Each one means that objects were collected while the source was compared with them. */
const MAX_RESTARTS = 3;

/** See `ArtifactStore.store`. */
export async function storeArtifact(
  parts: ArtifactParts,
  source: string,
  options: StoreOptions,
): Promise<StoredArtifact> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await storeOnce(parts, source, options);
    } catch (error) {
      const isGone = error instanceof IntegrityError && error.code === 'OBJECT_MISSING';
      if (!isGone || restarts === MAX_RESTARTS) throw error;
    }
  }
}

async function storeOnce(
  parts: ArtifactParts,
  source: string,
  options: StoreOptions,
): Promise<StoredArtifact> {
  // Before anything is read: ten gigabytes hashed for a read-only cache would be wasted.
  const clock = options.dryRun ? undefined : parts.probe();
  const tree = await walkSource(resolve(parts.root, source), options.signal, options.isOwn);
  assertHoldsFiles(tree, parts);
  const remembered = recall(parts.files, tree);
  if (remembered?.unchanged && (await objectsAreThere(parts.objects, remembered.index))) {
    options.onProgress?.({ bytes: tree.totalBytes, totalBytes: tree.totalBytes, files: tree.paths.length });
    return await storedBefore(parts.objects, remembered.index);
  }
  if (tree.kind === 'directory') {
    assertNames(tree.paths, options.allowCollisions ?? false);
  }
  const reuse = await reusableFiles(parts.objects, remembered);
  for (let attempt = 1; ; attempt += 1) {
    const index = await loadIndex(parts);
    try {
      return await attemptStore({ parts, tree, index, reuse, clock }, options);
    } catch (error) {
      if (!(error instanceof DamagedPackFound)) throw await withSpace(error, tree);
      if (options.dryRun || attempt === MAX_ATTEMPTS) {
        throw new IntegrityError('OBJECT_DAMAGED', error.problem, { hint: 'run `mlops verify --deep`' });
      }
      await quarantinePack(parts, index, error);
    }
  }
}

/** A version is its files: without any there is nothing to restore. @throws UsageError `SOURCE_EMPTY` */
function assertHoldsFiles({ source, paths, emptyDirectories }: SourceTree, { warn }: ArtifactParts): void {
  if (paths.length === 0) {
    throw new UsageError('SOURCE_EMPTY', `${printable(source)} holds no files; nothing was stored`, {
      hint: 'name the directory that the model was written to',
    });
  }
  if (emptyDirectories === 0) return;
  const what = emptyDirectories === 1 ? '1 empty directory is' : `${emptyDirectories} empty directories are`;
  warn(`${printable(source)}: ${what} not kept; put a file in what has to be there`);
}

interface Attempt {
  parts: ArtifactParts;
  tree: SourceTree;
  index: BlobIndex;
  reuse: (entry: SourceEntry) => ManifestFile | undefined;
  clock: number | undefined;
}

async function attemptStore(attempt: Attempt, options: StoreOptions): Promise<StoredArtifact> {
  const { parts, tree, index, reuse, clock } = attempt;
  const batch = clock === undefined ? undefined : parts.objects.batch();
  const thread = tree.totalBytes >= WORTH_A_THREAD ? new HashThread() : undefined;
  const writer = new PackWriter(batch, thread);
  const sink = new StoringSink({ index, writer, reader: new BlobReader(parts.objects, index) });
  const onProgress = progressOf(tree, options);
  try {
    const files = await ingest(tree, { sink, reuse, onProgress, thread, signal: options.signal });
    const manifest: Manifest = { kind: tree.kind, files };
    const bytes = encodeManifest(manifest);
    const name = await sha256HexInPool(bytes);
    await writer.finish();
    await batch?.commit();
    let packs: SegmentPack[] = [];
    if (clock !== undefined) {
      index.add(writer.tables);
      index.save();
      await putManifest(parts, name, bytes);
      packs = packsOf(index, sink.ids);
      remember(parts.files, tree, { clock, manifest: name, blobs: sink.ids.size, packs });
    }
    return {
      digest: digestOf(name),
      manifest,
      size: tree.totalBytes,
      files: files.length,
      blobs: sink.counts,
      isStillThere: async () =>
        clock === undefined || (await objectsAreThere(parts.objects, { manifest: name, packs })),
    };
  } catch (error) {
    await writer.settle();
    await batch?.abort();
    throw error;
  } finally {
    await thread?.close();
  }
}

/** Called only when every blob of the manifest is durable. */
export async function putManifest(
  { objects, warn }: ArtifactParts,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const batch = objects.batch();
  try {
    const outcome = await batch.put({ kind: 'manifests', name }, bytes);
    await batch.commit();
    if (outcome === 'replaced') {
      warn(`the manifest ${digestOf(name)} was damaged and is replaced; the bad one is in cache/quarantine`);
    }
  } catch (error) {
    await batch.abort();
    throw error;
  }
}

export function packsOf(index: BlobIndex, ids: Iterable<string>): SegmentPack[] {
  const packs = new Map<string, SegmentPack>();
  for (const id of ids) {
    const pack = index.find(id)?.pack;
    const size = pack === undefined ? undefined : index.packs.get(pack);
    if (pack !== undefined && size !== undefined) packs.set(pack, { name: pack, size });
  }
  return [...packs.values()];
}

export function progressOf(tree: SourceTree, options: StoreOptions): (bytes: number, files: number) => void {
  return (bytes, files) => options.onProgress?.({ bytes, files, totalBytes: tree.totalBytes });
}

/** The result for an unchanged source. The manifest is parsed when somebody looks at it, which most callers never do. */
async function storedBefore(objects: ObjectStore, index: StatIndex): Promise<StoredArtifact> {
  const digest = digestOf(index.manifest);
  const bytes = await objects.get({ kind: 'manifests', name: index.manifest });
  let manifest: Manifest | undefined;
  return {
    digest,
    get manifest() {
      manifest ??= decodeManifest(bytes, `manifest ${digest}`);
      return manifest;
    },
    size: index.size,
    files: index.racy.length,
    blobs: { total: index.blobs, new: 0, newBytes: 0, storedBytes: 0 },
    isStillThere: () => objectsAreThere(objects, index),
  };
}

/** Says how much room there is and how much may be needed, when the disk was full. */
async function withSpace(error: unknown, tree: SourceTree): Promise<unknown> {
  if (!(error instanceof MlopsError) || error.code !== 'DISK_FULL') return error;
  const path = error.message.split(': ', 1)[0] ?? '';
  const free = await freeBytes(dirname(path));
  const room = free === undefined ? '' : `; ${free} bytes are free, up to ${tree.totalBytes} may be needed`;
  return new LocalIoError('DISK_FULL', `${error.message}${room}`, {
    cause: error,
    hint: 'free some space and run the same command again',
  });
}

/** Undefined where the file system does not say. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
