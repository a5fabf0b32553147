import type {
  ArtifactStore,
  BundleSink,
  ExaminedSource,
  ImportedObjects,
  RestoreOptions,
  StoredArtifact,
  StoreOptions,
  StoreProgress,
  UpdatedTarget,
  UpdateOptions,
  VerifiedObjects,
  VerifyObjectsOptions,
} from '../artifact-store.ts';
import type { ArtifactTransfer } from '../artifact-transfer.ts';
import { digestOf } from '../digest.ts';
import type { GarbageCollector, RemoteGarbageCollector } from '../garbage.ts';
import type { Manifest, ManifestFile } from '../manifest.ts';
import type { ObjectStore } from '../object-store.ts';
import { RemoteCollector } from '../transfer/collect-remote.ts';
import { ObjectTransfer } from '../transfer/object-transfer.ts';
import { BlobReader } from './blob-reader.ts';
import { BundleImport, exportObjects } from './bundle.ts';
import { ObjectCollector } from './collect.ts';
import { composeArtifact } from './compose-artifact.ts';
import { examineSource } from './examine.ts';
import { loadIndex, readManifest, type ArtifactParts } from './parts.ts';
import { restoreArtifact } from './restore-artifact.ts';
import { storeArtifact } from './store-artifact.ts';
import { storeStream } from './store-stream.ts';
import { readFile } from './stream-file.ts';
import { updateTarget } from './update-target.ts';
import { isPresent, verifyArtifact, verifyObjects } from './verify-artifact.ts';

/** Artifacts kept as packs and manifests in any object store; sources and targets are on this machine. */
export class ObjectArtifactStore implements ArtifactStore {
  readonly #parts: ArtifactParts;

  constructor(parts: ArtifactParts) {
    this.#parts = parts;
  }

  store(source: string, options: StoreOptions = {}): Promise<StoredArtifact> {
    return storeArtifact(this.#parts, source, options);
  }

  storeStream(
    source: AsyncIterable<Uint8Array>,
    options: { signal?: AbortSignal } = {},
  ): Promise<StoredArtifact> {
    return storeStream(this.#parts, source, options);
  }

  compose(files: readonly ManifestFile[]): Promise<StoredArtifact> {
    return composeArtifact(this.#parts, files);
  }

  async *readFile(file: ManifestFile, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const reader = new BlobReader(this.#parts.objects, await loadIndex(this.#parts));
    yield* readFile(file, { reader, signal });
  }

  async digest(
    source: string,
    options: StoreOptions = {},
  ): Promise<{ digest: string; size: number; files: number }> {
    const { digest, size, files } = await examineSource(this.#parts, source, options);
    return { digest, size, files };
  }

  examine(source: string, options: StoreOptions = {}): Promise<ExaminedSource> {
    return examineSource(this.#parts, source, options);
  }

  async manifest(digest: string): Promise<Manifest> {
    return (await readManifest(this.#parts.objects, digest)).manifest;
  }

  present(digest: string): Promise<boolean> {
    return isPresent(this.#parts, digest);
  }

  verifyArtifact(digest: string, options: StoreProgress & { signal?: AbortSignal } = {}): Promise<void> {
    return verifyArtifact(this.#parts, digest, options);
  }

  verifyObjects(digests: readonly string[], options: VerifyObjectsOptions = {}): Promise<VerifiedObjects> {
    return verifyObjects(this.#parts, digests, options);
  }

  quarantinedManifests(): ReadonlySet<string> {
    const keys = this.#parts.quarantined?.() ?? [];
    return new Set(keys.filter(({ kind }) => kind === 'manifests').map(({ name }) => digestOf(name)));
  }

  restore(digest: string, target: string, options: RestoreOptions = {}): Promise<'restored' | 'unchanged'> {
    return restoreArtifact(this.#parts, digest, { ...options, target });
  }

  update(digest: string, path: string, options: UpdateOptions = {}): Promise<UpdatedTarget> {
    return updateTarget(this.#parts, digest, { ...options, path });
  }

  exportObjects(digest: string, sink: BundleSink): Promise<void> {
    return exportObjects(this.#parts, digest, sink);
  }

  importObjects(): ImportedObjects {
    return new BundleImport(this.#parts);
  }

  garbage(): GarbageCollector {
    return new ObjectCollector(this.#parts);
  }

  remoteGarbage(remote: ObjectStore): RemoteGarbageCollector {
    return new RemoteCollector(remote);
  }

  transfer(remote: ObjectStore): ArtifactTransfer {
    return new ObjectTransfer(this.#parts, remote);
  }
}
