import type { StorageDamage } from './artifact-store.ts';

export interface TransferProgress {
  /** Bytes moved so far and bytes to move in all; the total grows while it is being found out. */
  onProgress?(done: { bytes: number; totalBytes: number | undefined }): void;
}

export interface TransferOptions extends TransferProgress {
  /** Requests at once, at most; default 16. Fewer while the remote asks for it, or while more would not fit into memory. */
  jobs?: number;
  /** Ask the remote, say what would be moved, move nothing. */
  dryRun?: boolean;
  /** What messages call an artifact; default its digest. */
  nameOf?: (digest: string) => string;
  signal?: AbortSignal;
}

export interface PushOptions extends TransferOptions {
  /** Read back what the remote holds of these artifacts and replace what is damaged; default refuses it (exit 3). */
  repair?: boolean;
  /** Whether to pass over an artifact of which nothing is here and which the remote does not hold either; default refuses it (exit 3). */
  passOverAbsent?: (digest: string) => boolean;
  /** Artifacts that may share blobs with the given one, the likeliest first: what the remote holds of them is not sent again. */
  related?: (digest: string) => readonly string[];
}

/** What follows a fetch, in this order. */
export interface Restoring {
  /** `update`: paths of the work tree, as `ArtifactStore.update`; `copy`: the files of `include`, as `ArtifactStore.restore`. */
  how: 'update' | 'copy';
  /** Each path relative to the store's root, or for a copy absolute; `size` of all the files in bytes, as far as it is known. */
  targets: readonly { path: string; digest: string; size: number }[];
  /** As `UpdateOptions.force` and `RestoreOptions.force`. */
  force: boolean;
}

export interface FetchOptions extends TransferOptions {
  /** Nothing is downloaded unless there is room for these as well. */
  restoring?: Restoring;
  /** Only the blobs of these files, by manifest path; default all. */
  include?: (path: string) => boolean;
  /**
   * Also hash what is here, of these artifacts or of the whole store, and replace what is damaged; the damaged bytes are
   * quarantined.
   */
  repair?: 'artifacts' | 'everything';
}

/** Objects are packs, manifests and layouts (ranges of a pack that are asked for by themselves count as one); sizes are bytes. */
export interface Transferred {
  objects: { total: number; transferred: number; skipped: number };
  bytes: { total: number; transferred: number };
  /** `sha256:` digests of artifacts of which something had to be moved. */
  changed: readonly string[];
  /** Those that `passOverAbsent` passed over. */
  absent: readonly string[];
}

/** What a remote holds of one artifact, as it says itself at this moment. */
export interface RemoteState {
  digest: string;
  /**
   * `absent`: no layout. `complete`: a layout that fits the manifest was read there, and the manifest and every pack it names are
   * there in the right size. `damaged`: it is not, because of objects that are there and are wrong.
   */
  state: 'complete' | 'incomplete' | 'damaged' | 'absent';
  /** Objects that a layout promises and that are missing or wrong, and layouts that are wrong, as `packs/<aa>/<name>`. */
  missing: readonly string[];
}

export interface VerifyRemoteOptions extends TransferProgress {
  /** Read only these packs; a predicate on the pack's name. Presence and size are asked for all. */
  sample?: (packName: string) => boolean;
  jobs?: number;
  signal?: AbortSignal;
}

export interface VerifiedRemote {
  checked: { manifests: number; packs: number; blobs: number; bytes: number };
  /** `path` is relative to the remote's root. */
  damage: StorageDamage[];
}

/**
 * Moves artifacts between this clone and one remote. Order there: packs, manifest, layout (DESIGN S7), so that a layout proves that
 * what it names was there. Nothing is called present without asking the remote in the same call.
 */
export interface ArtifactTransfer {
  /**
   * Makes the artifacts complete on the remote.
   * @throws IntegrityError `OBJECT_MISSING` listing each artifact whose blobs are not all here (nothing of those is sent, the others
   * are), `REMOTE_OBJECT_DAMAGED` when the remote holds other bytes under a name and `repair` is off; RemoteError
   */
  push(digests: readonly string[], options?: PushOptions): Promise<Transferred>;
  /**
   * Brings what is missing here of the artifacts; every byte is hashed before it counts. What could be brought stays, also when
   * something else fails.
   * @throws IntegrityError `REMOTE_OBJECT_MISSING`, `REMOTE_OBJECT_DAMAGED` naming each artifact that stays incomplete;
   * RefusedError `UNSAFE_PATH` for a manifest that names one; LocalIoError `DISK_FULL` before anything is downloaded; RemoteError
   */
  fetch(digests: readonly string[], options?: FetchOptions): Promise<Transferred>;
  /** Asks the remote about each artifact: reads its layouts there, and asks for the presence and size of all they name. */
  inspect(digests: readonly string[], options?: TransferOptions): Promise<readonly RemoteState[]>;
  /** Reads and hashes what the remote holds of the artifacts; damage is returned, not thrown. */
  verify(digests: readonly string[], options?: VerifyRemoteOptions): Promise<VerifiedRemote>;
}
