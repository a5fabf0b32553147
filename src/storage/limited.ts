import type {
  BatchOptions,
  HashFunction,
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
  PutOutcome,
} from './object-store.ts';

/** Lets at most `limit` calls of the store and of all its batches run at once; the others wait in order. */
export class LimitedObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #gate: Gate;

  constructor(store: ObjectStore, limit: number) {
    if (!Number.isInteger(limit) || limit < 1)
      throw new RangeError(`the limit must be at least 1, not ${limit}`);
    this.#store = store;
    this.#gate = new Gate(limit);
  }

  batch(options?: BatchOptions): ObjectBatch {
    const batch = this.#store.batch(options);
    return {
      put: (key: ObjectKey, bytes: Uint8Array): Promise<PutOutcome> =>
        this.#gate.run(() => batch.put(key, bytes)),
      store: (kind: ObjectKind, bytes: Uint8Array, hash?: HashFunction): Promise<string> =>
        this.#gate.run(() => batch.store(kind, bytes, hash)),
      commit: () => this.#gate.run(() => batch.commit()),
      // Cleaning up must not wait behind work that may never end.
      abort: () => batch.abort(),
    };
  }

  get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    return this.#gate.run(() => this.#store.get(key, range));
  }

  stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    return this.#gate.run(() => this.#store.stat(key));
  }

  /** Holds no place between items, because the consumer may call the store while it iterates. */
  async *list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo> {
    const items = this.#store.list(kind, prefix)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#gate.run(() => items.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await items.return?.();
    }
  }

  delete(key: ObjectKey): Promise<boolean> {
    return this.#gate.run(() => this.#store.delete(key));
  }

  quarantine(key: ObjectKey, reason: string): Promise<string> {
    return this.#gate.run(() => this.#store.quarantine(key, reason));
  }

  createOnly(): Promise<boolean> {
    return this.#gate.run(async () => (await this.#store.createOnly?.()) ?? true);
  }
}

class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<Result>(action: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await action();
    } finally {
      // The place goes to the next in line without becoming free, so that nobody can jump the queue.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
