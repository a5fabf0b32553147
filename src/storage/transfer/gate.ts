import { assertNotAborted } from '../artifact/walk.ts';
import type { ObjectStore } from '../object-store.ts';
import { isRetryable } from '../retrying.ts';

export const DEFAULT_JOBS = 16;
/** Bytes of objects in memory at once. Each is copied once more on the way, to be hashed on another core. */
const MAX_BYTES_IN_FLIGHT = 40 * 1024 * 1024;

/**
 * Lets as many requests run at once as the remote and the memory of this machine stand: the number is halved when the remote asks
 * for less or does not answer in time, and grows by one each time as many requests as are allowed have succeeded.
 */
export class TransferGate {
  readonly #jobs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: { bytes: number; start: () => void }[] = [];
  #allowed: number;
  #running = 0;
  #bytes = 0;
  #stopped: { error: unknown } | undefined;
  /** One burst of refusals counts once: until something succeeds again, no more is taken off. */
  #slowed = false;

  constructor(
    { jobs = DEFAULT_JOBS, signal }: { jobs?: number | undefined; signal?: AbortSignal | undefined },
    remote?: ObjectStore,
  ) {
    // A remote repeats failed requests by itself; what it was refused says that it was asked for too much.
    if (remote !== undefined) remote.onRetry = () => this.#slowDown();
    this.#jobs = jobs;
    this.#allowed = jobs;
    this.#signal = signal;
  }

  /** Requests that may run at once now. */
  get allowed(): number {
    return Math.max(1, Math.floor(this.#allowed));
  }

  /** Nothing more is started: what waits, and what comes, fails with this error. */
  stop(error: unknown): void {
    this.#stopped ??= { error };
  }

  /**
   * Runs the action in its turn.
   * @param bytes that it will hold in memory, until it ends or calls `release`
   * @throws InterruptedError instead of starting when the signal was given; what `stop` was told
   */
  async run<Result>(bytes: number, action: (release: () => void) => Promise<Result>): Promise<Result> {
    this.#assertGoing();
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((resolve) => this.#waiting.push({ bytes, start: resolve }));
    } else {
      this.#take(bytes);
    }
    let held = bytes;
    const release = (): void => {
      this.#bytes -= held;
      held = 0;
      this.#startWaiting();
    };
    try {
      this.#assertGoing();
      const result = await action(release);
      this.#allowed = Math.min(this.#jobs, this.#allowed + 1 / this.allowed);
      this.#slowed = false;
      return result;
    } catch (error) {
      if (isRetryable(error)) this.#slowDown();
      throw error;
    } finally {
      this.#running -= 1;
      release();
    }
  }

  #assertGoing(): void {
    assertNotAborted(this.#signal);
    if (this.#stopped !== undefined) throw this.#stopped.error;
  }

  #fits(bytes: number): boolean {
    if (this.#running === 0) return true;
    return this.#running < this.allowed && this.#bytes + bytes <= MAX_BYTES_IN_FLIGHT;
  }

  #take(bytes: number): void {
    this.#running += 1;
    this.#bytes += bytes;
  }

  #startWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next.bytes);
      next.start();
    }
  }

  #slowDown(): void {
    if (this.#slowed) return;
    this.#slowed = true;
    this.#allowed = Math.max(1, this.#allowed / 2);
  }
}
