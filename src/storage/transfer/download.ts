import { MlopsError } from '../../errors.ts';
import type { PackHasher } from '../artifact/pack-hasher.ts';
import type { BlobIndex } from '../blob-index.ts';
import { decodeBlob } from '../compression.ts';
import { sha256HexInPool } from '../digest.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import { decodePack, type PackEntry } from '../pack.ts';
import type { FetchedBlobs } from './blob-sink.ts';
import type { Stretch } from './fetch-plan.ts';

export interface DownloadParts {
  remote: ObjectStore;
  /** Of this clone. */
  objects: ObjectStore;
  index: BlobIndex;
  sink: FetchedBlobs;
  hasher: PackHasher;
}

export interface Downloaded {
  /** Blobs that are proved and here, or on their way into a pack of this clone. */
  ids: string[];
  /** Blobs that are not what the layout promised. */
  failed: string[];
  /** What is wrong with the object, with the bytes that came. */
  damage?: { problem: string; bytes: Uint8Array };
}

/**
 * Brings one stretch of a pack. `release` is called when its bytes are no longer in memory. A whole pack that hashes to its name, and whose blobs all hash to their ids, is kept as it is; of
 * anything else the good blobs are.
 *
 * @throws IntegrityError `OBJECT_MISSING` when the remote has no such pack; RemoteError; LocalIoError
 */
export async function download(
  parts: DownloadParts,
  stretch: Stretch,
  release: () => void,
): Promise<Downloaded> {
  const key: ObjectKey = { kind: 'packs', name: stretch.pack };
  const { offset, length, whole } = stretch;
  if (!whole) {
    const bytes = await parts.remote.get(key, { offset, length });
    return keepBlobs(parts, stretch, bytes as Uint8Array<ArrayBuffer>);
  }
  const kept = await parts.hasher.withMemory(length, async (into) => {
    const got = await parts.remote.get(key, { offset, length, into });
    // In memory that the hashing threads see, which is used again: else each of them would take a copy of each pack.
    if (got.buffer !== into.buffer) into.set(got);
    const bytes = into.subarray(0, got.length);
    const problem = await problemOfPack(parts.hasher, key, bytes);
    if (problem === undefined) return writePack(parts, stretch, bytes);
    const copy = Uint8Array.from(bytes);
    return { ...(await keepBlobs(parts, stretch, copy)), damage: { problem, bytes: copy } };
  });
  if (!('commit' in kept)) return kept;
  release();
  return kept.commit();
}

/** `commit` makes it durable, and needs its bytes no more. */
async function writePack(
  { objects, index }: DownloadParts,
  { pack: name, blobs }: Stretch,
  bytes: Uint8Array,
): Promise<{ commit: () => Promise<Downloaded> }> {
  const entries = decodePack(bytes, objectPath({ kind: 'packs', name }));
  const size = bytes.length;
  const batch = objects.batch();
  const orAbort = async (step: () => Promise<unknown>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      await batch.abort();
      throw error;
    }
  };
  await orAbort(() => batch.store('packs', bytes, () => Promise.resolve(name)));
  const commit = async (): Promise<Downloaded> => {
    await orAbort(() => batch.commit());
    index.add([{ name, size, entries }]);
    const held = new Set(entries.map(({ id }) => id));
    const ids = blobs.map(({ id }) => id);
    return { ids: ids.filter((id) => held.has(id)), failed: ids.filter((id) => !held.has(id)) };
  };
  return { commit };
}

/** A pack may be what its name says and still lie about its blobs. */
async function problemOfPack(
  hasher: PackHasher,
  key: ObjectKey,
  bytes: Uint8Array,
): Promise<string | undefined> {
  let table: PackEntry[] = [];
  let problem: string | undefined;
  try {
    table = decodePack(bytes, objectPath(key));
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    problem = error.message;
  }
  const { name, blobs } = await hasher.hash(bytes, table);
  if (name !== key.name) return `${objectPath(key)} is damaged: its bytes do not hash to its name`;
  const bad = blobs.find((blob) => blob.problem !== undefined);
  return bad === undefined ? problem : `${objectPath(key)}: blob ${bad.id} in it: ${bad.problem}`;
}

async function keepBlobs(
  { sink }: DownloadParts,
  stretch: Stretch,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Downloaded> {
  const ids: string[] = [];
  const failed: string[] = [];
  for (const blob of stretch.blobs) {
    if (!(await isIntact(bytes, blob, stretch.offset))) {
      failed.push(blob.id);
      continue;
    }
    const start = blob.offset - stretch.offset;
    const stored = bytes.subarray(start, start + blob.storedLength);
    await sink.add(blob, { encoding: blob.encoding, stored });
    ids.push(blob.id);
  }
  if (failed.length === 0) return { ids, failed };
  const path = objectPath({ kind: 'packs', name: stretch.pack });
  const problem = `${path} is damaged: ${failed.length === 1 ? 'a blob' : `${failed.length} blobs`} in it do not hash to their ids`;
  return { ids, failed, damage: { problem, bytes } };
}

/** Whether the blob hashes to its id. @param start offset in the pack at which `bytes` begin */
export async function isIntact(
  bytes: Uint8Array<ArrayBuffer>,
  entry: PackEntry,
  start: number,
): Promise<boolean> {
  const at = entry.offset - start;
  try {
    const blob = await decodeBlob(bytes.subarray(at, at + entry.storedLength), entry);
    return (await sha256HexInPool(blob)) === entry.id;
  } catch (error) {
    if (error instanceof MlopsError) return false;
    throw error;
  }
}
