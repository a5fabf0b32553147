import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG } from '../../../src/config/schema.ts';
import { LocalIoError, type MlopsError } from '../../../src/errors.ts';
import { commitSection } from '../../../src/core/registry/commit-section.ts';
import { annotate, deprecate } from '../../../src/core/registry/amend.ts';
import { loadModel } from '../../../src/core/registry/model-state.ts';
import { verify } from '../../../src/core/maintenance/verify.ts';
import type { DocumentStore } from '../../../src/storage/document-store.ts';
import {
  documentsOf,
  memoryRepository,
  type MemoryRepository,
  promoteTo,
  rollbackStage,
  saveVersion,
} from '../../support/memory-repository.ts';

interface Faults {
  /** Counts writes, creates and removals; the one with this number fails. */
  failAt?: number | undefined;
  /** The failing write has happened all the same, as when only the fsync after the rename fails. */
  afterTheFact?: boolean;
  log: string[];
}

function faulty(faults: Faults): (documents: DocumentStore) => DocumentStore {
  return (documents) => {
    const guard = async <T>(name: string, path: string, act: () => Promise<T>): Promise<T> => {
      faults.log.push(`${name} ${path.replace(/\/2026[^/]*-([a-z-]+)-[0-9a-f]{16}\.json$/, '/<$1>')}`);
      if (faults.log.length !== faults.failAt) return act();
      if (faults.afterTheFact === true) await act();
      throw new LocalIoError('DISK_FULL', `${path}: no space left`);
    };
    return {
      ...documents,
      write: (path, bytes) => guard('write', path, () => documents.write(path, bytes)),
      create: (path, bytes) => guard('create', path, () => documents.create(path, bytes)),
      remove: (path) => guard('remove', path, () => documents.remove(path)),
    };
  };
}

describe('the order of writes', () => {
  test('of save is model, record, event', async () => {
    const faults: Faults = { log: [] };
    const repository = await memoryRepository({ wrap: faulty(faults) });
    await saveVersion(repository, 'v1');
    expect(faults.log).toEqual([
      'create models/fraud/model.json',
      'create models/fraud/versions/v1.json',
      'create models/fraud/events/<saved>',
    ]);
  });

  test('of promote is marker, event, pointer, and the marker is cleared', async () => {
    const faults: Faults = { log: [] };
    const repository = await memoryRepository({ wrap: faulty(faults) });
    await saveVersion(repository, 'v1');
    faults.log.length = 0;
    await promoteTo(repository, 'fraud@v1');
    expect(faults.log).toEqual([
      'write tmp/pending.json',
      'create models/fraud/events/<promoted>',
      'write models/fraud/stages/production.json',
      'remove tmp/pending.json',
    ]);
  });
});

describe.each([false, true])('a write that fails (after the fact: %s)', (afterTheFact) => {
  test.each([1, 2, 3])('in save, at write %i, takes back what was created', async (failAt) => {
    const faults: Faults = { log: [] };
    const repository = await memoryRepository({ wrap: faulty(faults) });
    const before = await documentsOf(repository.plain);
    Object.assign(faults, { failAt, afterTheFact });
    await expect(saveVersion(repository, 'v1')).rejects.toMatchObject({ code: 'DISK_FULL', exitCode: 6 });
    expect(await documentsOf(repository.plain)).toEqual(before);
    faults.failAt = undefined;
    expect(await saveVersion(repository, 'v1')).toMatchObject({ created: true });
    expect((await verify(repository, { references: [] })).damage).toEqual([]);
  });

  test.each([2, 3])(
    'in promote, at write %i, leaves the stage in a state that the same command mends',
    async (failAt) => {
      const faults: Faults = { log: [] };
      const repository = await memoryRepository({ wrap: faulty(faults) });
      await saveVersion(repository, 'v1');
      await saveVersion(repository, 'v2');
      await promoteTo(repository, 'fraud@v1');
      const before = await documentsOf(repository.plain);
      faults.log.length = 0;
      Object.assign(faults, { failAt, afterTheFact });
      await expect(promoteTo(repository, 'fraud@v2')).rejects.toMatchObject({ exitCode: 6 });
      const pointerArrived = failAt === 3 && afterTheFact;
      if (!pointerArrived) expect(await documentsOf(repository.plain)).toEqual(before);
      const held = (await loadModel(repository, 'fraud')).stages.get('production');
      expect(held).toMatchObject({ status: 'ok', pointer: { version: pointerArrived ? 'v2' : 'v1' } });
      faults.failAt = undefined;
      expect(await promoteTo(repository, 'fraud@v2')).toMatchObject({
        version: 'v2',
        moved: !pointerArrived,
      });
      expect((await verify(repository, { references: [] })).damage).toEqual([]);
    },
  );
});

