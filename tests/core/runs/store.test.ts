import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunBatch, RunStore } from '../../../src/core/runs/index.ts';
import { runSpace } from './support.ts';

const HOUR = 3_600_000;

async function runOf(store: RunStore, name = 'first'): Promise<string> {
  return (await store.create({ name, writer: 'nobody' })).id;
}

describe('a new run', () => {
  test('has an id, a name, the default experiment and what it was given', async () => {
    const { store, reopen } = await runSpace();
    const run = await store.create({
      writer: 'nobody',
      params: new Map([['depth', '10']]),
      tags: new Map([
        ['team', 'risk'],
        ['mlflow.runName', 'my run'],
      ]),
      user: 'ada',
      startedAt: Date.UTC(2026, 10, 23),
      source: { command: ['python', 'train.py'], entryPoint: 'train.py' },
      environment: { platform: 'linux', variables: new Map([['CI', 'true']]) },
    });
    expect(run.id).toMatch(/^[0-9a-f]{32}$/);
    expect(run).toMatchObject({
      name: 'my run',
      experimentId: '0',
      experimentName: 'Default',
      createdBy: 'ada',
      status: 'RUNNING',
      lifecycle: 'active',
      startedAt: Date.UTC(2026, 10, 23),
      endedAt: undefined,
      source: { command: ['python', 'train.py'], entryPoint: 'train.py' },
    });
    expect([...run.params]).toEqual([['depth', '10']]);
    expect([...run.tags]).toEqual([['team', 'risk']]);
    expect([...(run.environment?.variables ?? [])]).toEqual([['CI', 'true']]);
    expect(await (await reopen()).get(run.id)).toEqual(run);
  });

  test('without a name gets one that can be said', async () => {
    const { store } = await runSpace();
    expect((await store.create({ writer: 'nobody' })).name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  });

  test('may bring its id, once', async () => {
    const { store } = await runSpace();
    const id = 'a'.repeat(32);
    await store.create({ id, writer: 'nobody', startedAt: Date.UTC(2020, 1) });
    await expect(store.create({ id, writer: 'nobody' })).rejects.toMatchObject({ code: 'RUN_EXISTS' });
  });

  test.each([
    [{ id: '../../../../etc/passwd' }, 'VALUE_INVALID'],
    [{ startedAt: -1 }, 'VALUE_INVALID'],
    [{ startedAt: Date.UTC(10_000, 0) }, 'VALUE_INVALID'],
    [{ startedAt: Number.NaN }, 'VALUE_INVALID'],
    [{ name: 'a\nb' }, 'VALUE_INVALID'],
    [{ params: new Map([['', 'x']]) }, 'KEY_INVALID'],
    [{ params: new Map([['x', 'v'.repeat(6001)]]) }, 'LIMIT_EXCEEDED'],
    [{ tags: new Map([['k'.repeat(251), '']]) }, 'LIMIT_EXCEEDED'],
    [{ experimentId: '404' }, 'EXPERIMENT_NOT_FOUND'],
    [{ experimentId: '../x' }, 'EXPERIMENT_NOT_FOUND'],
  ])('is refused for %j, and nothing is written', async (request, code) => {
    const { store, repository } = await runSpace();
    await expect(store.create({ ...request, writer: 'nobody' })).rejects.toMatchObject({ code });
    expect((await store.search({ view: 'all' })).runs).toEqual([]);
    expect(existsSync(join(repository.root, '.mlops/runs/2026-01'))).toBe(false);
  });
});

describe('logging', () => {
  test('metrics, params and tags come back, NaN and infinities as they are', async () => {
    const { store, reopen } = await runSpace();
    const id = await runOf(store);
    await store.log(id, {
      metrics: [
        { key: 'loss', value: 0.5, step: 0, time: 10 },
        { key: 'loss', value: Number.NaN, step: 1, time: 20 },
        { key: 'gain', value: -Infinity, step: 0, time: 10 },
        { key: '__proto__', value: 3, step: 0, time: 10 },
      ],
      params: [
        ['depth', '10'],
        ['constructor', 'yes'],
      ],
      tags: [['note', 'line\nbreak']],
    });
    await store.log(id, { tags: [['note', 'second']], params: [['depth', '10']] });
    const run = await (await reopen()).get(id);
    expect(run.metrics.get('loss')).toMatchObject({
      value: Number.NaN,
      step: 1,
      count: 2,
      min: 0.5,
      max: 0.5,
    });
    expect(run.metrics.get('gain')?.value).toBe(-Infinity);
    expect(run.metrics.get('__proto__')?.value).toBe(3);
    expect([...run.params]).toEqual([
      ['constructor', 'yes'],
      ['depth', '10'],
    ]);
    expect([...run.tags]).toEqual([['note', 'second']]);
    expect(await store.get(id)).toEqual(run);
  });

  test('a param is written once', async () => {
    const { store } = await runSpace();
    const id = await runOf(store);
    await store.log(id, { params: [['depth', '10']] });
    const again = store.log(id, {
      params: [['depth', '11']],
      metrics: [{ key: 'm', value: 1, step: 0, time: 0 }],
    });
    await expect(again).rejects.toMatchObject({ code: 'PARAM_EXISTS' });
    await expect(again).rejects.toThrow(/"depth".*"10".*"11"/);
    const within = store.log(id, {
      params: [
        ['new', 'a'],
        ['new', 'b'],
      ],
    });
    await expect(within).rejects.toMatchObject({ code: 'PARAM_EXISTS' });
    const run = await store.get(id);
    expect([...run.params]).toEqual([['depth', '10']]);
    expect(run.metrics.size).toBe(0);
  });

  test('of two calls at the same time that set a param, one wins and the other is told', async () => {
    const { store } = await runSpace();
    const id = await runOf(store);
    const values = Array.from({ length: 20 }, (_, index) => String(index));
    const done = await Promise.allSettled(
      values.map((value) => store.log(id, { params: [['seed', value]] })),
    );
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await store.get(id)).params.get('seed')).toBe('0');
  });

  test('two stores see what the other one logs', async () => {
    const { store, reopen } = await runSpace();
    const other = await reopen();
    const id = await runOf(store);
    for (let index = 0; index < 10; index += 1) {
      const writer = index % 2 === 0 ? store : other;
      const reader = index % 2 === 0 ? other : store;
      await writer.log(id, {
        metrics: [{ key: 'step', value: index, step: index, time: index }],
        params: [[`p${index}`, 'x']],
      });
      const run = await reader.get(id);
      expect(run.metrics.get('step')).toMatchObject({ value: index, count: index + 1 });
      expect(run.params.size).toBe(index + 1);
      expect((await reader.search({ filter: `metrics.step = ${index}` })).runs).toHaveLength(1);
    }
  });

  test.each<[RunBatch, string]>([
    [{ metrics: [{ key: 'a\nb', value: 1, step: 0, time: 0 }] }, 'KEY_INVALID'],
    [{ metrics: [{ key: 'a', value: 1, step: 0.5, time: 0 }] }, 'VALUE_INVALID'],
    [{ metrics: [{ key: 'a', value: 1, step: 0, time: 1e17 }] }, 'VALUE_INVALID'],
    [{ metrics: [{ key: 'a', value: 1, step: 0, time: 0, model: '../m' }] }, 'VALUE_INVALID'],
    [{ tags: [['', 'x'] as const] }, 'KEY_INVALID'],
    [{ tags: [['x', 'v'.repeat(8001)] as const] }, 'LIMIT_EXCEEDED'],
    [{ params: [['x', 'v'.repeat(6001)] as const] }, 'LIMIT_EXCEEDED'],
    [{ params: Array.from({ length: 10_001 }, (_, i) => [`p${i}`, ''] as const) }, 'LIMIT_EXCEEDED'],
  ])('of %# is refused whole', async (batch, code) => {
    const { store, path } = await runSpace();
    const run = await store.create({ writer: 'nobody' });
    const before = readFileSync(join(path(run), 'log.jsonl'), 'utf8');
    const more = { ...batch, tags: [...(batch.tags ?? []), ['fine', 'yes'] as const] };
    await expect(store.log(run.id, more)).rejects.toMatchObject({ code });
    expect(readFileSync(join(path(run), 'log.jsonl'), 'utf8')).toBe(before);
    expect(existsSync(join(path(run), 'metrics.jsonl'))).toBe(false);
  });

  test('to a run that is not there, or deleted, is an error', async () => {
    const { store } = await runSpace();
    const batch = { tags: [['a', 'b'] as const] };
    await expect(store.log('f'.repeat(32), batch)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(store.log('../..', batch)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    const id = await runOf(store);
    await store.delete(id);
    await expect(store.log(id, batch)).rejects.toMatchObject({ code: 'RUN_DELETED' });
    await store.restore(id);
    await store.log(id, batch);
  });

  test('tags go, inputs, outputs and versions come', async () => {
    const { store, reopen } = await runSpace();
    const id = await runOf(store);
    const model = `m-${'b'.repeat(32)}`;
    await store.log(id, { tags: [['a', '1']] });
    await store.deleteTag(id, 'a');
    await expect(store.deleteTag(id, 'a')).rejects.toMatchObject({ code: 'TAG_NOT_FOUND' });
    const dataset = { name: 'train', digest: 'abc', sourceType: 'local', source: 'train.csv' };
    await store.logInputs(id, {
      datasets: [{ ...dataset, tags: new Map([['mlflow.data.context', 'train']]), schema: '{}' }],
      models: [{ model, step: 2 }],
    });
    await store.logInputs(id, { datasets: [{ ...dataset, tags: new Map([['more', 'x']]) }] });
    await store.logOutputs(id, [{ model, step: 3 }]);
    await store.linkVersion(id, { model: 'fraud', version: 'v1', digest: `sha256:${'0'.repeat(64)}` });
    const run = await (await reopen()).get(id);
    expect(run.tags.size).toBe(0);
    expect(run.inputs).toHaveLength(1);
    expect([...(run.inputs[0]?.tags ?? [])]).toEqual([
      ['mlflow.data.context', 'train'],
      ['more', 'x'],
    ]);
    expect(run.modelInputs).toEqual([{ model, step: 2 }]);
    expect(run.modelOutputs).toEqual([{ model, step: 3 }]);
    expect(run.versions).toMatchObject([{ model: 'fraud', version: 'v1' }]);
    const found = await store.search({ filter: "datasets.context = 'train' AND datasets.name = 'train'" });
    expect(found.runs).toHaveLength(1);
  });
});

describe('the end of a run', () => {
  test('is written into run.json, which then says everything', async () => {
    const { store, reopen, path } = await runSpace();
    const { id, ...run } = await store.create({ writer: 'process', startedAt: Date.UTC(2026, 0, 2) });
    await store.log(id, {
      metrics: [{ key: 'loss', value: 0.25, step: 1, time: 7 }],
      params: [['depth', '10']],
    });
    const ended = await store.update(id, {
      status: 'FAILED',
      endedAt: Date.UTC(2026, 0, 2) + HOUR,
      exitCode: 3,
      reason: 'it broke',
      usage: { cpuSeconds: 1.5, output: new Map([['stdout', 12]]) },
    });
    expect(ended).toMatchObject({
      status: 'FAILED',
      exitCode: 3,
      reason: 'it broke',
      usage: { cpuSeconds: 1.5 },
    });
    rmSync(join(path({ id, ...run }), 'log.jsonl'));
    const alone = await (await reopen()).get(id);
    expect(alone).toEqual(ended);
    const document = JSON.parse(readFileSync(join(path({ id, ...run }), 'run.json'), 'utf8')) as object;
    expect(document).toMatchObject({
      schema: 'mlops.run/1',
      endedAt: '2026-01-02T01:00:00.000Z',
      metrics: [{ key: 'loss', value: 0.25, count: 1, min: 0.25, max: 0.25 }],
      params: [{ key: 'depth', value: '10' }],
    });
    expect(document).not.toHaveProperty('writer');
  });

  test('is no end of logging', async () => {
    const { store, reopen } = await runSpace();
    const id = await runOf(store);
    await store.log(id, { metrics: [{ key: 'a', value: 1, step: 0, time: 0 }] });
    await store.update(id, { status: 'FINISHED' });
    await store.log(id, { metrics: [{ key: 'a', value: 2, step: 1, time: 1 }], tags: [['late', 'yes']] });
    const run = await (await reopen()).get(id);
    expect(run.status).toBe('FINISHED');
    expect(run.metrics.get('a')).toMatchObject({ value: 2, count: 2 });
    expect(run.tags.get('late')).toBe('yes');
  });

  test('goes on in a log that was started anew, as in another clone', async () => {
    const { store, reopen, path } = await runSpace();
    const run = await store.create({ writer: 'nobody' });
    await store.log(run.id, { tags: [['a', '1']] });
    await store.update(run.id, { status: 'FINISHED' });
    rmSync(join(path(run), 'log.jsonl'));
    const clone = await reopen();
    await clone.log(run.id, { tags: [['b', '2']] });
    const seen = await (await reopen()).get(run.id);
    expect([...seen.tags]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
  });
});

describe('experiments', () => {
  test('have the same id in every clone', async () => {
    const [first, second] = [await runSpace(), await runSpace()];
    const one = await first.store.experiments.create({ name: 'fraud' });
    const two = await second.store.experiments.ensure('fraud');
    expect(one.id).toBe(two.id);
    expect(one.id).toMatch(/^[1-9][0-9]{17}$/);
  });

  test('are found by name and id, renamed, tagged, deleted with their runs and restored', async () => {
    const { store } = await runSpace();
    const { id } = await store.experiments.create({ name: 'fraud', tags: new Map([['a', '1']]) });
    await expect(store.experiments.create({ name: 'fraud' })).rejects.toMatchObject({
      code: 'EXPERIMENT_EXISTS',
    });
    const run = await store.create({ experimentId: id, writer: 'nobody' });
    await store.experiments.rename(id, 'churn');
    await store.experiments.setTag(id, 'b', '2');
    await store.experiments.deleteTag(id, 'a');
    expect(await store.experiments.byName('fraud')).toBeUndefined();
    const churn = await store.experiments.byName('churn');
    expect(churn).toMatchObject({ id, name: 'churn', lifecycle: 'active' });
    expect([...(churn?.tags ?? [])]).toEqual([['b', '2']]);
    expect((await store.get(run.id)).experimentName).toBe('churn');
    const again = await store.experiments.create({ name: 'fraud' });
    expect(again.id).not.toBe(id);
    expect((await store.experiments.byName('fraud'))?.id).toBe(again.id);

    await store.experiments.delete(id);
    expect((await store.get(run.id)).lifecycle).toBe('deleted');
    expect((await store.search({ experimentIds: [id] })).runs).toEqual([]);
    expect((await store.search({ view: 'deleted' })).runs).toHaveLength(1);
    await expect(store.experiments.ensure('churn')).rejects.toMatchObject({ code: 'EXPERIMENT_DELETED' });
    await expect(store.create({ experimentId: id, writer: 'nobody' })).rejects.toMatchObject({
      code: 'EXPERIMENT_DELETED',
    });
    await expect(store.log(run.id, {})).rejects.toMatchObject({ code: 'RUN_DELETED' });
    await store.experiments.restore(id);
    expect((await store.get(run.id)).lifecycle).toBe('active');
  });

  test('are searched, filtered and paged', async () => {
    const { store } = await runSpace();
    for (const name of ['a', 'b', 'c'])
      await store.experiments.create({ name, tags: new Map([['n', name]]) });
    const all = await store.experiments.search();
    expect(all.experiments.map(({ name }) => name)).toEqual(['c', 'b', 'a', 'Default']);
    const first = await store.experiments.search({ maxResults: 3, orderBy: ['name ASC'] });
    expect(first.experiments.map(({ name }) => name)).toEqual(['Default', 'a', 'b']);
    const second = await store.experiments.search({
      maxResults: 3,
      orderBy: ['name ASC'],
      pageToken: first.nextPageToken,
    });
    expect(second.experiments.map(({ name }) => name)).toEqual(['c']);
    expect(second.nextPageToken).toBeUndefined();
    const tagged = await store.experiments
      .search({ filter: "tags.n = 'b' OR x", view: 'all' })
      .catch((e) => e);
    expect(tagged).toMatchObject({ code: 'FILTER_INVALID' });
    expect((await store.experiments.search({ filter: "tags.n = 'b'" })).experiments).toHaveLength(1);
  });

  test('the default one is there, and stays', async () => {
    const { store } = await runSpace();
    expect(await store.experiments.get('0')).toMatchObject({ name: 'Default' });
    await expect(store.experiments.delete('0')).rejects.toMatchObject({ code: 'EXPERIMENT_PROTECTED' });
    await store.experiments.rename('0', 'Everything');
    expect(await store.experiments.byName('Everything')).toMatchObject({ id: '0' });
    expect(await store.experiments.byName('Default')).toBeUndefined();
  });

  test('many callers that want the same new one get the same', async () => {
    const { store, reopen } = await runSpace();
    const other = await reopen();
    const made = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        (index % 2 === 0 ? store : other).experiments.ensure('shared'),
      ),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  });

  test('without a document one is called what its newest run says', async () => {
    const { store, reopen, repository } = await runSpace();
    const { id } = await store.experiments.create({ name: 'kept' });
    await store.create({ experimentId: id, writer: 'nobody' });
    await repository.documents.remove(`runs/experiments/${id}.json`);
    const clone = await reopen();
    expect(await clone.experiments.get(id)).toMatchObject({ name: 'kept' });
    expect(await clone.experiments.byName('kept')).toMatchObject({ id });
    await clone.experiments.setTag(id, 'a', 'b');
    expect((await clone.experiments.get(id)).tags.get('a')).toBe('b');
  });
});

describe('naming a run', () => {
  test('by the start of its id, by its name, with the nearest names as a hint', async () => {
    const { store } = await runSpace();
    const one = await store.create({ id: `abcd1${'0'.repeat(27)}`, name: 'brisk-heron-1', writer: 'nobody' });
    const two = await store.create({ id: `abcd2${'0'.repeat(27)}`, name: 'other', writer: 'nobody' });
    expect((await store.resolve('abcd1')).id).toBe(one.id);
    expect((await store.resolve('run:abcd2')).id).toBe(two.id);
    expect((await store.resolve('other')).id).toBe(two.id);
    await expect(store.resolve('abcd')).rejects.toMatchObject({ code: 'RUN_AMBIGUOUS' });
    await expect(store.resolve('brisk-heron-2')).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      hint: 'did you mean brisk-heron-1?',
    });
    await store.create({ name: 'other', writer: 'nobody' });
    await expect(store.resolve('other')).rejects.toMatchObject({ code: 'RUN_AMBIGUOUS' });
  });
});

