import { describe, expect, test } from 'vitest';
import { parseSample } from '../../../src/core/maintenance/sample.ts';
import { unlock } from '../../../src/core/maintenance/unlock.ts';
import { verify } from '../../../src/core/maintenance/verify.ts';
import { annotate, deleteVersion } from '../../../src/core/registry/amend.ts';
import { encodeDocument } from '../../../src/core/repository/document.ts';
import {
  eventPaths,
  memoryRepository,
  promoteTo,
  saveVersion,
  type MemoryRepository,
} from '../../support/memory-repository.ts';

const RECORD = 'models/fraud/versions/v1.json';
const POINTER = 'models/fraud/stages/production.json';

async function sound(): Promise<MemoryRepository> {
  const repository = await memoryRepository();
  for (const label of ['v1', 'v2']) await saveVersion(repository, label);
  await promoteTo(repository, 'fraud@v1');
  await annotate(repository, { reference: 'fraud@v1', tags: new Map([['a', 'b']]) });
  return repository;
}

async function edit(repository: MemoryRepository, path: string, change: object): Promise<void> {
  const bytes = (await repository.plain.read(path)) ?? new Uint8Array();
  const document = JSON.parse(Buffer.from(bytes).toString()) as object;
  await repository.plain.write(path, encodeDocument({ ...document, ...change }));
}

async function eventOf(repository: MemoryRepository, type: string): Promise<string> {
  const path = (await eventPaths(repository.documents)).find((each) => each.includes(`-${type}-`));
  if (path === undefined) throw new Error(`no ${type} event`);
  return path;
}

