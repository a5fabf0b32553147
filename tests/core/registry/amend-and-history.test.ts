import { describe, expect, test } from 'vitest';
import { annotate, deleteVersion, deprecate } from '../../../src/core/registry/amend.ts';
import { diffVersions } from '../../../src/core/registry/diff.ts';
import { history, parseMoment, stagesAt } from '../../../src/core/registry/history.ts';
import { listVersions, overview } from '../../../src/core/registry/list.ts';
import { loadModel } from '../../../src/core/registry/model-state.ts';
import { showVersion } from '../../../src/core/registry/show.ts';
import {
  eventPaths,
  memoryRepository,
  promoteTo,
  rollbackStage,
  saveVersion,
  type MemoryRepository,
} from '../../support/memory-repository.ts';

async function versionOf(repository: MemoryRepository, label: string) {
  const version = (await loadModel(repository, 'fraud')).versions.find(
    ({ record }) => record.version === label,
  );
  if (version === undefined) throw new Error(`no ${label}`);
  return version;
}

describe('annotate', () => {
  test('sets, replaces and removes tags and the description, and leaves the record as it is', async () => {
    const repository = await memoryRepository();
    const { record } = await saveVersion(repository, 'v1', {
      tags: new Map([
        ['team', 'risk'],
        ['stale', 'yes'],
      ]),
    });
    await annotate(repository, {
      reference: 'fraud@v1',
      tags: new Map([
        ['reviewed', 'yes'],
        ['stale', ''],
      ]),
      description: 'good',
    });
    await annotate(repository, { reference: 'fraud@v1', tags: new Map([['reviewed', 'twice']]) });
    const version = await versionOf(repository, 'v1');
    expect(version).toMatchObject({ record, description: 'good' });
    expect(version.tags).toEqual({ team: 'risk', reviewed: 'twice' });
  });

  test('that says what is so already writes no event', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1', { tags: new Map([['team', 'risk']]), description: 'good' });
    const request = {
      reference: 'fraud@v1',
      tags: new Map([
        ['team', 'risk'],
        ['absent', ''],
      ]),
      description: 'good',
    };
    expect(await annotate(repository, request)).toMatchObject({ event: undefined, written: [] });
  });

  test('without anything to say is refused', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    await expect(annotate(repository, { reference: 'fraud@v1', tags: new Map() })).rejects.toMatchObject({
      code: 'NOTHING_TO_DO',
      exitCode: 2,
    });
  });
});

describe('deprecate and delete', () => {
  test('a deprecated version says why, once, and can still be found', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    expect((await deprecate(repository, 'fraud@v1', 'superseded')).event).toBeDefined();
    expect((await deprecate(repository, 'fraud@v1', 'superseded')).event).toBeUndefined();
    expect((await versionOf(repository, 'v1')).deprecated).toMatchObject({ reason: 'superseded' });
    expect((await showVersion(repository, 'fraud@v1')).history.map(({ type }) => type)).toEqual([
      'deprecated',
      'saved',
    ]);
  });

  test('a version that a stage holds stays; once the stage moved on it goes, and keeps its number', async () => {
    const repository = await memoryRepository();
    for (const label of ['v1', 'v2']) await saveVersion(repository, label);
    await promoteTo(repository, 'fraud@v1', 'staging');
    await promoteTo(repository, 'fraud@v1');
    await expect(deleteVersion(repository, 'fraud@v1', 'old')).rejects.toMatchObject({
      code: 'VERSION_HELD',
      exitCode: 4,
      message: expect.stringContaining('production and staging'),
    });
    await promoteTo(repository, 'fraud@v2', 'staging');
    await promoteTo(repository, 'fraud@v2');
    await deleteVersion(repository, 'fraud@v1', 'old');
    expect(
      (await listVersions(repository, { model: 'fraud' })).versions.map(({ version }) => version),
    ).toEqual(['v2']);
    expect((await listVersions(repository, { model: 'fraud', all: true })).versions).toMatchObject([
      { version: 'v2' },
      { version: 'v1', deleted: true },
    ]);
    expect((await showVersion(repository, 'fraud@v2')).rank).toBe(2);
    await expect(deleteVersion(repository, 'fraud@v1', 'again')).rejects.toMatchObject({
      code: 'VERSION_NOT_FOUND',
      exitCode: 2,
    });
  });

  test.each(['a merge conflict', 'an edited pointer'])(
    'a version that a stage may hold stays while %s is not settled',
    async (what) => {
      const repository = await memoryRepository();
      for (const label of ['v1', 'v2']) await saveVersion(repository, label);
      await promoteTo(repository, 'fraud@v1');
      const old = (await repository.plain.read('models/fraud/stages/production.json')) ?? new Uint8Array();
      await promoteTo(repository, 'fraud@v2');
      const bytes =
        what === 'a merge conflict' ? Buffer.from('<<<<<<< ours\n=======\n>>>>>>> theirs\n') : old;
      await repository.plain.write('models/fraud/stages/production.json', bytes);
      await expect(deleteVersion(repository, 'fraud@v2', 'old')).rejects.toMatchObject({
        code: 'VERSION_HELD',
        exitCode: 4,
        hint: expect.stringContaining('--resolve'),
      });
    },
  );
});

