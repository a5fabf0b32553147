import type {
  BatchOptions,
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
} from '../../storage/object-store.ts';

/**
 * Lets no request through before somebody agreed: the first one asks, all others wait for that answer. What is refused fails with the
 * error of `ask`, and nothing was connected to nor any credentials looked up.
 */
export class AskFirstObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #ask: () => Promise<void>;
  #answer: Promise<void> | undefined;

  /** @param ask fails unless the person agrees; called once at most */
  constructor(store: ObjectStore, ask: () => Promise<void>) {
    this.#store = store;
    this.#ask = ask;
  }

  /** The person agreed already. */
  allow(): void {
    this.#answer = Promise.resolve();
  }

  set onRetry(listener: ((error: unknown) => void) | undefined) {
    this.#store.onRetry = listener;
  }

  get onRetry(): ((error: unknown) => void) | undefined {
    return this.#store.onRetry;
  }

  batch(options?: BatchOptions): ObjectBatch {
    const batch = this.#store.batch(options);
    return {
      put: (key, bytes) => this.#run(() => batch.put(key, bytes)),
      store: (kind, bytes, hash) => this.#run(() => batch.store(kind, bytes, hash)),
      commit: () => this.#run(() => batch.commit()),
      // Without an answer nothing was put, so there is nothing to take away.
      abort: () => batch.abort(),
    };
  }

  get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    return this.#run(() => this.#store.get(key, range));
  }

  stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    return this.#run(() => this.#store.stat(key));
  }

  async *list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo> {
    await this.#agreed();
    yield* this.#store.list(kind, prefix);
  }

  delete(key: ObjectKey): Promise<boolean> {
    return this.#run(() => this.#store.delete(key));
  }

  quarantine(key: ObjectKey, reason: string): Promise<string> {
    return this.#run(() => this.#store.quarantine(key, reason));
  }

  createOnly(): Promise<boolean> {
    return this.#run(async () => (await this.#store.createOnly?.()) ?? true);
  }

  #agreed(): Promise<void> {
    return (this.#answer ??= this.#ask());
  }

  async #run<Result>(request: () => Promise<Result>): Promise<Result> {
    await this.#agreed();
    return request();
  }
}