describe('the commit section', () => {
  test('of a rollback goes on where even the marker finds no room', async () => {
    const faults: Faults = { log: [] };
    const repository = await memoryRepository({ wrap: faulty(faults) });
    for (const label of ['v1', 'v2']) await saveVersion(repository, label);
    for (const label of ['v1', 'v2']) await promoteTo(repository, `fraud@${label}`);
    faults.log.length = 0;
    faults.failAt = 1;
    expect(await rollbackStage(repository)).toMatchObject({ version: 'v1' });
  });

  test('writes nothing once the lock is lost, and removes nothing that is no longer its own', async () => {
    const repository = await memoryRepository();
    const path = 'models/fraud/model.json';
    const lost = commitSection(repository, 'test', async (section) => {
      await section.create(path, Buffer.from('{}\n'));
      await repository.lock.breakLock();
      await section.create('models/fraud/versions/v1.json', Buffer.from('{}\n'));
    });
    await expect(lost).rejects.toMatchObject({ code: 'LOCK_LOST', exitCode: 5 });
    expect(await repository.plain.read('models/fraud/versions/v1.json')).toBeUndefined();
    expect(await repository.plain.read(path)).toBeDefined();
  });

  test('does not overwrite what somebody else created meanwhile', async () => {
    const repository = await memoryRepository();
    await repository.plain.write('models/fraud/versions/v1.json', Buffer.from('theirs'));
    const clash = commitSection(repository, 'test', (section) =>
      section.create('models/fraud/versions/v1.json', Buffer.from('ours')),
    );
    await expect(clash).rejects.toMatchObject({ code: 'ALREADY_EXISTS', exitCode: 5 });
    const bytes = await repository.plain.read('models/fraud/versions/v1.json');
    expect(Buffer.from(bytes ?? []).toString()).toBe('theirs');
  });

  test('frees the lock whatever happens', async () => {
    const repository = await memoryRepository();
    await expect(commitSection(repository, 'test', () => Promise.reject(new Error('a bug')))).rejects.toThrow(
      'a bug',
    );
    expect(await repository.lock.inspect()).toBeUndefined();
    await expect(commitSection(repository, 'test', () => Promise.resolve(7))).resolves.toEqual({
      result: 7,
      written: [],
    });
  });

  test('lets only one command in at a time', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    const held = await repository.lock.acquire('another command');
    const before = await documentsOf(repository.plain);
    await expect(promoteTo(repository, 'fraud@v1')).rejects.toMatchObject({ code: 'LOCKED', exitCode: 5 });
    expect(await documentsOf(repository.plain)).toEqual(before);
    await held.release();
    expect(await promoteTo(repository, 'fraud@v1')).toMatchObject({ moved: true });
  });

  test('refuses to write where a feature is unknown, whatever the command', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    const newer = { ...repository, unknownFeatures: ['sharding'] };
    const before = await documentsOf(repository.plain);
    for (const act of [
      promoteTo(newer, 'fraud@v1'),
      annotate(newer, { reference: 'fraud', tags: new Map([['a', 'b']]) }),
    ]) {
      await expect(act).rejects.toMatchObject({
        code: 'FORMAT_UNSUPPORTED',
        exitCode: 2,
        message: expect.stringContaining('sharding'),
      });
    }
    expect(await documentsOf(repository.plain)).toEqual(before);
  });
});

describe('what looks like a secret', () => {
  const token = ['ghp', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1b2C'].join('_');

  test.each([
    ['a tag of save', (r) => saveVersion(r, 'v2', { tags: new Map([['auth', token]]) })],
    ['a parameter', (r) => saveVersion(r, 'v2', { params: new Map([['auth', token]]) })],
    ['a description', (r) => saveVersion(r, 'v2', { description: `log in with ${token}` })],
    ['a note', (r) => annotate(r, { reference: 'fraud@v1', tags: new Map([['auth', token]]) })],
    ['a reason', (r) => deprecate(r, 'fraud@v1', `use ${token} instead`)],
  ] as [string, (repository: MemoryRepository) => Promise<unknown>][])(
    'in %s is refused, without printing it, and nothing is written',
    async (_where, act) => {
      const repository = await memoryRepository();
      await saveVersion(repository, 'v1');
      const before = await documentsOf(repository.plain);
      const error = await act(repository).then(
        () => undefined,
        (refusal: unknown) => refusal as MlopsError,
      );
      expect(error).toMatchObject({ code: 'SECRET_FOUND', exitCode: 4 });
      expect(error?.message).toMatch(/would hold what looks like a GitHub token/);
      expect(`${error?.message} ${error?.hint}`).not.toContain(token.slice(4, 20));
      expect(await documentsOf(repository.plain)).toEqual(before);
    },
  );

  test('is written when the configuration knows it as harmless, by the line that the hint gives', async () => {
    const first = await memoryRepository();
    const empty = await documentsOf(first.plain);
    const saveIn = (repository: MemoryRepository): Promise<unknown> =>
      saveVersion(repository, 'v1', { tags: new Map([['auth', token]]) });
    const error = (await saveIn(first).catch((refusal: unknown) => refusal)) as MlopsError;
    expect(await documentsOf(first.plain)).toEqual(empty);
    const [, fingerprint = ''] = /allowedSecrets ([0-9a-f]{16})$/.exec(error.hint ?? '') ?? [];
    const hooks = { ...DEFAULT_CONFIG.hooks, allowedSecrets: [fingerprint] };
    const second = await memoryRepository({ config: { hooks } });
    await saveIn(second);
    expect((await loadModel(second, 'fraud')).versions).toHaveLength(1);
  });
});
