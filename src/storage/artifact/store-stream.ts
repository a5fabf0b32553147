import { createHash } from 'node:crypto';
import type { StoredArtifact } from '../artifact-store.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { SegmentPack } from '../blob-segment.ts';
import { MAX_CHUNK, nextCut } from '../chunker.ts';
import { encodeBlob } from '../compression.ts';
import { digestOf, sha256HexInPool } from '../digest.ts';
import { encodeManifest, type Manifest } from '../manifest.ts';
import { BlobReader, type DamagedPack } from './blob-reader.ts';
import { PackWriter } from './pack-writer.ts';
import { loadIndex, type ArtifactParts } from './parts.ts';
import { objectsAreThere } from './remembered.ts';
import { quarantinePack } from './salvage.ts';
import { packsOf, putManifest } from './store-artifact.ts';
import { assertNotAborted } from './walk.ts';

/** Blobs being hashed and compressed while the next bytes arrive; each is a slice of what arrived. */
const BLOBS_IN_FLIGHT = 4;

/** See `ArtifactStore.storeStream`. */
export async function storeStream(
  parts: ArtifactParts,
  source: AsyncIterable<Uint8Array>,
  { signal }: { signal?: AbortSignal },
): Promise<StoredArtifact> {
  parts.probe();
  const index = await loadIndex(parts);
  const batch = parts.objects.batch();
  const writer = new PackWriter(batch);
  const sink = new StreamSink(parts, index, writer);
  try {
    const { size, sha256, blobs } = await cutStream(source, { sink, signal });
    await writer.finish();
    await batch.commit();
    index.add(writer.tables);
    index.save();
    const file = { path: '', size, executable: false, sha256, blobs };
    const manifest: Manifest = { kind: 'file', files: [file] };
    return await storeManifest(parts, { manifest, index, counts: sink.counts });
  } catch (error) {
    await sink.settle();
    await writer.settle();
    await batch.abort();
    throw error;
  }
}

/** Writes a manifest all of whose blobs are in packs of the index. */
export async function storeManifest(
  parts: ArtifactParts,
  artifact: { manifest: Manifest; index: BlobIndex; counts: StoredArtifact['blobs'] },
): Promise<StoredArtifact> {
  const { manifest, index, counts } = artifact;
  const bytes = encodeManifest(manifest);
  const name = await sha256HexInPool(bytes);
  await putManifest(parts, name, bytes);
  const packs: readonly SegmentPack[] = packsOf(index, new Set(manifest.files.flatMap(({ blobs }) => blobs)));
  return {
    digest: digestOf(name),
    manifest,
    size: manifest.files.reduce((sum, { size }) => sum + size, 0),
    files: manifest.files.length,
    blobs: counts,
    isStillThere: () => objectsAreThere(parts.objects, { manifest: name, packs: [...packs] }),
  };
}

/** Takes the blobs of one stream; what can't be read twice must not have to start again over a damaged pack. */
class StreamSink {
  readonly #parts: ArtifactParts;
  readonly #index: BlobIndex;
  readonly #writer: PackWriter;
  readonly #seen = new Set<string>();
  readonly #flights = new Set<Promise<unknown>>();
  /** Quarantine moves packs that another blob may be compared with: one at a time. */
  #repair: Promise<unknown> = Promise.resolve();
  #new = 0;
  #newBytes = 0;

  constructor(parts: ArtifactParts, index: BlobIndex, writer: PackWriter) {
    this.#parts = parts;
    this.#index = index;
    this.#writer = writer;
  }

  get counts(): StoredArtifact['blobs'] {
    const { storedBytes } = this.#writer;
    return { total: this.#seen.size, new: this.#new, newBytes: this.#newBytes, storedBytes };
  }

  /** Resolves when there is room for the next blob, to the promise of the id, wrapped so that it is not awaited by accident. */
  async add(bytes: Uint8Array): Promise<[id: Promise<string>]> {
    while (this.#flights.size >= BLOBS_IN_FLIGHT) await Promise.race(this.#flights);
    const id = this.#take(bytes);
    const flight = id.then(
      () => undefined,
      () => undefined,
    );
    this.#flights.add(flight);
    void flight.then(() => this.#flights.delete(flight));
    return [id];
  }

  async settle(): Promise<void> {
    await Promise.all(this.#flights);
  }

  async #take(bytes: Uint8Array): Promise<string> {
    const id = await sha256HexInPool(bytes);
    if (this.#seen.has(id)) return id;
    this.#seen.add(id);
    if (await this.#isThere(id, bytes)) return id;
    this.#new += 1;
    this.#newBytes += bytes.length;
    this.#writer.add({ id, length: bytes.length }, await encodeBlob(bytes));
    await this.#writer.ready();
    return id;
  }

  /** Compares what the store has under this id with the bytes; a damaged copy is moved away. */
  async #isThere(id: string, bytes: Uint8Array): Promise<boolean> {
    for (;;) {
      const locations = this.#index.findAll(id);
      if (locations.length === 0) return false;
      const reader = new BlobReader(this.#parts.objects, this.#index);
      const damage = await reader.findDamage(locations, bytes);
      if (damage === undefined) return true;
      const repair = this.#afterRepair(damage);
      this.#repair = repair.catch(() => undefined);
      await repair;
    }
  }

  async #afterRepair(damage: DamagedPack): Promise<void> {
    await this.#repair;
    if (this.#index.packs.has(damage.pack)) await quarantinePack(this.#parts, this.#index, damage);
  }
}

async function cutStream(
  source: AsyncIterable<Uint8Array>,
  { sink, signal }: { sink: StreamSink; signal: AbortSignal | undefined },
): Promise<{ size: number; sha256: string; blobs: string[] }> {
  const whole = createHash('sha256');
  const ids: Promise<string>[] = [];
  let pieces: Uint8Array[] = [];
  let pending = 0;
  let size = 0;
  const cut = async (final: boolean): Promise<void> => {
    const [only] = pieces;
    const content = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, pending);
    let start = 0;
    while (start < content.length) {
      const end = nextCut(content, start, final);
      if (end === -1) break;
      const [id] = await sink.add(content.subarray(start, end));
      id.catch(() => undefined);
      ids.push(id);
      start = end;
    }
    pieces = start < content.length ? [content.subarray(start)] : [];
    pending = content.length - start;
  };
  for await (const bytes of source) {
    assertNotAborted(signal);
    if (bytes.length === 0) continue;
    whole.update(bytes);
    size += bytes.length;
    // A copy: whoever sends may use the memory again once the next piece is asked for.
    pieces.push(Buffer.from(bytes));
    pending += bytes.length;
    // Twice the longest chunk, so that what is left over is not copied for every chunk.
    if (pending >= 2 * MAX_CHUNK) await cut(false);
  }
  assertNotAborted(signal);
  await cut(true);
  return { size, sha256: whole.digest('hex'), blobs: await Promise.all(ids) };
}
