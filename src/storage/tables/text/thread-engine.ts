import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { threads } from '../../../lib/lazy-builtin.ts';
import type { TextEngine } from './text-engine.ts';
import type { Watch } from './text-table.ts';
import { unpackError, type ThreadAnswer, type ThreadCall } from './thread-messages.ts';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  progress: ((rows: number) => void) | undefined;
}

/** The program of the thread as the build leaves it beside this one; undefined where nothing was built. */
export function threadProgram(): string | undefined {
  const path = fileURLToPath(new URL('table-thread.cjs', import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** Reads in a thread of its own, so that two tables are read on two cores and what was read is compared meanwhile. */
export class ThreadTextEngine implements TextEngine {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #failure: Error | undefined;

  constructor(program: string) {
    this.#worker = new (threads().Worker)(program);
    // A command that is done ends without waiting for an idle thread.
    this.#worker.unref();
    this.#worker.on('message', (answer: ThreadAnswer) => this.#take(answer));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the thread that reads a table ended early')));
  }

  open(options: Parameters<TextEngine['open']>[0]): ReturnType<TextEngine['open']> {
    return this.#call('open', options);
  }

  evidence(options: Parameters<TextEngine['evidence']>[0]): ReturnType<TextEngine['evidence']> {
    return this.#call('evidence', options);
  }

  read(request: Parameters<TextEngine['read']>[0], watch: Watch): ReturnType<TextEngine['read']> {
    return this.#call('read', request, watch);
  }

  column(request: Parameters<TextEngine['column']>[0]): ReturnType<TextEngine['column']> {
    return this.#call('column', request);
  }

  sampleRows(
    request: Parameters<TextEngine['sampleRows']>[0],
    watch: Watch,
  ): ReturnType<TextEngine['sampleRows']> {
    return this.#call('sampleRows', request, watch);
  }

  async close(): Promise<void> {
    this.#fail(new Error('the table is closed'));
    await this.#worker.terminate();
  }

  async #call<Result>(
    method: ThreadCall['method'],
    request: unknown,
    { signal, progress }: Watch = {},
  ): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    const call = (this.#calls += 1);
    const result = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject, progress });
    });
    // The thread is busy and hears nothing until it is done.
    const abort = (): void => {
      this.#fail(signal?.reason);
      void this.#worker.terminate();
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#worker.ref();
    this.#worker.postMessage({ call, method, request } satisfies ThreadCall, []);
    try {
      return (await result) as Result;
    } finally {
      signal?.removeEventListener('abort', abort);
      if (this.#waiting.size === 0) this.#worker.unref();
    }
  }

  #take(answer: ThreadAnswer): void {
    const waiting = this.#waiting.get(answer.call);
    if (waiting === undefined) return;
    if ('progress' in answer) {
      waiting.progress?.(answer.progress);
      return;
    }
    this.#waiting.delete(answer.call);
    if ('error' in answer) waiting.reject(unpackError(answer.error));
    else waiting.resolve(answer.result);
  }

  #fail(reason: unknown): void {
    this.#failure ??= reason instanceof Error ? reason : new Error(String(reason));
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
