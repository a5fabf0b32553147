import type { ArtifactParts } from '../artifact/parts.ts';
import type {
  ArtifactTransfer,
  FetchOptions,
  PushOptions,
  RemoteState,
  TransferOptions,
  Transferred,
  VerifiedRemote,
  VerifyRemoteOptions,
} from '../artifact-transfer.ts';
import type { ObjectStore } from '../object-store.ts';

/** Artifacts moved between two object stores; see `ArtifactTransfer`. */
export class ObjectTransfer implements ArtifactTransfer {
  readonly parts: ArtifactParts;
  readonly remote: ObjectStore;

  constructor(parts: ArtifactParts, remote: ObjectStore) {
    this.parts = parts;
    this.remote = remote;
  }

  push(_digests: readonly string[], _options?: PushOptions): Promise<Transferred> {
    return Promise.reject(new Error('not written yet'));
  }

  fetch(_digests: readonly string[], _options?: FetchOptions): Promise<Transferred> {
    return Promise.reject(new Error('not written yet'));
  }

  inspect(_digests: readonly string[], _options?: TransferOptions): Promise<readonly RemoteState[]> {
    return Promise.reject(new Error('not written yet'));
  }

  verify(_digests: readonly string[], _options?: VerifyRemoteOptions): Promise<VerifiedRemote> {
    return Promise.reject(new Error('not written yet'));
  }
}
