/** What `survey` takes into account. */
export interface SurveyOptions {
  /** Objects younger than this, in milliseconds, are not touched, nor is what they need. */
  graceMs: number;
  signal?: AbortSignal;
  /** Called for each object that was looked at. */
  onProgress?(done: { objects: number }): void;
}

/** An object that nothing needs. */
export interface DeadObject {
  /** 64 hex digits. */
  readonly name: string;
  /** Bytes on disk. */
  readonly size: number;
}

/** A pack of which little is needed. */
export interface SparsePack extends DeadObject {
  /** Stored bytes of the blobs in it that are needed, and how many there are. */
  readonly neededBytes: number;
  readonly neededBlobs: number;
}

/** What could be removed. Sizes are bytes. */
export interface GarbagePlan {
  readonly manifests: readonly DeadObject[];
  /** No blob in them is needed. */
  readonly packs: readonly DeadObject[];
  /** More than half of the bytes in them are not needed: the others are copied first. */
  readonly sparse: readonly SparsePack[];
  /** Artifacts here that something needs, as `sha256:<64 hex>`, sorted. */
  readonly needed: readonly string[];
  /** Those that stay although nothing needs them, because they are young. */
  readonly young: readonly string[];
  readonly kept: { manifests: number; packs: number; bytes: number };
}

/** An object, or a blob in one. */
export interface LocatedObject {
  readonly kind: 'manifest' | 'pack' | 'blob';
  /** 64 hex digits. */
  readonly name: string;
  /** Bytes on disk; of a blob those in the first pack that holds it, and 0 when none does. */
  readonly size: number;
  /** Milliseconds since 1970, where the store knows it; of a blob that of its pack. */
  readonly modified: number | undefined;
  /** Packs that hold the blob; empty for anything else. */
  readonly packs: readonly string[];
  /** `sha256:` digests of the artifacts here that need it. */
  readonly artifacts: readonly string[];
}

/** What was removed and written. Sizes are bytes. */
export interface CollectedGarbage {
  manifests: number;
  packs: number;
  /** Sparse packs whose needed blobs are in other packs now. */
  repacked: number;
  bytes: number;
}

/**
 * Finds and removes objects that nothing needs, in three steps: look, copy what is still needed out of sparse packs, and, while
 * nobody else can add to what is needed, look again and remove. One collector is for one run: it remembers what it has read.
 */
export interface GarbageCollector {
  /**
   * The objects here whose name starts with these hexadecimal digits, and the artifacts here that need them. Reads every manifest.
   * @throws as `survey`
   */
  locate(prefix: string): Promise<LocatedObject[]>;
  /**
   * Reads every manifest that is needed or young and the table of every pack that is old. Writes nothing.
   * @param needed `sha256:` digests of artifacts
   * @throws LocalIoError when anything can't be listed or read; IntegrityError for a damaged manifest or pack, and
   * `MANIFEST_QUARANTINED` when one that is needed is known only to be damaged, so that nobody can tell which blobs it needs
   */
  survey(needed: ReadonlySet<string>, options: SurveyOptions): Promise<GarbagePlan>;
  /**
   * Copies what is needed out of sparse packs, each blob hashed, into packs that are durable and read back before it resolves. Only
   * adds; a failure leaves garbage.
   * @returns bytes written
   * @throws IntegrityError `OBJECT_DAMAGED` naming a sparse pack that is not what it was
   */
  copySparse(plan: GarbagePlan, options: { signal?: AbortSignal }): Promise<number>;
  /**
   * Removes manifests, then packs. Of sparse packs only those whose needed blobs were all found good elsewhere by `copySparse` in this
   * run, and are there.
   * @param options.assertAllowed called before each removal; what it throws ends it
   */
  remove(plan: GarbagePlan, options: { assertAllowed(): Promise<void> }): Promise<CollectedGarbage>;
}

/** What `RemoteGarbageCollector.survey` takes into account. */
export interface RemoteSurveyOptions extends SurveyOptions {
  /** `sha256:` digests of the artifacts that may be removed at all: other repositories may keep theirs at the same place. */
  own: ReadonlySet<string>;
}

/** What could be removed from a remote; objects whose age the remote does not tell count as young. Sizes are bytes. */
export interface RemoteGarbagePlan {
  /** Names as on the remote: those of layouts start with the digits of their manifest. */
  readonly layouts: readonly DeadObject[];
  readonly manifests: readonly DeadObject[];
  readonly packs: readonly DeadObject[];
  /**
   * Packs that would be less than half as large with only what layouts name, and that only layouts name which may be replaced: old,
   * complete, of artifacts that are needed and own.
   */
  readonly sparse: readonly SparsePack[];
  /** Artifacts there, as `sha256:<64 hex>`, that stay only because their layouts are young. */
  readonly young: readonly string[];
  /** Artifacts there that stay only because they are not among the own ones, sorted. */
  readonly foreign: readonly string[];
  readonly kept: { layouts: number; manifests: number; packs: number; bytes: number };
}

/** What was removed. Sizes are bytes. */
export interface CollectedRemoteGarbage extends CollectedGarbage {
  /** Without those that others took the place of. */
  layouts: number;
}

/**
 * As {@link GarbageCollector}, for a remote that other clones push to and that has no lock: what remains is looked at again between
 * the steps.
 */
export interface RemoteGarbageCollector {
  /**
   * Lists everything there and reads every layout that stays.
   * @throws RemoteError, IntegrityError when anything can't be listed or read
   */
  survey(needed: ReadonlySet<string>, options: RemoteSurveyOptions): Promise<RemoteGarbagePlan>;
  /**
   * Removes layouts, then manifests and packs that no layout names, also none that appeared since the survey. Then copies what is
   * needed out of sparse packs, each blob hashed, into packs that are read back; writes the layouts that name those; and only then
   * removes what they replace. Whatever ends it, every artifact that stays is as complete as before.
   *
   * @throws RemoteError; IntegrityError `REMOTE_OBJECT_MISSING` when a push at the same time relied on something that was removed;
   * `REMOTE_OBJECT_DAMAGED` naming the sparse packs that stay because they, or a layout that names them, are not what they were, when
   * everything else is done
   */
  remove(plan: RemoteGarbagePlan, options: { signal?: AbortSignal }): Promise<CollectedRemoteGarbage>;
}
