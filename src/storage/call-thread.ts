import { threads } from '../lib/lazy-builtin.ts';
import type { Worker } from 'node:worker_threads';

interface Reply<Result> {
  call: number;
  result: Result;
}

/**
 * A thread that answers calls in the order in which they come. Its program is text, because a thread starts from a file of its
 * own, and this one has no other place in the bundle.
 */
export class CallThread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #count = 0;
  #failure: Error | undefined;

  /** @param program defines `answer`, which takes a message and returns the result */
  constructor(program: string) {
    const { Worker: WorkerThread } = threads();
    this.#worker = new WorkerThread(`${PROLOGUE}${program}`, { eval: true });
    // A command that is done ends without waiting for an idle thread.
    this.#worker.unref();
    this.#worker.on('message', ({ call, result }: Reply<unknown>) => {
      this.#calls.get(call)?.resolve(result);
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a thread ended early')));
  }

  /** @throws what the program threw, or that the thread is gone */
  call<Result>(message: Record<string, unknown>, transfer: ArrayBuffer[] = []): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const call = (this.#count += 1);
    return new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ call, ...message }, transfer);
    }) as Promise<Result>;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

const PROLOGUE = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', (message) => {
  parentPort.postMessage({ call: message.call, result: answer(message) });
});
`;
