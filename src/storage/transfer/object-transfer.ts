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

/** Artifacts moved between two object stores; see `ArtifactTransfer`. Each way is loaded when it is first gone. */
export class ObjectTransfer implements ArtifactTransfer {
  readonly #parts: ArtifactParts;
  readonly #remote: ObjectStore;

  constructor(parts: ArtifactParts, remote: ObjectStore) {
    this.#parts = parts;
    this.#remote = remote;
  }

  async push(digests: readonly string[], options: PushOptions = {}): Promise<Transferred> {
    const { push } = await import('./push.ts');
    return push({ parts: this.#parts, remote: this.#remote }, digests, options);
  }

  async fetch(digests: readonly string[], options: FetchOptions = {}): Promise<Transferred> {
    const { fetch } = await import('./fetch.ts');
    return fetch({ parts: this.#parts, remote: this.#remote }, digests, options);
  }

  async inspect(digests: readonly string[], options: TransferOptions = {}): Promise<readonly RemoteState[]> {
    const { inspect } = await import('./inspect.ts');
    return inspect(
      { local: this.#parts.objects, files: this.#parts.files, remote: this.#remote },
      digests,
      options,
    );
  }

  async verify(digests: readonly string[], options: VerifyRemoteOptions = {}): Promise<VerifiedRemote> {
    const { verifyRemote } = await import('./verify.ts');
    return verifyRemote({ remote: this.#remote }, digests, options);
  }
}
