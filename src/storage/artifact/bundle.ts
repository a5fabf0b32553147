import { IntegrityError, UsageError } from '../../errors.ts';
import type { BundleSink, ImportedObjects } from '../artifact-store.ts';
import type { PackTable } from '../blob-segment.ts';
import { decodeBlob, encodeBlob } from '../compression.ts';
import { hexOf, isSha256Hex, sha256HexInPool } from '../digest.ts';
import { decodeManifest, type Manifest } from '../manifest.ts';
import { alteredBytes } from '../object-errors.ts';
import type { ObjectBatch, ObjectKey, ObjectKind, PutOutcome } from '../object-store.ts';
import { decodePack, MAX_PACK } from '../pack.ts';
import { BlobReader } from './blob-reader.ts';
import { PackWriter } from './pack-writer.ts';
import { distinctBlobs, loadIndex, readManifest, type ArtifactParts } from './parts.ts';

/** See `ArtifactStore.exportObjects`. The same artifact gives the same packs, whatever packs it is stored in. */
export async function exportObjects(parts: ArtifactParts, digest: string, sink: BundleSink): Promise<void> {
  const { manifest, bytes } = await readManifest(parts.objects, digest);
  const reader = new BlobReader(parts.objects, await loadIndex(parts));
  await sink.add(`manifests/${hexOf(digest)}`, bytes);
  const writer = new PackWriter(new SinkBatch(sink));
  for (const id of distinctBlobs(manifest)) {
    const blob = await reader.read(id);
    writer.add({ id, length: blob.length }, await encodeBlob(blob));
    if (writer.busy) await writer.ready();
  }
  await writer.finish();
}

/** Lets a pack writer write into a bundle, one object after another. */
class SinkBatch implements ObjectBatch {
  readonly #sink: BundleSink;
  #last: Promise<void> = Promise.resolve();

  constructor(sink: BundleSink) {
    this.#sink = sink;
  }

  async put(key: ObjectKey, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome> {
    if ((await this.store(key.kind, bytes)) !== key.name) throw alteredBytes(key);
    return 'stored';
  }

  async store(kind: ObjectKind, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const name = await sha256HexInPool(bytes);
    // A copy, because a bundle may keep the bytes and the pack writer uses its memory again.
    const turn = this.#last.then(() => this.#sink.add(`${kind}/${name}`, new Uint8Array(bytes)));
    this.#last = turn.catch(() => undefined);
    await turn;
    return name;
  }

  commit(): Promise<void> {
    return this.#last;
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }
}

/** See `ArtifactStore.importObjects`. */
export class BundleImport implements ImportedObjects {
  readonly #parts: ArtifactParts;
  readonly #packs: ObjectBatch;
  readonly #tables: PackTable[] = [];
  readonly #manifests = new Map<string, Uint8Array>();

  constructor(parts: ArtifactParts) {
    this.#parts = parts;
    this.#packs = parts.objects.batch();
  }

  async add(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const key = objectKey(name);
    if ((await sha256HexInPool(bytes)) !== key.name) {
      throw new IntegrityError('BUNDLE_DAMAGED', `${name}: the bytes do not hash to the name`, {
        hint: 'get the bundle again; nothing of it was kept',
      });
    }
    if (key.kind === 'manifests') {
      decodeManifest(bytes, name);
      this.#manifests.set(key.name, bytes);
      return;
    }
    if (bytes.length > MAX_PACK) throw new IntegrityError('BUNDLE_DAMAGED', `${name}: the pack is too large`);
    const entries = decodePack(bytes, name);
    for (const entry of entries) {
      const blob = await decodeBlob(bytes.subarray(entry.offset, entry.offset + entry.storedLength), entry);
      if ((await sha256HexInPool(blob)) === entry.id) continue;
      throw new IntegrityError('BUNDLE_DAMAGED', `${name}: blob ${entry.id} does not hash to its id`);
    }
    await this.#packs.put(key, bytes);
    this.#tables.push({ name: key.name, size: bytes.length, entries });
  }

  async commit(
    digest: string,
    check?: (manifest: Manifest) => void,
    others: readonly string[] = [],
  ): Promise<Manifest> {
    const index = await loadIndex(this.#parts);
    const imported = new Set(this.#tables.flatMap(({ entries }) => entries.map(({ id }) => id)));
    const isHere = (id: string): boolean => imported.has(id) || index.find(id) !== undefined;
    const manifest = await this.#complete(digest, isHere);
    for (const other of others) await this.#complete(other, isHere);
    check?.(manifest);
    await this.#packs.commit();
    index.add(this.#tables);
    index.save();
    for (const each of new Set([digest, ...others])) await this.#commitManifest(hexOf(each));
    return manifest;
  }

  /** The manifest, if all its blobs are among the imported and the stored objects. */
  async #complete(digest: string, isHere: (blob: string) => boolean): Promise<Manifest> {
    const bytes = this.#manifests.get(hexOf(digest));
    const manifest =
      bytes === undefined
        ? (await readManifest(this.#parts.objects, digest)).manifest
        : decodeManifest(bytes, `manifest ${digest}`);
    for (const id of distinctBlobs(manifest)) {
      if (isHere(id)) continue;
      throw new IntegrityError(
        'BUNDLE_INCOMPLETE',
        `blob ${id} of ${digest} is neither in the bundle nor here`,
        {
          hint: 'get the bundle again; nothing of it was kept',
        },
      );
    }
    return manifest;
  }

  async abort(): Promise<void> {
    this.#manifests.clear();
    await this.#packs.abort();
  }

  async #commitManifest(name: string): Promise<void> {
    const bytes = this.#manifests.get(name);
    if (bytes === undefined) return;
    const batch = this.#parts.objects.batch();
    try {
      await batch.put({ kind: 'manifests', name }, bytes);
      await batch.commit();
    } catch (error) {
      await batch.abort();
      throw error;
    }
  }
}

function objectKey(name: string): ObjectKey {
  const [kind, hex, ...rest] = name.split('/');
  if (isKind(kind) && hex !== undefined && rest.length === 0 && isSha256Hex(hex)) return { kind, name: hex };
  throw new UsageError(
    'BUNDLE_INVALID',
    `${JSON.stringify(name.slice(0, 100))} does not belong into a bundle`,
  );
}

function isKind(text: string | undefined): text is ObjectKind {
  return text === 'packs' || text === 'manifests';
}
