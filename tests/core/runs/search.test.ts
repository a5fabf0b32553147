import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openRunStore, type Run, type RunPage, type RunStore } from '../../../src/core/runs/index.ts';
import { RunEntries } from '../../../src/core/runs/run-entries.ts';
import { Shapes } from '../../../src/core/runs/metric-table.ts';
import { runSpace, type RunSpace } from './support.ts';

async function filled(): Promise<RunSpace & { ids: string[] }> {
  const space = await runSpace();
  const { store } = space;
  const { id: other } = await store.experiments.create({ name: 'other' });
  const ids: string[] = [];
  for (let index = 0; index < 6; index += 1) {
    const run = await store.create({
      name: `run ${index}`,
      writer: 'nobody',
      experimentId: index === 5 ? other : '0',
      startedAt: Date.UTC(2026, 0, 1 + index),
      params: new Map([['depth', String(index)]]),
      tags: new Map([['team', index % 2 === 0 ? 'risk' : 'fraud']]),
    });
    await store.log(run.id, {
      metrics: [
        { key: 'acc', value: index === 3 ? Number.NaN : index / 10, step: 0, time: 0 },
        { key: 'loss.train', value: 1 - index / 10, step: 0, time: 0 },
      ],
    });
    if (index < 3)
      await store.update(run.id, { status: 'FINISHED', endedAt: Date.UTC(2026, 0, 1 + index) + 2000 });
    ids.push(run.id);
  }
  return { ...space, ids };
}

const namesOf = ({ runs }: RunPage): string[] => runs.map(({ name }) => name.slice(-1));

describe('a search', () => {
  test.each([
    ['metrics.acc > 0.1', '542'],
    ['metrics.acc >= 0.1 and params.depth = "4"', '4'],
    ['metrics."loss.train" < 0.65', '54'],
    ['metrics.loss.train < 0.65', '54'],
    ["tags.team = 'risk' AND status = 'FINISHED'", '20'],
    ["attributes.status != 'FINISHED'", '543'],
    ["tags.mlflow.runName = 'run 3'", '3'],
    ["tags.`mlflow.runName` LIKE 'run %'", '543210'],
    ["run_name ILIKE 'RUN 1'", '1'],
    ["attributes.`run name` = 'run 1'", '1'],
    ["experiment = 'other'", '5'],
    ["experiment_id = '0'", '43210'],
    ["startedAt >= '2026-01-03'", '5432'],
    ['start_time < 1767312000000', '0'],
    ['attributes.end_time > 0', '210'],
    ['duration = 2', '210'],
    ["id IN ('x')", ''],
    ['params.nothing IS NULL AND metrics.acc = 0', '0'],
    ["params.__proto__ = 'x'", ''],
    ['metrics.constructor > 0', ''],
    ['', '543210'],
  ])('with %s', async (filter, names) => {
    const { store } = await filled();
    expect(namesOf(await store.search({ filter })).join('')).toBe(names);
  });

  test.each([
    [['metrics.acc DESC'], '542103'],
    [['metrics.acc ASC'], '012453'],
    [['tags.team', 'params.depth DESC'], '531420'],
    [['attributes.start_time ASC'], '012345'],
    [['start_time DESC'], '543210'],
    [['status'], '210543'],
    [['-params.depth'], '543210'],
    [['metrics.unknown'], '543210'],
  ])('ordered by %j', async (orderBy, names) => {
    const { store } = await filled();
    expect(namesOf(await store.search({ orderBy })).join('')).toBe(names);
  });

  test('gives page after page, each run once', async () => {
    const { store } = await filled();
    const seen: string[] = [];
    let pageToken: string | undefined;
    let pages = 0;
    do {
      const found: RunPage = await store.search({ maxResults: 4, pageToken, orderBy: ['params.depth'] });
      expect(found.total).toBe(6);
      seen.push(...namesOf(found));
      pageToken = found.nextPageToken;
      pages += 1;
    } while (pageToken !== undefined);
    expect([seen.join(''), pages]).toEqual(['012345', 2]);
  });

  test.each(['', 'x', 'bm90IGEgdG9rZW4', Buffer.from('3.0000000000000000').toString('base64url')])(
    'refuses the page token %j',
    async (pageToken) => {
      const { store } = await filled();
      await expect(store.search({ pageToken })).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' });
    },
  );

  test('refuses the token of another search', async () => {
    const { store } = await filled();
    const { nextPageToken: pageToken } = await store.search({ maxResults: 2 });
    const other = store.search({ maxResults: 2, pageToken, filter: 'metrics.acc > 0' });
    await expect(other).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' });
  });

  test('shows deleted runs to those who ask, and experiments that are named', async () => {
    const { store, ids } = await filled();
    await store.delete(ids[0] ?? '');
    expect(namesOf(await store.search()).join('')).toBe('54321');
    expect(namesOf(await store.search({ view: 'deleted' })).join('')).toBe('0');
    expect(namesOf(await store.search({ view: 'all' })).join('')).toBe('543210');
    expect(namesOf(await store.search({ experimentIds: ['0'] })).join('')).toBe('4321');
    expect(namesOf(await store.search({ experimentIds: [] })).join('')).toBe('');
  });

  test.each([
    ['metrics.acc >', 'FILTER_INVALID', 14],
    ['metrics.acc > "0.5"', 'FILTER_INVALID', 15],
    ['params.depth > 3', 'FILTER_INVALID', 14],
    ["nothing = 'x'", 'FILTER_INVALID', 1],
    ["metrics.acc > 0.5 OR tags.a = 'b'", 'FILTER_INVALID', 19],
  ])('says where %s goes wrong', async (filter, code, position) => {
    const { store } = await filled();
    const failure = store.search({ filter });
    await expect(failure).rejects.toMatchObject({ code });
    await expect(failure).rejects.toThrow(`position ${position}`);
  });
});

