import { IntegrityError, MlopsError } from '../../errors.ts';
import type {
  StorageDamage,
  StoreProgress,
  VerifiedObjects,
  VerifyObjectsOptions,
} from '../artifact-store.ts';
import { readPackTable, type BlobIndex, type BlobLocation } from '../blob-index.ts';
import { digestOf, hexOf } from '../digest.ts';
import { inParallel } from '../in-parallel.ts';
import { BRING_BACK, objectPath } from '../object-errors.ts';
import type { ObjectInfo, ObjectKind, ObjectStore } from '../object-store.ts';
import { decodePack, MAX_PACK, type PackEntry } from '../pack.ts';
import { BlobReader } from './blob-reader.ts';
import { distinctBlobs, loadIndex, readManifest, sizeOf, type ArtifactParts } from './parts.ts';
import { PackHasher } from './pack-hasher.ts';
import { streamFile } from './stream-file.ts';
import { assertNotAborted } from './walk.ts';

/** While one pack a thread is hashed, the next ones are read. */
const PACKS_IN_FLIGHT = 4;

/** See `ArtifactStore.verifyArtifact`. */
export async function verifyArtifact(
  parts: ArtifactParts,
  digest: string,
  options: StoreProgress & { signal?: AbortSignal },
): Promise<void> {
  const { manifest } = await readManifest(parts.objects, digest);
  const reader = new BlobReader(parts.objects, await loadIndex(parts));
  const totalBytes = sizeOf(manifest);
  const problems: string[] = [];
  let bytes = 0;
  let code = 'OBJECT_MISSING';
  for (const [done, file] of manifest.files.entries()) {
    assertNotAborted(options.signal);
    try {
      await streamFile(file, { reader, signal: options.signal, write: () => undefined });
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      if (error.code !== 'OBJECT_MISSING') code = error.code;
      problems.push(`${file.path === '' ? 'the file' : JSON.stringify(file.path)}: ${error.message}`);
    }
    bytes += file.size;
    options.onProgress?.({ bytes, totalBytes, files: done + 1 });
  }
  if (problems.length === 0) return;
  const shown = problems.slice(0, 20).join('; ');
  throw new IntegrityError(
    code,
    `${problems.length} of ${manifest.files.length} files are not intact: ${shown}`,
    {
      hint: BRING_BACK,
    },
  );
}

/** See `ArtifactStore.present`. */
export async function isPresent(parts: ArtifactParts, digest: string): Promise<boolean> {
  try {
    const { manifest } = await readManifest(parts.objects, digest);
    const index = await loadIndex(parts);
    for (const id of distinctBlobs(manifest)) if (index.find(id) === undefined) return false;
    return true;
  } catch (error) {
    if (error instanceof IntegrityError && /^OBJECT_(?:MISSING|DAMAGED)$/.test(error.code)) return false;
    throw error;
  }
}

/** See `ArtifactStore.verifyObjects`. */
export async function verifyObjects(
  parts: ArtifactParts,
  digests: readonly string[],
  options: VerifyObjectsOptions,
): Promise<VerifiedObjects> {
  const result: VerifiedObjects = { checked: { manifests: 0, packs: 0, blobs: 0, bytes: 0 }, damage: [] };
  const index = await loadIndex({ ...parts, warn: () => undefined });
  const wanted = new Set(digests.map(hexOf));
  const manifests = new Set(wanted);
  if (options.only !== true) {
    for await (const { key } of parts.objects.list('manifests')) manifests.add(key.name);
  }
  const needed = new Set<string>();
  for (const name of manifests) {
    assertNotAborted(options.signal);
    const blobs = await verifyManifest({ parts, index, result }, name, wanted.has(name));
    for (const { pack } of blobs) needed.add(pack);
  }
  const all = await collect(parts.objects, 'packs');
  const packs = options.only === true ? all.filter(({ key }) => needed.has(key.name)) : all;
  const totalBytes = packs.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  const hasher = new PackHasher(options.deep === true ? totalBytes : 0);
  try {
    await inParallel(packs, PACKS_IN_FLIGHT, async (pack) => {
      assertNotAborted(options.signal);
      const deep = options.deep === true && (options.sample?.(pack.key.name) ?? true);
      await (deep
        ? verifyPackDeeply({ objects: parts.objects, hasher }, pack, result)
        : verifyPackTable(parts.objects, pack, result));
      bytes += pack.size;
      options.onProgress?.({ bytes, totalBytes, files: result.checked.packs });
    });
  } finally {
    await hasher.close();
  }
  return result;
}