describe('removing a run for good', () => {
  test('needs it to be deleted first', async () => {
    const { store, path } = await runSpace();
    const run = await store.create({ writer: 'nobody' });
    await expect(store.purge([run.id])).rejects.toMatchObject({ code: 'RUN_ACTIVE' });
    await store.delete(run.id);
    await store.purge([run.id]);
    expect(existsSync(path(run))).toBe(false);
    await expect(store.get(run.id)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect((await store.search({ view: 'all' })).runs).toEqual([]);
  });
});

describe('what is damaged', () => {
  test.each([
    ['half a document', '{"schema":"mlops.run/1"'],
    ['another schema', '{"schema":"mlops.version/1"}\n'],
    ['nothing', ''],
    ['conflict markers', '<<<<<<< HEAD\n{}\n'],
  ])('%s is named, and hides no other run', async (_what, text) => {
    const { store, reopen, path } = await runSpace();
    const bad = await store.create({ name: 'bad', writer: 'nobody' });
    await store.create({ name: 'good', writer: 'nobody' });
    writeFileSync(join(path(bad), 'run.json'), text);
    const fresh = await reopen();
    const { runs, problems } = await fresh.search();
    expect(runs.map(({ name }) => name)).toEqual(['good']);
    expect(problems.map((each) => each.path)).toEqual([`.mlops/runs/2026-01/${bad.id}/run.json`]);
    await expect(fresh.get(bad.id)).rejects.toMatchObject({ exitCode: expect.any(Number) });
  });

  test('the document of another run is refused', async () => {
    const { store, reopen, path } = await runSpace();
    const one = await store.create({ writer: 'nobody' });
    const two = await store.create({ writer: 'nobody' });
    writeFileSync(join(path(one), 'run.json'), readFileSync(join(path(two), 'run.json')));
    await expect((await reopen()).get(one.id)).rejects.toMatchObject({ code: 'RUN_DAMAGED' });
  });

  test('rubbish in the files of lines is passed over', async () => {
    const { store, reopen, path } = await runSpace();
    const run = await store.create({ writer: 'nobody' });
    const rubbish = `\0\0\0\n{"type":"unknown","time":1}\n[1,2]\n${'x'.repeat(2 * 1024 * 1024)}\n{"torn`;
    appendFileSync(join(path(run), 'log.jsonl'), rubbish);
    appendFileSync(join(path(run), 'metrics.jsonl'), rubbish);
    await store.log(run.id, {
      tags: [['after', 'yes']],
      metrics: [{ key: 'm', value: 1, step: 0, time: 0 }],
    });
    const seen = await (await reopen()).get(run.id);
    expect(seen.tags.get('after')).toBe('yes');
    expect(seen.metrics.get('m')?.count).toBe(1);
    expect((await store.history(run.id, { key: 'm' })).points).toHaveLength(1);
  });

  test('a line longer than what is read at once does not hide the next one', async () => {
    const { store, reopen, path } = await runSpace();
    const run = await store.create({ writer: 'nobody' });
    appendFileSync(join(path(run), 'metrics.jsonl'), `${'y'.repeat(9 * 1024 * 1024)}\n`);
    await store.log(run.id, { metrics: [{ key: 'm', value: 1, step: 0, time: 0 }] });
    expect((await (await reopen()).get(run.id)).metrics.get('m')?.value).toBe(1);
  });

  test('a directory without a document is no run', async () => {
    const { store, repository } = await runSpace();
    await store.create({ writer: 'nobody' });
    mkdirSync(join(repository.root, '.mlops/runs/2026-01', 'e'.repeat(32)));
    expect((await store.search()).runs).toHaveLength(1);
    await expect(store.get('e'.repeat(32))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
});