describe('the history of a metric', () => {
  test('has every point in order, page by page', async () => {
    const { store } = await runSpace();
    const { id } = await store.create({ writer: 'nobody' });
    const points = Array.from({ length: 25 }, (_, step) => ({
      key: 'loss',
      value: 1 / (step + 1),
      step,
      time: step,
    }));
    for (const point of points)
      await store.log(id, {
        metrics: [point, { ...point, key: 'loss2' }, { ...point, key: 'ä', value: Number.NaN }],
      });
    expect((await store.history(id, { key: 'loss' })).points).toEqual(points);
    const seen = [];
    let pageToken: string | undefined;
    do {
      const found = await store.history(id, { key: 'loss', maxResults: 10, pageToken });
      seen.push(...found.points);
      ({ nextPageToken: pageToken } = found);
    } while (pageToken !== undefined);
    expect(seen).toEqual(points);
    expect((await store.history(id, { key: 'ä' })).points).toHaveLength(25);
    expect((await store.history(id, { key: 'none' })).points).toEqual([]);
    const all = await store.histories(id, ['loss', 'ä', 'none']);
    expect([...all].map(([key, found]) => [key, found.length])).toEqual([
      ['loss', 25],
      ['ä', 25],
      ['none', 0],
    ]);
    await expect(store.history(id, { key: 'loss', pageToken: 'x' })).rejects.toMatchObject({
      code: 'PAGE_TOKEN_INVALID',
    });
  });
});

type Step =
  | { do: 'create'; experiment: string; month: number }
  | { do: 'log'; run: number; key: string; value: number; step: number }
  | { do: 'param' | 'tag'; run: number; key: string; value: string }
  | { do: 'end' | 'delete' | 'restore' | 'purge' | 'drop index' | 'reopen' | 'list'; run: number };

const run = fc.nat({ max: 7 });
const key = fc.constantFrom('a', 'b', '__proto__');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      experiment: fc.constantFrom('one', 'two'),
      month: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('log' as const),
      run,
      key,
      value: fc.constantFrom(1, 2, Number.NaN, Infinity),
      step: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('param' as const, 'tag' as const),
      run,
      key,
      value: fc.constantFrom('x', 'y'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'end' as const,
        'delete' as const,
        'restore' as const,
        'purge' as const,
        'drop index' as const,
        'reopen' as const,
        'list' as const,
      ),
      run,
    }),
  },
);

/** What a reader can see, as plain values. */
function plain({ runs }: RunPage): unknown {
  return runs.map((each: Run) => ({
    ...each,
    params: [...each.params],
    tags: [...each.tags],
    metrics: [...each.metrics],
  }));
}

async function play(
  space: RunSpace,
  steps: readonly Step[],
  check: (store: RunStore) => Promise<void>,
): Promise<void> {
  let { store } = space;
  const ids: string[] = [];
  for (const each of steps) {
    if (each.do === 'create') {
      const { id: experimentId } = await store.experiments.ensure(each.experiment);
      const startedAt = Date.UTC(2026, each.month, 3);
      ids.push((await store.create({ writer: 'nobody', experimentId, startedAt })).id);
      continue;
    }
    const id = ids[each.run % Math.max(1, ids.length)];
    if (each.do === 'drop index')
      rmSync(join(space.repository.root, '.mlops/cache'), { recursive: true, force: true });
    if (each.do === 'reopen') {
      await store.close();
      store = await space.reopen();
    }
    if (each.do === 'list') await check(store);
    if (id === undefined) continue;
    try {
      if (each.do === 'log') {
        const { key: name, value, step: at } = each;
        await store.log(id, { metrics: [{ key: name, value, step: at, time: 0 }] });
      }
      if (each.do === 'param') await store.log(id, { params: [[each.key, each.value]] });
      if (each.do === 'tag') await store.log(id, { tags: [[each.key, each.value]] });
      if (each.do === 'end') await store.update(id, { status: 'FINISHED' });
      if (each.do === 'delete') await store.delete(id);
      if (each.do === 'restore') await store.restore(id);
      if (each.do === 'purge') await store.purge([id]);
    } catch (error) {
      const { code } = error as { code?: string };
      if (!['RUN_DELETED', 'RUN_NOT_FOUND', 'RUN_ACTIVE', 'PARAM_EXISTS'].includes(code ?? '')) throw error;
    }
  }
  await check(store);
}