interface Verification {
  parts: ArtifactParts;
  index: BlobIndex;
  result: VerifiedObjects;
}

/**
 * A manifest that nothing refers to may be garbage of a crash: its own bytes count, its blobs do not.
 * @returns where the blobs of a wanted manifest are, every copy of them
 */
async function verifyManifest(
  { parts, index, result }: Verification,
  name: string,
  wanted: boolean,
): Promise<BlobLocation[]> {
  const locations: BlobLocation[] = [];
  const path = `cache/${objectPath({ kind: 'manifests', name })}`;
  const report = (kind: StorageDamage['kind'], digest: string, problem: string): void => {
    result.damage.push({ kind, path, digest, problem });
  };
  try {
    const { manifest, bytes } = await readManifest(parts.objects, digestOf(name));
    result.checked.manifests += 1;
    result.checked.bytes += bytes.length;
    for (const id of wanted ? distinctBlobs(manifest) : []) {
      const found = index.findAll(id);
      if (found.length === 0) report('blob', digestOf(id), `blob ${id} is in no readable pack`);
      locations.push(...found);
    }
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    report('manifest', digestOf(name), error.message);
  }
  return locations;
}

async function verifyPackTable(
  objects: ObjectStore,
  pack: ObjectInfo,
  result: VerifiedObjects,
): Promise<void> {
  try {
    const entries = await readPackTable(objects, pack.key, pack.size);
    result.checked.packs += 1;
    result.checked.blobs += entries.length;
  } catch (error) {
    reportPack(pack, error, result);
  }
}

function reportPack({ key }: ObjectInfo, error: unknown, { damage }: VerifiedObjects): void {
  if (!(error instanceof MlopsError)) throw error;
  damage.push({
    kind: 'pack',
    path: `cache/${objectPath(key)}`,
    digest: digestOf(key.name),
    problem: error.message,
  });
}

/** Hashes the pack and every blob in it: a pack may be what its name says and still lie about its blobs. */
async function verifyPackDeeply(
  { objects, hasher }: { objects: ObjectStore; hasher: PackHasher },
  pack: ObjectInfo,
  result: VerifiedObjects,
): Promise<void> {
  const { key, size } = pack;
  const path = `cache/${objectPath(key)}`;
  try {
    const name = await hasher.withMemory(Math.min(size, MAX_PACK), async (into) => {
      const bytes = await objects.get(key, { offset: 0, length: size, into });
      result.checked.bytes += bytes.length;
      result.checked.packs += 1;
      const hashed = await hasher.hash(bytes, tableOf(pack, bytes, result));
      result.checked.blobs += hashed.blobs.length;
      for (const { id, problem } of hashed.blobs) {
        if (problem !== undefined) result.damage.push({ kind: 'blob', path, digest: digestOf(id), problem });
      }
      return hashed.name;
    });
    if (name === key.name) return;
    const problem = `${objectPath(key)} is damaged: its bytes do not hash to its name`;
    result.damage.push({ kind: 'pack', path, digest: digestOf(key.name), problem });
  } catch (error) {
    reportPack(pack, error, result);
  }
}

/** The table of contents; one that can't be read is reported, and the pack is hashed all the same. */
function tableOf(pack: ObjectInfo, bytes: Uint8Array, result: VerifiedObjects): PackEntry[] {
  try {
    return decodePack(bytes, objectPath(pack.key));
  } catch (error) {
    reportPack(pack, error, result);
    return [];
  }
}

async function collect(objects: ObjectStore, kind: ObjectKind): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of objects.list(kind)) found.push(info);
  return found.toSorted((first, second) => (first.key.name < second.key.name ? -1 : 1));
}
