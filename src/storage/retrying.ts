import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, InterruptedError, MlopsError, RemoteError } from '../errors.ts';
import type {
  BatchOptions,
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

/** A remote that asks to be left alone for longer than this is given up on, as nobody would wait for it. */
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

/** True for failures that may go away by themselves; never for missing, damaged or forbidden things. */
export function isRetryable(error: unknown): boolean {
  // The command may be run again, but not by itself.
  if (error instanceof InterruptedError) return false;
  if (error instanceof MlopsError) return error.retryable;
  const errno = errnoOf(error);
  return errno !== undefined && TRANSIENT.has(errno);
}

/**
 * The one place that decides about another attempt: pauses are drawn between zero and a bound that doubles ("full jitter"), so that
 * many clients do not come back together, and are never shorter than what the remote asked for.
 */
export class Retrier {
  readonly #options: Required<RetryOptions>;
  /** Called before the pause. */
  onRetry: ((error: unknown) => void) | undefined;

  constructor(options: RetryOptions = {}) {
    this.#options = {
      attempts: options.attempts ?? 5,
      firstDelay: options.firstDelay ?? 200,
      maxDelay: options.maxDelay ?? 10_000,
      sleep: options.sleep ?? ((milliseconds) => delay(milliseconds)),
      random: options.random ?? Math.random,
    };
  }

  /** The last failure is thrown as it came; a `RemoteError` says how many attempts were made. */
  async run<Result>(action: () => Promise<Result>): Promise<Result> {
    const { attempts, firstDelay, maxDelay, sleep, random } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await action();
      } catch (error) {
        const asked = error instanceof RemoteError ? (error.retryAfterMs ?? 0) : 0;
        if (attempt >= attempts || !isRetryable(error) || asked > LONGEST_RETRY_AFTER_MS) {
          throw error instanceof RemoteError ? error.afterAttempts(attempt) : error;
        }
        this.onRetry?.(error);
        await sleep(Math.max(asked, random() * Math.min(maxDelay, firstDelay * 2 ** (attempt - 1))));
      }
    }
  }
}

/** Repeats calls that failed for a reason that may pass; see {@link Retrier}. `abort` is not repeated: it never fails. */
export class RetryingObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #retrier: Retrier;

  constructor(store: ObjectStore, options: RetryOptions = {}) {
    this.#store = store;
    this.#retrier = new Retrier(options);
  }

  set onRetry(listener: ((error: unknown) => void) | undefined) {
    this.#retrier.onRetry = listener;
  }

  get onRetry(): ((error: unknown) => void) | undefined {
    return this.#retrier.onRetry;
  }

  batch(options?: BatchOptions): ObjectBatch {
    const batch = this.#store.batch(options);
    return {
      put: (key, bytes) => this.#retrier.run(() => batch.put(key, bytes)),
      store: (kind, bytes, hash) => this.#retrier.run(() => batch.store(kind, bytes, hash)),
      commit: () => this.#retrier.run(() => batch.commit()),
      abort: () => batch.abort(),
    };
  }

  get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    return this.#retrier.run(() => this.#store.get(key, range));
  }

  stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    return this.#retrier.run(() => this.#store.stat(key));
  }

  /** A listing is taken as a whole: one that broke off in the middle is started again, and nothing is given out twice. */
  async *list(kind: ObjectKind, prefix?: string): AsyncIterable<ObjectInfo> {
    yield* await this.#retrier.run(async () => {
      const found: ObjectInfo[] = [];
      for await (const info of this.#store.list(kind, prefix)) found.push(info);
      return found;
    });
  }

  delete(key: ObjectKey): Promise<boolean> {
    return this.#retrier.run(() => this.#store.delete(key));
  }

  quarantine(key: ObjectKey, reason: string): Promise<string> {
    return this.#retrier.run(() => this.#store.quarantine(key, reason));
  }

  createOnly(): Promise<boolean> {
    return this.#retrier.run(async () => (await this.#store.createOnly?.()) ?? true);
  }
}
