import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { threads } from '../../../lib/lazy-builtin.ts';
import type { TableEngine, Watch } from './engine.ts';
import { unpackError, type ThreadAnswer, type ThreadCall } from './thread-messages.ts';

/** Milliseconds that a thread has for ending what it does before it is ended. */
const GRACE = 2000;

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
export class ThreadEngine implements TableEngine {
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

  open(options: Parameters<TableEngine['open']>[0]): ReturnType<TableEngine['open']> {
    return this.#call('open', options);
  }

  evidence(options: Parameters<TableEngine['evidence']>[0]): ReturnType<TableEngine['evidence']> {
    return this.#call('evidence', options);
  }

  read(request: Parameters<TableEngine['read']>[0], watch: Watch): ReturnType<TableEngine['read']> {
    return this.#call('read', request, watch);
  }

  column(request: Parameters<TableEngine['column']>[0]): ReturnType<TableEngine['column']> {
    return this.#call('column', request);
  }

  sampleRows(
    ...[request, watch]: Parameters<TableEngine['sampleRows']>
  ): ReturnType<TableEngine['sampleRows']> {
    return this.#call('sampleRows', request, watch);
  }

  async close(): Promise<void> {
    for (const call of this.#waiting.keys()) this.#send({ call, abort: true });
    if (this.#failure === undefined) {
      const grace = AbortSignal.timeout(GRACE);
      const late = new Promise<void>((resolve) => {
        grace.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([this.#call('close', undefined).catch(() => undefined), late]);
    }
    this.#fail(new Error('the table is closed'));
    await this.#worker.terminate();
  }

  async #call<Result>(
    method: keyof TableEngine,
    request: unknown,
    { signal, progress }: Watch = {},
  ): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    const call = (this.#calls += 1);
    const result = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject, progress });
    });
    const abort = (): void => this.#send({ call, abort: true });
    signal?.addEventListener('abort', abort, { once: true });
    this.#worker.ref();
    this.#send({ call, method, request });
    try {
      return (await result) as Result;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      if (this.#waiting.size === 0) this.#worker.unref();
    }
  }

  #send(message: ThreadCall): void {
    this.#worker.postMessage(message, []);
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

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
