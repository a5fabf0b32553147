import type { ArtifactTransfer } from './artifact-transfer.ts';
import type { GarbageCollector, RemoteGarbageCollector } from './garbage.ts';
import type { Manifest, ManifestFile } from './manifest.ts';
import type { ObjectStore } from './object-store.ts';

/** What `store` did. Sizes are bytes. */
export interface StoredArtifact {
  /** `sha256:<64 hex>` of the manifest. */
  digest: string;
  manifest: Manifest;
  /** Sum of the files' sizes. */
  size: number;
  files: number;
  blobs: {
    total: number;
    /** Blobs that were not in the store before. */
    new: number;
    newBytes: number;
    /** Bytes the new blobs take on disk, after compression. */
    storedBytes: number;
  };
  /**
   * Whether the manifest and the packs that hold its blobs are still there. To be asked under the lock, right before something
   * refers to the artifact: until then `mlops gc` may remove objects that were there already when the source was read.
   */
  isStillThere(): Promise<boolean>;
}

export interface StoreProgress {
  /** Called often and cheaply; bytes of source read (or skipped as unchanged) so far, and the total once it is known. */
  onProgress?(done: { bytes: number; totalBytes: number | undefined; files: number }): void;
}

export interface StoreOptions extends StoreProgress {
  /** Store names that collide on a case-folding or normalising file system; default refuses (exit 4). */
  allowCollisions?: boolean;
  /** Compute everything, write nothing. */
  dryRun?: boolean;
  /** The caller made the source itself, in `.mlops/tmp`; otherwise nothing in `.mlops` is stored. */
  isOwn?: boolean;
  signal?: AbortSignal;
}

export interface RestoreOptions extends StoreProgress {
  /** Which files of a directory artifact; default all. Paths are manifest paths. */
  include?: (path: string) => boolean;
  /** Replace an existing different target; default refuses (exit 5). */
  force?: boolean;
  signal?: AbortSignal;
}

/** What a file or directory holds now. */
export interface ExaminedSource {
  /** `sha256:<64 hex>` that `store` would give it. */
  digest: string;
  kind: 'file' | 'directory';
  /** Bytes of its files. */
  size: number;
  files: number;
  /** True when this very artifact is here already, manifest and all blobs; proves presence, not content. */
  stored: boolean;
  /** Its files, as `store` would list them. */
  manifest(): Promise<Manifest>;
}

export interface UpdateOptions extends StoreProgress {
  /** Overwrite and remove what is saved nowhere; default refuses (exit 5). */
  force?: boolean;
  signal?: AbortSignal;
}

/** What `update` did. */
export interface UpdatedTarget {
  outcome: 'restored' | 'unchanged';
  /** Files written, those among them that were cloned or copied from elsewhere in the target, and files removed. */
  written: number;
  cloned: number;
  removed: number;
  /** Bytes of the files written. */
  bytes: number;
}

/** A layout is on a remote only. */
export type DamageKind = 'manifest' | 'pack' | 'blob' | 'layout';

/** One thing found wrong with stored bytes. */
export interface StorageDamage {
  kind: DamageKind;
  /** Relative to `.mlops`. */
  path: string;
  digest: string;
  problem: string;
}

export interface VerifyObjectsOptions extends StoreProgress {
  /** Hash every pack and blob; default looks at presence, size and table of contents. Manifests are always hashed. */
  deep?: boolean;
  /** Hash only these packs; a predicate on the pack's name, so that samples are repeatable and partitions are exact. */
  sample?: (packName: string) => boolean;
  /** Look at the manifests given and the packs that hold their blobs, and at nothing else in the store. */
  only?: boolean;
  signal?: AbortSignal;
}

export interface VerifiedObjects {
  checked: { manifests: number; packs: number; blobs: number; bytes: number };
  damage: StorageDamage[];
}

export interface BundleSink {
  /** `name` is `manifests/<hex>` or `packs/<hex>`. */
  add(name: string, bytes: Uint8Array): Promise<void>;
}

/** Artifacts as wholes: files in, digest out, and back again byte for byte. */
export interface ArtifactStore {
  /**
   * Reads a file or directory and makes it durable. Nothing refers to what it wrote, so a failure leaves only garbage.
   * @throws UsageError `SOURCE_MISSING`; RefusedError `UNSAFE_ENTRY` naming a symbolic link, socket, device or FIFO,
   * `NAME_COLLISION`; IntegrityError `SOURCE_CHANGED` when the source changed while it was read
   */
  store(source: string, options?: StoreOptions): Promise<StoredArtifact>;