describe('history', () => {
  async function timeline(): Promise<MemoryRepository> {
    const repository = await memoryRepository();
    repository.setTime('2026-03-01T10:00:00.000Z');
    for (const label of ['v1', 'v2']) await saveVersion(repository, label);
    repository.setTime('2026-03-02T10:00:00.000Z');
    await promoteTo(repository, 'fraud@v1');
    repository.setTime('2026-03-03T10:00:00.000Z');
    await promoteTo(repository, 'fraud@v2');
    repository.setTime('2026-03-04T10:00:00.000Z');
    await rollbackStage(repository);
    return repository;
  }

  test('is newest first, of one stage where asked', async () => {
    const repository = await timeline();
    const { events, problems } = await history(repository, { model: 'fraud' });
    expect(events.map(({ type }) => type)).toEqual(['rolled-back', 'promoted', 'promoted', 'saved', 'saved']);
    expect(problems).toEqual([]);
    const ofStage = await history(repository, { model: 'fraud', stage: 'production' });
    expect(ofStage.events.map(({ to }) => to)).toEqual(['v1', 'v2', 'v1']);
    expect((await history(repository, { stage: 'staging' })).events).toEqual([]);
  });

  test.each([
    ['2026-03-01', undefined],
    ['2026-03-02T09:59:59Z', undefined],
    ['2026-03-02', 'v1'],
    ['2026-03-03', 'v2'],
    ['2026-03-03T12:00:00+01:00', 'v2'],
    ['2026-03-03 09:00:00Z', 'v1'],
    ['2026-03-05', 'v1'],
  ])('at %s production held %s', async (at, version) => {
    const repository = await timeline();
    const { held } = await stagesAt(repository, { model: 'fraud', at: parseMoment(at) });
    expect(held.get('fraud')?.get('production')).toBe(version);
  });

  test.each([
    'yesterday',
    '2026-02-31',
    '2026-13-01',
    '03/03/2026',
    '2026-03-03T10:00',
    '2026-03-03T25:00:00Z',
    '',
  ])('at %j is refused', (text) => {
    expect(() => parseMoment(text)).toThrow(
      expect.objectContaining({ code: 'TIME_INVALID', exitCode: 2 }) as Error,
    );
  });

  test('of an unknown stage or model is refused with the nearest name', async () => {
    const repository = await timeline();
    await expect(history(repository, { model: 'fraud', stage: 'prodution' })).rejects.toMatchObject({
      code: 'STAGE_NOT_FOUND',
      hint: 'did you mean production?',
    });
    await expect(history(repository, { model: 'frud' })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      hint: 'did you mean fraud?',
    });
  });

  test('of a stage that was taken out of the settings can still be read', async () => {
    const repository = await timeline();
    const narrowed = { ...repository, config: { ...repository.config, stages: ['staging'] } };
    expect((await history(narrowed, { stage: 'production' })).events).toHaveLength(3);
  });

  test('names a damaged event and shows the rest', async () => {
    const repository = await timeline();
    const [first = ''] = await eventPaths(repository.documents);
    await repository.plain.write(first, Buffer.from('{'));
    const { events, problems } = await history(repository, { model: 'fraud' });
    expect(events).toHaveLength(4);
    expect(problems).toEqual([expect.objectContaining({ kind: 'event', path: `.mlops/${first}` })]);
    expect((await stagesAt(repository, { at: new Date() })).problems).toHaveLength(1);
  });
});

describe('overview and diff', () => {
  test('the overview has a row a model, and none for a directory that a failed save left', async () => {
    const repository = await memoryRepository();
    for (const label of ['v1', 'v2']) await saveVersion(repository, label);
    await saveVersion(repository, 'v1', { model: 'churn' });
    await promoteTo(repository, 'fraud@v1');
    await repository.plain.write('models/ghost/.gitkeep', new Uint8Array());
    const { models } = await overview(repository, {});
    expect(models).toMatchObject([
      { model: 'churn', versions: 1, latest: 'v1', stages: {} },
      { model: 'fraud', versions: 2, latest: 'v2', stages: { production: 'v1' } },
    ]);
    expect((await overview(repository, { stage: 'production' })).models).toMatchObject([
      { model: 'fraud', versions: 1 },
    ]);
    await expect(overview(repository, { stage: 'x' })).rejects.toMatchObject({ code: 'STAGE_NOT_FOUND' });
    await expect(overview(repository, { sort: 'created' })).rejects.toMatchObject({ code: 'SORT_INVALID' });
  });

  test('a diff holds what differs and nothing else', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1', {
      metrics: new Map<string, number | 'NaN'>([
        ['auc', 0.9],
        ['same', 'NaN'],
        ['gone', 1],
      ]),
      params: new Map([['depth', '3']]),
    });
    await saveVersion(repository, 'v2', {
      metrics: new Map<string, number | 'NaN'>([
        ['auc', 0.95],
        ['same', 'NaN'],
      ]),
      params: new Map([['depth', '3']]),
    });
    const diff = await diffVersions(repository, 'fraud@v1', 'fraud@v2');
    expect(diff).toMatchObject({
      identical: false,
      metrics: [
        { name: 'auc', left: 0.9, right: 0.95 },
        { name: 'gone', left: 1, right: undefined },
      ],
      params: [],
      files: [{ path: '', change: 'modified', leftSize: 11, rightSize: 11 }],
    });
    expect(await diffVersions(repository, 'fraud@v1', 'fraud@v1')).toMatchObject({
      identical: true,
      metrics: [],
      files: [],
    });
  });
});
