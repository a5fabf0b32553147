import { MlopsError, RemoteError } from '../../errors.ts';
import { crypto } from '../../lib/lazy-builtin.ts';
import type { ObjectKey, ObjectStore } from '../../storage/object-store.ts';
import type { OpenRemote } from '../repository/repository.ts';

export interface RemoteTestStep {
  step: 'write' | 'read' | 'read a part' | 'write again' | 'list' | 'delete';
  milliseconds: number;
  /** What was found. */
  result: string;
}

type Step = readonly [step: RemoteTestStep['step'], run: () => Promise<string>];

/**
 * Does with a tiny object what other commands do with large ones: writes it, reads it back, writes it again, lists it, deletes it.
 *
 * @throws RemoteError naming the step; what was written is removed again as far as possible
 */
export async function testRemote({ name, objects }: OpenRemote): Promise<RemoteTestStep[]> {
  const bytes = Buffer.from(`mlops remote test ${crypto().randomBytes(16).toString('hex')}\n`);
  let key: ObjectKey | undefined;
  const done: RemoteTestStep[] = [];
  const written = (): ObjectKey => {
    if (key === undefined) throw new Error('nothing was written');
    return key;
  };
  const steps: readonly Step[] = [
    [
      'write',
      async () => {
        const batch = objects.batch();
        key = { kind: 'manifests', name: await batch.store('manifests', bytes) };
        await batch.commit();
        return `${bytes.length} bytes as ${key.kind}/${key.name.slice(0, 2)}/${key.name.slice(0, 12)}…`;
      },
    ],
    ['read', async () => compare(await objects.get(written()), bytes)],
    [
      'read a part',
      async () => compare(await objects.get(written(), { offset: 6, length: 6 }), bytes.subarray(6, 12)),
    ],
    ['write again', () => writeAgain(objects, { key: written(), bytes })],
    ['list', () => findInList(objects, written())],
    [
      'delete',
      async () => {
        const deleted = await objects.delete(written());
        const gone = (await objects.stat(written())) === undefined;
        if (!deleted || !gone) throw unexpected('the object is still there after it was deleted');
        key = undefined;
        return 'gone';
      },
    ],
  ];
  try {
    for (const [step, run] of steps) {
      const started = performance.now();
      const result = await run().catch((error: unknown) => {
        throw failedStep(error, { name, step, done });
      });
      const entry = { step, milliseconds: Math.round(performance.now() - started), result };
      done.push(entry);
    }
    return done;
  } finally {
    if (key !== undefined) await objects.delete(key).catch(() => undefined);
  }
}

function compare(read: Uint8Array, expected: Uint8Array): string {
  if (Buffer.compare(read, expected) !== 0) throw unexpected('other bytes came back than were written');
  return `${read.length} bytes, the same`;
}

async function writeAgain(
  objects: ObjectStore,
  { key, bytes }: { key: ObjectKey; bytes: Uint8Array },
): Promise<string> {
  const createOnly = (await objects.createOnly?.()) ?? true;
  const batch = objects.batch();
  const outcome = await batch.put(key, bytes);
  await batch.commit();
  if (outcome !== 'present') throw unexpected('an object that is there was not found');
  return createOnly
    ? 'refused, as it should be: the store has create-only writes'
    : 'the store has no create-only writes; objects are looked for before and checked after each write';
}

async function findInList(objects: ObjectStore, key: ObjectKey): Promise<string> {
  for await (const found of objects.list(key.kind, key.name)) {
    if (found.key.name === key.name) return 'found';
  }
  throw unexpected('an object that is there is not in the listing');
}

function unexpected(problem: string): RemoteError {
  return new RemoteError('REMOTE_TEST_FAILED', problem);
}

function failedStep(
  error: unknown,
  { name, step, done }: { name: string; step: string; done: readonly RemoteTestStep[] },
): unknown {
  if (!(error instanceof MlopsError)) return error;
  const passed = done.length === 0 ? '' : ` (passed: ${done.map((each) => each.step).join(', ')})`;
  const message = `the remote "${name}" failed the test at "${step}"${passed}: ${error.message}`;
  const { code, hint, cause, retryable } = error;
  // Interruptions and refusals are no result of the test.
  if (error.exitCode > 7 || error.exitCode === 4) return error;
  return new RemoteError(code, message, { ...(hint === undefined ? {} : { hint }), cause, retryable });
}