  /**
   * Stores what arrives as a file artifact, and makes it durable when it ends; what throws from the source ends it, with nothing kept.
   * Damaged copies of what is sent are moved to quarantine and replaced.
   * @throws LocalIoError; whatever the source throws
   */
  storeStream(source: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal }): Promise<StoredArtifact>;

  /**
   * A directory artifact of files whose blobs are all here, or a file artifact of the only one where its path is empty; nothing but the
   * manifest is written.
   * @throws IntegrityError `OBJECT_MISSING`; RefusedError `UNSAFE_PATH`, `NAME_COLLISION` for paths that can't be side by side;
   * UsageError `SOURCE_EMPTY`
   */
  compose(files: readonly ManifestFile[]): Promise<StoredArtifact>;

  /**
   * The bytes of a stored file in order. Each piece is proved by its hash, the whole at the end: what came before an error is no file.
   * @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED`
   */
  readFile(file: ManifestFile, options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array>;

  /** Digest, size and file count of a source without storing it; leans on the stat index. */
  digest(source: string, options?: StoreOptions): Promise<{ digest: string; size: number; files: number }>;

  /** As `digest`, and whether it is stored. Writes nothing but the stat index. @throws as `store` */
  examine(source: string, options?: StoreOptions): Promise<ExaminedSource>;

  /** @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED`, or RefusedError `UNSAFE_PATH` for a manifest that names one */
  manifest(digest: string): Promise<Manifest>;

  /** True when the manifest is here and a pack of the right size holds each of its blobs; proves presence, not content. */
  present(digest: string): Promise<boolean>;

  /**
   * Hashes every byte of one artifact.
   * @throws IntegrityError naming what is missing or damaged; damaged packs are quarantined by `restore` and `repair` only
   */
  verifyArtifact(digest: string, options?: StoreProgress & { signal?: AbortSignal }): Promise<void>;

  /** Checks what `digests` need, plus every pack in the store unless `only`; damage is returned, not thrown. */
  verifyObjects(digests: readonly string[], options?: VerifyObjectsOptions): Promise<VerifiedObjects>;

  /** `sha256:` digests of manifests of which damaged bytes were moved away; a good one may have come since. @throws LocalIoError */
  quarantinedManifests(): ReadonlySet<string>;

  /**
   * Writes the artifact to `target`: a file for a file artifact, else a directory. Built beside the target and renamed, so
   * the target is never partly written. Resolves to `unchanged` when the target already holds exactly these bytes.
   * @throws ConflictError `TARGET_EXISTS`; IntegrityError as `manifest`, naming each file that can't be restored
   */
  restore(digest: string, target: string, options?: RestoreOptions): Promise<'restored' | 'unchanged'>;

  /**
   * Makes a path of the work tree hold the artifact, in place: files that are as they should be are not touched, every other
   * one appears complete or not at all, and a killed update is finished by the next one. A file that differs is overwritten or
   * removed only when its bytes are saved, that is, can be restored from this store: the stored copies are read and hashed.
   *
   * @param path relative to the store's root, with `/`
   * @throws ConflictError `LOCAL_CHANGES` naming files that are saved nowhere, or whose stored copy is damaged, before any file is touched;
   * IntegrityError `OBJECT_MISSING`, likewise; RefusedError `UNSAFE_PATH`, `UNSAFE_ENTRY` for links on the way or inside; LocalIoError
   */
  update(digest: string, path: string, options?: UpdateOptions): Promise<UpdatedTarget>;

  /** Writes the manifest and freshly built packs holding this artifact's blobs and nothing else, in that order. */
  exportObjects(digest: string, sink: BundleSink): Promise<void>;

  /**
   * Takes objects of a bundle; all become durable in `commit`. A pack whose blobs do not hash to their ids, or a manifest
   * whose blobs are in no pack, is an IntegrityError and nothing is kept.
   */
  importObjects(): ImportedObjects;

  /** Finds and removes what nothing needs. */
  garbage(): GarbageCollector;

  /** The same on a remote. */
  remoteGarbage(remote: ObjectStore): RemoteGarbageCollector;

  /** Pushes to and fetches from another place that keeps objects. */
  transfer(remote: ObjectStore): ArtifactTransfer;
}

export interface ImportedObjects extends BundleSink {
  /**
   * Verifies that `digest`, and each of the `others`, is complete among the imported and the stored objects, then makes all durable. What
   * `check` throws about the manifest of the first keeps anything from being stored.
   */
  commit(digest: string, check?: (manifest: Manifest) => void, others?: readonly string[]): Promise<Manifest>;
  abort(): Promise<void>;
}