describe('verify', () => {
  test('finds nothing wrong with what the commands wrote', async () => {
    const repository = await sound();
    expect(await verify(repository, { references: [], deep: true })).toMatchObject({
      checked: { records: 2, events: 4, manifests: 2 },
      damage: [],
      notices: [],
      conflict: undefined,
    });
  });

  const cases: [string, (repository: MemoryRepository) => Promise<unknown>, object][] = [
    [
      'a record that is cut short',
      (r) => r.plain.write(RECORD, Buffer.from('{')),
      { kind: 'record', path: `.mlops/${RECORD}` },
    ],
    [
      'a record that is gone',
      (r) => r.plain.remove(RECORD),
      { kind: 'record', path: `.mlops/${RECORD}`, problem: expect.stringContaining('is missing') },
    ],
    [
      'a record with another metric',
      (r) => edit(r, RECORD, { metrics: { auc: 1 } }),
      { kind: 'record', problem: expect.stringContaining('its event names other bytes') },
    ],
    [
      'a record that is not canonical',
      async (r) =>
        r.plain.write(RECORD, Buffer.from(`${Buffer.from((await r.plain.read(RECORD)) ?? []).toString()}\n`)),
      { kind: 'record', problem: expect.stringContaining('canonical') },
    ],
    [
      'an event with other bytes',
      async (r) => edit(r, await eventOf(r, 'annotated'), { reason: 'x' }),
      { kind: 'event', problem: expect.stringContaining('changed after it was written') },
    ],
    [
      'an event that is gone and has children',
      async (r) => r.plain.remove(await eventOf(r, 'promoted')),
      { kind: 'event', problem: expect.stringContaining('is missing') },
    ],
    [
      'a pointer to another version',
      (r) => edit(r, POINTER, { version: 'v2' }),
      { kind: 'stage', path: `.mlops/${POINTER}` },
    ],
    [
      'a pointer that is gone',
      (r) => r.plain.remove(POINTER),
      { kind: 'stage', problem: expect.stringContaining('has no pointer') },
    ],
    [
      'model.json about another model',
      (r) => edit(r, 'models/fraud/model.json', { model: 'churn' }),
      { kind: 'model', path: '.mlops/models/fraud/model.json' },
    ],
  ];
  test.each(cases)('names %s, as damage and not as a conflict', async (_what, damage, expected) => {
    const repository = await sound();
    await damage(repository);
    const found = await verify(repository, { references: [], metadataOnly: true });
    expect(found.damage).toContainEqual(expect.objectContaining(expected));
    expect(found.conflict).toBeUndefined();
  });

  test('names several damages at once', async () => {
    const repository = await sound();
    await repository.plain.write(RECORD, Buffer.from('{'));
    await repository.plain.write('models/fraud/versions/v2.json', Buffer.from('['));
    expect(
      (await verify(repository, { references: [], metadataOnly: true })).damage.filter(
        ({ kind }) => kind === 'record',
      ),
    ).toHaveLength(2);
  });

  test('tells a conflict from damage', async () => {
    const repository = await sound();
    await repository.plain.write(POINTER, Buffer.from('<<<<<<< ours\n=======\n>>>>>>> theirs\n'));
    expect(await verify(repository, { references: [] })).toMatchObject({
      damage: [{ kind: 'stage' }],
      conflict: { code: 'STAGE_CONFLICT', exitCode: 5 },
    });
  });

  test('tells conflict markers in model.json from damage', async () => {
    const repository = await sound();
    await repository.plain.write(
      'models/fraud/model.json',
      Buffer.from('<<<<<<< ours\n=======\n>>>>>>> theirs\n'),
    );
    expect(await verify(repository, { references: [] })).toMatchObject({
      damage: [{ kind: 'model' }],
      conflict: { code: 'MERGE_CONFLICT', exitCode: 5 },
    });
  });

  test('names a stage that holds a deleted version, as a merge of two branches can leave it', async () => {
    const repository = await sound();
    await deleteVersion(repository, 'fraud@v2', 'wrong');
    const deleted = await eventOf(repository, 'deleted');
    const bytes = (await repository.plain.read(deleted)) ?? new Uint8Array();
    await repository.plain.remove(deleted);
    await promoteTo(repository, 'fraud@v2');
    await repository.plain.write(deleted, bytes);
    const { damage, conflict } = await verify(repository, { references: [], metadataOnly: true });
    expect(damage).toEqual([
      expect.objectContaining({
        kind: 'stage',
        problem: expect.stringMatching(/the stage production of fraud holds v2, which was deleted on 2026-/),
      }),
    ]);
    expect(conflict).toMatchObject({
      code: 'STAGE_HOLDS_DELETED',
      exitCode: 5,
      hint: expect.stringContaining('mlops promote fraud@<version> --to production'),
    });
  });

  test('names missing bytes, but not those of a deleted version', async () => {
    const repository = await sound();
    const stranger = await memoryRepository();
    const { documentsOf } = await import('../../support/memory-repository.ts');
    for (const [path, bytes] of await documentsOf(repository.plain)) await stranger.plain.write(path, bytes);
    expect(
      (await verify(stranger, { references: [] })).damage.filter(({ kind }) => kind === 'manifest'),
    ).toHaveLength(2);
    await deleteVersion(stranger, 'fraud@v2', 'wrong');
    expect(
      (await verify(stranger, { references: [] })).damage.filter(({ kind }) => kind === 'manifest'),
    ).toHaveLength(1);
    expect((await verify(stranger, { references: [], metadataOnly: true })).damage).toEqual([]);
  });

  test('of named versions looks at their objects only', async () => {
    const repository = await sound();
    expect((await verify(repository, { references: ['fraud@v1'], deep: true })).checked).toMatchObject({
      records: 1,
      manifests: 1,
      packs: 1,
    });
  });

  test('only notes what is no damage: a record without its event, a clock that was wrong', async () => {
    const repository = await sound();
    repository.setTime('2020-01-01T00:00:00.000Z');
    await annotate(repository, { reference: 'fraud@v1', tags: new Map([['late', 'yes']]) });
    await repository.plain.write(
      'models/churn/versions/v1.json',
      encodeDocument({
        ...(JSON.parse(Buffer.from((await repository.plain.read(RECORD)) ?? []).toString()) as object),
        model: 'churn',
      }),
    );
    const { damage, notices } = await verify(repository, { references: [], metadataOnly: true });
    expect(damage).toEqual([]);
    expect(notices).toEqual([
      expect.stringContaining('.mlops/models/churn/versions/v1.json is left from an interrupted save'),
      expect.stringContaining('is older than its parent; a clock was wrong'),
    ]);
  });
});

describe('a sample', () => {
  const packs = Array.from({ length: 200 }, (_none, index) =>
    (index * 2_654_435_761).toString(16).padStart(64, '0').split('').toReversed().join(''),
  );

  test('in parts covers every pack exactly once', () => {
    const parts = [1, 2, 3, 4, 5, 6, 7].map((part) => parseSample(`${part}/7`));
    for (const pack of packs) expect(parts.filter((holds) => holds(pack))).toHaveLength(1);
  });

  test('of 100% is everything', () => {
    expect(packs.every(parseSample('100%'))).toBe(true);
  });

  test.each(['0%', '101%', '5', '0/7', '8/7', '1/0', '-1%', 'x', ''])('written as %j is refused', (text) => {
    expect(() => parseSample(text)).toThrow(
      expect.objectContaining({ code: 'SAMPLE_INVALID', exitCode: 2 }) as Error,
    );
  });
});

describe('unlock', () => {
  test('leaves a lock in use alone, unless forced', async () => {
    const repository = await memoryRepository();
    expect(await unlock(repository, { force: false })).toMatchObject({ removed: false });
    await repository.lock.acquire('save fraud');
    await expect(unlock(repository, { force: false })).rejects.toMatchObject({
      code: 'LOCK_IN_USE',
      exitCode: 5,
      message: expect.stringContaining('save fraud'),
      hint: expect.stringContaining('mlops unlock --force'),
    });
    expect(await unlock(repository, { force: true })).toMatchObject({ removed: true });
  });
});
