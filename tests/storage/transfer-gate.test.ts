import { expect, test } from 'vitest';
import { RemoteError } from '../../src/errors.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import { RetryingObjectStore } from '../../src/storage/retrying.ts';
import { TransferGate } from '../../src/storage/transfer/gate.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { faulty } from './support/transfer-fixtures.ts';

const MIB = 1024 * 1024;

/** Requests that end when they are told to. */
function requests(gate: TransferGate): {
  start(bytes?: number): Promise<void>;
  running(): number;
  end(): Promise<void>;
} {
  const open: (() => void)[] = [];
  return {
    start: (bytes = 0) => gate.run(bytes, () => new Promise<void>((resolve) => open.push(resolve))),
    running: () => open.length,
    async end() {
      open.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('as many run at once as jobs are given, the others in order', async () => {
  const gate = new TransferGate({ jobs: 3 });
  const { start, running, end } = requests(gate);
  const all = Array.from({ length: 7 }, () => start());
  expect(running()).toBe(3);
  await end();
  expect(running()).toBe(3);
  while (running() > 0) await end();
  await Promise.all(all);
});

test('bytes in flight are bounded, and a request larger than the bound runs alone', async () => {
  const gate = new TransferGate({ jobs: 64 });
  const { start, running, end } = requests(gate);
  const all = [start(18 * MIB), start(18 * MIB), start(18 * MIB), start(500 * MIB), start(1)];
  expect(running()).toBe(2);
  await end();
  expect(running()).toBe(2);
  await end();
  expect(running()).toBe(1);
  await end();
  expect(running()).toBe(1);
  while (running() > 0) await end();
  await Promise.all(all);
});

test('a burst of refusals halves the number once, and successes bring it back one by one', async () => {
  const gate = new TransferGate({ jobs: 16 });
  const refuse = (): Promise<never> =>
    Promise.reject(new RemoteError('REMOTE_BUSY', 'slow down', { retryable: true }));
  await Promise.allSettled(Array.from({ length: 16 }, () => gate.run(0, refuse)));
  expect(gate.allowed).toBe(8);
  const succeed = (): Promise<void> => Promise.resolve();
  for (let turn = 0; turn < 9; turn += 1) await gate.run(0, succeed);
  expect(gate.allowed).toBe(9);
  await expect(gate.run(0, refuse)).rejects.toThrow('slow down');
  expect(gate.allowed).toBe(4);
  for (let turn = 0; turn < 500; turn += 1) await gate.run(0, succeed);
  expect(gate.allowed).toBe(16);
});

test('what is refused for good does not slow anything down', async () => {
  const gate = new TransferGate({ jobs: 16 });
  const forbid = (): Promise<never> => Promise.reject(new RemoteError('REMOTE_DENIED', 'no'));
  await expect(gate.run(0, forbid)).rejects.toThrow('no');
  expect(gate.allowed).toBe(16);
});

test('it hears of requests that the remote repeats by itself', async () => {
  const bytes = Buffer.from('an object');
  const key = { kind: 'packs', name: sha256Hex(bytes) } as const;
  const store = new MemoryObjectStore();
  store.damage(key, new Uint8Array(bytes));
  const failing = faulty(store, [{ call: 'get', nth: 1, fault: { errno: 'ETIMEDOUT' } }]);
  const remote = new RetryingObjectStore(failing, { sleep: () => Promise.resolve() });
  const gate = new TransferGate({ jobs: 16 }, remote);
  await gate.run(0, () => remote.get(key));
  expect(gate.allowed).toBeLessThan(10);
});

test('nothing starts after a stop or an interruption, and what waits is told why', async () => {
  const stopping = new AbortController();
  const gate = new TransferGate({ jobs: 1, signal: stopping.signal });
  const { start, end } = requests(gate);
  const first = start();
  const second = start();
  const refused = second.catch((error: unknown) => error);
  stopping.abort();
  await end();
  await first;
  expect(await refused).toMatchObject({ exitCode: 130 });
  const other = new TransferGate({ jobs: 1 });
  other.stop(new Error('the first failure'));
  await expect(other.run(0, () => Promise.resolve())).rejects.toThrow('the first failure');
});
