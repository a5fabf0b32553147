import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, MlopsError } from '../errors.ts';
import type {
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
} from './object-store.ts';

export interface RetryOptions {
  /** Attempts in all; default 5. */
  attempts?: number;
  /** Longest first pause in milliseconds, doubled each time; default 200. */
  firstDelay?: number;
  /** Longest pause in milliseconds; default 10,000. */
  maxDelay?: number;
  sleep?: (milliseconds: number) => Promise<void>;
  /** Between 0 and 1. */
  random?: () => number;
}

const TRANSIENT = new Set([
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'ETIMEDOUT',
  'ECONNRESET',
  'EPIPE',
  'ECONNREFUSED',
  'ENETUNREACH',
]);

/** True for failures that may go away by themselves; never for missing, damaged or forbidden things. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof MlopsError) return error.retryable;
  const errno = errnoOf(error);
  return errno !== undefined && TRANSIENT.has(errno);
}

/**
 * Repeats calls that failed for a reason that may pass, with pauses drawn between zero and a bound that doubles ("full
 * jitter"), so that many clients do not come back together. `abort` is not repeated: it never fails.
 */
export class RetryingObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #options: Required<RetryOptions>;

  constructor(store: ObjectStore, options: RetryOptions = {}) {
    this.#store = store;
    this.#options = {
      attempts: options.attempts ?? 5,
      firstDelay: options.firstDelay ?? 200,
      maxDelay: options.maxDelay ?? 10_000,
      sleep: options.sleep ?? ((milliseconds) => delay(milliseconds)),
      random: options.random ?? Math.random,
    };
  }

  batch(): ObjectBatch {
    const batch = this.#store.batch();
    return {
      put: (key, bytes) => this.#retry(() => batch.put(key, bytes)),
      store: (kind, bytes, hash) => this.#retry(() => batch.store(kind, bytes, hash)),
      commit: () => this.#retry(() => batch.commit()),
      abort: () => batch.abort(),
    };
  }

  get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    return this.#retry(() => this.#store.get(key, range));
  }

  stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    return this.#retry(() => this.#store.stat(key));
  }

  /** A listing is taken as a whole: one that broke off in the middle is started again, and nothing is given out twice. */
  async *list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo> {
    yield* await this.#retry(async () => {
      const found: ObjectInfo[] = [];
      for await (const info of this.#store.list(kind, prefix)) found.push(info);
      return found;
    });
  }

  delete(key: ObjectKey): Promise<boolean> {
    return this.#retry(() => this.#store.delete(key));
  }

  quarantine(key: ObjectKey, reason: string): Promise<string> {
    return this.#retry(() => this.#store.quarantine(key, reason));
  }

  async #retry<Result>(action: () => Promise<Result>): Promise<Result> {
    const { attempts, firstDelay, maxDelay, sleep, random } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await action();
      } catch (error) {
        if (attempt >= attempts || !isRetryable(error)) throw error;
        await sleep(random() * Math.min(maxDelay, firstDelay * 2 ** (attempt - 1)));
      }
    }
  }
}
