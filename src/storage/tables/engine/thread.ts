// A thread that reads one table: the entry of a bundle of its own.
import { parentPort } from 'node:worker_threads';
import { LocalEngine } from './local-engine.ts';
import type { TableEngine } from './engine.ts';
import { memoryOf, packError, type ThreadAnswer, type ThreadCall } from './thread-messages.ts';

/** Milliseconds between two reports of progress. */
const PROGRESS_EVERY = 100;

const engine = new LocalEngine();
const running = new Map<number, AbortController>();
const port = parentPort;
if (port === null) throw new Error('this file is run by a thread only');

const answer = (message: ThreadAnswer, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...transfer]);

port.on('message', (message: ThreadCall) => {
  const { call } = message;
  if ('abort' in message) {
    running.get(call)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(call, controller);
  perform(message.method, message.request, { progress: reporter(call), signal: controller.signal })
    .then(
      (result) => answer({ call, result }, [...memoryOf(result)]),
      (error: unknown) => answer({ call, error: packError(error) }),
    )
    .finally(() => running.delete(call));
});

function reporter(call: number): (rows: number) => void {
  let reported = performance.now();
  return (rows) => {
    if (performance.now() - reported < PROGRESS_EVERY) return;
    reported = performance.now();
    answer({ call, progress: rows });
  };
}

/** Requests come from {@link ThreadEngine}, where the compiler has seen their types. */
async function perform(method: keyof TableEngine, request: unknown, watch: unknown): Promise<unknown> {
  const run = engine[method].bind(engine) as (request: unknown, watch: unknown) => Promise<unknown>;
  return run(request, watch);
}