describe('the index', () => {
  test('changes nothing: with it, without it and in a process that remembers, the same runs are seen', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30 }), async (steps) => {
        const space = await runSpace();
        await play(space, steps, async (store) => {
          const remembered = plain(await store.search({ view: 'all' }));
          await makeOld(space);
          const writer = await space.reopen();
          await writer.search({ view: 'all' });
          await writer.close();
          const withIndex = plain(await (await space.reopen()).search({ view: 'all' }));
          await space.repository.documents.writeCache('runs', Buffer.from('rubbish'));
          const without = plain(await (await space.reopen()).search({ view: 'all' }));
          expect(withIndex).toEqual(without);
          expect(remembered).toEqual(without);
        });
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  test('spares reading what did not change', async () => {
    const space = await filled();
    await makeOld(space);
    const indexing = await space.reopen();
    await indexing.search();
    await indexing.close();
    const files = await space.repository.runFiles();
    const read: string[] = [];
    const counting = new Proxy(files, {
      get: (target, property) => {
        const member = Reflect.get(target, property) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (property === 'read') read.push(String(args[1]));
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
    const store = await openRunStore({ ...space.repository, runFiles: () => Promise.resolve(counting) });
    expect((await store.search()).runs).toHaveLength(6);
    expect(read).toEqual([]);
    await space.store.log(space.ids[2] ?? '', { metrics: [{ key: 'acc', value: 9, step: 9, time: 9 }] });
    const again = await openRunStore({ ...space.repository, runFiles: () => Promise.resolve(counting) });
    expect(namesOf(await again.search({ filter: 'metrics.acc = 9' }))).toEqual(['2']);
    expect(new Set(read)).toEqual(new Set(['metrics.jsonl']));
  });

  test('of bits that rotted is worth nothing', async () => {
    const space = await filled();
    await makeOld(space);
    const indexing = await space.reopen();
    await indexing.search();
    await indexing.close();
    const bytes = Buffer.from((await space.repository.documents.readCache('runs')) ?? []);
    expect(bytes.length).toBeGreaterThan(1000);
    const expected = plain(await (await space.reopen()).search());
    for (const at of [3, 60, 300, bytes.length - 3]) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      await space.repository.documents.writeCache('runs', changed);
      expect(plain(await (await space.reopen()).search())).toEqual(expected);
    }
  });
});

/** What was written within the last seconds is not indexed; these files pretend to be older. */
async function makeOld({ repository }: RunSpace): Promise<void> {
  const files = await repository.runFiles();
  repository.tick(0);
  for (const month of files.months())
    for (const name of files.names(month)) utimesSync(join(files.path({ month, name }), 'run.json'), 1, 1);
  // The times of the change itself can't be set, so the clock goes on.
  repository.setTime(new Date(Date.now() + 60_000).toISOString());
}

test('a process that lives for long sees what others did: at once what is new or under way, soon what had ended', async () => {
  const space = await filled();
  const { store, ids, reopen } = space;
  expect((await store.search()).runs).toHaveLength(6);
  const other = await reopen();
  const made = await other.create({ name: 'new 9', writer: 'nobody' });
  await other.log(ids[4] ?? '', { tags: [['seen', 'yes']] });
  expect(namesOf(await store.search({ filter: "tags.seen = 'yes'" }))).toEqual(['4']);
  expect((await store.search()).runs.some(({ id }) => id === made.id)).toBe(true);
  await other.log(ids[0] ?? '', { tags: [['seen', 'yes']] });
  await expect
    .poll(async () => namesOf(await store.search({ filter: "tags.seen = 'yes'" })), { timeout: 10_000 })
    .toEqual(['4', '0']);
  await other.delete(ids[1] ?? '');
  await other.purge([ids[1] ?? '']);
  await expect
    .poll(async () => (await store.search({ view: 'all' })).runs.length, { timeout: 10_000 })
    .toBe(6);
});

test('entries are looked up without the index too', async () => {
  const { repository, store } = await runSpace();
  const { id } = await store.create({ writer: 'nobody' });
  const files = await repository.runFiles();
  const parts = { files, shapes: new Shapes(), now: () => 0, canWrite: true };
  const entries = new RunEntries(parts, repository.documents);
  expect(entries.get(id, { metrics: true }).state.id).toBe(id);
});
