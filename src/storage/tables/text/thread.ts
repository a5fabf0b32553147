// A thread that reads one table: the entry of a bundle of its own.
import { parentPort } from 'node:worker_threads';
import { LocalTextEngine } from './text-engine.ts';
import { memoryOf, packError, type ThreadAnswer, type ThreadCall } from './thread-messages.ts';

/** Milliseconds between two reports of progress. */
const PROGRESS_EVERY = 100;

const engine = new LocalTextEngine();
const port = parentPort;
if (port === null) throw new Error('this file is run by a thread only');

port.on('message', ({ call, method, request }: ThreadCall) => {
  const answer = (message: ThreadAnswer, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...transfer]);
  let reported = performance.now();
  const progress = (rows: number): void => {
    if (performance.now() - reported < PROGRESS_EVERY) return;
    reported = performance.now();
    answer({ call, progress: rows });
  };
  run(method, request, progress).then(
    (result) => answer({ call, result }, [...memoryOf(result)]),
    (error: unknown) => answer({ call, error: packError(error) }),
  );
});

/** The requests were made by {@link ThreadTextEngine}, which has their types checked. */
async function run(
  method: ThreadCall['method'],
  request: unknown,
  progress: (rows: number) => void,
): Promise<unknown> {
  const perform = engine[method].bind(engine) as (request: unknown, watch: unknown) => Promise<unknown>;
  return perform(request, { progress });
}
