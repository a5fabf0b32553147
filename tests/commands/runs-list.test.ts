import { describe, expect, test } from 'vitest';
import { openRunStore } from '../../src/core/runs/index.ts';
import { LocalRunFiles } from '../../src/storage/local/run-files.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { join } from 'node:path';

interface Sample {
  name: string;
  experiment?: string;
  params?: Record<string, string>;
  metrics?: Record<string, number | readonly number[]>;
  tags?: Record<string, string>;
  status?: 'FINISHED' | 'FAILED' | 'RUNNING';
}

/** Runs as some training wrote them, each a minute after the one before. */
async function withRuns(samples: readonly Sample[]): Promise<RegistryRepo & { ids: Map<string, string> }> {
  const repo = await registryRepo();
  const scratch = await memoryRepository();
  const { createLocalDocumentStore } = await import('../../src/storage/local/document-store.ts');
  const mlopsDir = join(repo.root, '.mlops');
  const files = new LocalRunFiles(mlopsDir);
  const documents = createLocalDocumentStore(mlopsDir);
  const store = await openRunStore({
    ...scratch,
    root: repo.root,
    documents,
    runFiles: () => Promise.resolve(files),
  });
  const ids = new Map<string, string>();
  const start = Date.UTC(2026, 10, 23, 10);
  for (const [index, sample] of samples.entries()) {
    const { name, experiment, params = {}, metrics = {}, tags = {}, status = 'FINISHED' } = sample;
    const experimentId = experiment === undefined ? '0' : (await store.experiments.ensure(experiment)).id;
    const startedAt = start + index * 60_000;
    const { id } = await store.create({
      name,
      experimentId,
      startedAt,
      writer: 'nobody',
      params: new Map(Object.entries(params)),
      tags: new Map(Object.entries(tags)),
    });
    const points = Object.entries(metrics).flatMap(([key, value]) =>
      [value].flat().map((each, step) => ({ key, value: each, step, time: startedAt + step * 1000 })),
    );
    await store.log(id, { metrics: points });
    if (status !== 'RUNNING') await store.update(id, { status, endedAt: startedAt + 90_000 });
    ids.set(name, id);
  }
  await store.close();
  return { ...repo, ids };
}

const SAMPLES: readonly Sample[] = [
  {
    name: 'one',
    experiment: 'fraud',
    params: { depth: '10', lr: '0.1' },
    metrics: { accuracy: 0.91, loss: [1, 0.5, 0.25] },
  },
  {
    name: 'two',
    experiment: 'fraud',
    params: { depth: '9', lr: '0.1' },
    metrics: { accuracy: 0.95, loss: [1, 0.75] },
  },
  {
    name: 'three',
    params: { depth: '10' },
    metrics: { accuracy: Number.NaN },
    tags: { team: 'risk, "x"' },
    status: 'FAILED',
  },
  { name: 'four', metrics: { other: Infinity }, status: 'RUNNING' },
];

describe('runs list', () => {
  test('has the keys of the contract, newest first', async () => {
    const repo = await withRuns(SAMPLES);
    const { runs, total } = await repo.json<{ runs: Record<string, unknown>[]; total: number }>(
      'runs',
      'list',
    );
    expect(total).toBe(4);
    expect(runs.map(({ name }) => name)).toEqual(['four', 'three', 'two', 'one']);
    expect(runs[3]).toMatchObject({
      id: repo.ids.get('one'),
      experiment: 'fraud',
      status: 'FINISHED',
      startedAt: '2026-11-23T10:00:00.000Z',
      endedAt: '2026-11-23T10:01:30.000Z',
      duration: 90,
      params: { depth: '10', lr: '0.1' },
      metrics: { accuracy: 0.91, loss: 0.25 },
      tags: {},
      git: null,
    });
    expect(runs[1]).toMatchObject({ metrics: { accuracy: null }, nonFinite: { accuracy: 'NaN' } });
    expect(runs[0]).toMatchObject({ endedAt: null, duration: null, nonFinite: { other: 'Infinity' } });
  });

  test.each([
    [['--filter', "metrics.accuracy > 0.9 and params.depth = '10'"], ['one']],
    [
      ['--sort', '-metrics.accuracy'],
      ['two', 'one', 'three', 'four'],
    ],
    [
      ['--sort', 'params.depth, name'],
      ['two', 'one', 'three', 'four'],
    ],
    [
      ['--experiment', 'fraud'],
      ['two', 'one'],
    ],
    [
      ['--experiment', 'fraud', '--experiment', 'Default'],
      ['four', 'three', 'two', 'one'],
    ],
    [['--limit', '1'], ['four']],
    [['--filter', "status = 'FAILED'"], ['three']],
    [['--filter', 'duration > 60 AND startedAt < "2026-11-23T10:01"'], ['one']],
  ])('%j', async (options, names) => {
    const repo = await withRuns(SAMPLES);
    const { runs } = await repo.json<{ runs: { name: string }[] }>('runs', 'list', ...options);
    expect(runs.map(({ name }) => name)).toEqual(names);
  });

  test('for people: short ids, what tells the runs apart, common metrics', async () => {
    const repo = await withRuns(SAMPLES);
    const { stdout, stderr } = await repo.runWith(
      { tty: true, columns: 140, now: new Date(Date.UTC(2026, 10, 23, 12)) },
      'runs',
      'list',
    );
    const [header, first] = stdout.split('\n');
    expect(header?.split(/\s+/)).toEqual([
      'RUN',
      'NAME',
      'EXPERIMENT',
      'STATUS',
      'depth',
      'lr',
      'accuracy',
      'loss',
      'other',
      'STARTED',
      'TOOK',
    ]);
    expect(first).toMatch(/^[0-9a-f]{8} {2}four {3}Default {5}RUNNING {3}- +- +- +- +∞ {2}1 hour ago +-$/);
    expect(stdout).toContain('NaN');
    expect(stderr).toBe('');
  });

  test('columns are chosen by name', async () => {
    const repo = await withRuns(SAMPLES);
    const { stdout } = await repo.run(
      'runs',
      'list',
      '--columns',
      'name,metrics.accuracy,params.depth,duration',
      '--sort',
      'name',
    );
    expect(stdout.split('\n').map((line) => line.trim().split(/\s+/))).toEqual([
      ['name', 'metrics.accuracy', 'params.depth', 'duration'],
      ['four', '-', '-', '-'],
      ['one', '0.91', '10', '90'],
      ['three', 'NaN', '10', '90'],
      ['two', '0.95', '9', '90'],
      [''],
    ]);
  });

  test('CSV has every column there is, or those that are named, quoted as RFC 4180 wants', async () => {
    const repo = await withRuns(SAMPLES);
    const all = await repo.run('runs', 'list', '--csv', '--sort', 'name');
    const [header, , one, three] = all.stdout.split('\r\n');
    expect(header).toBe(
      'id,name,experiment,status,user,startedAt,endedAt,duration,exitCode,params.depth,params.lr,metrics.accuracy,metrics.loss,metrics.other,tags.team',
    );
    expect(one).toBe(
      `${repo.ids.get('one')},one,fraud,FINISHED,Test User <test@example.org>,2026-11-23T10:00:00.000Z,2026-11-23T10:01:30.000Z,90,,10,0.1,0.91,0.25,,`,
    );
    expect(three).toMatch(/,NaN,,,"risk, ""x"""$/);
    const some = await repo.run(
      'runs',
      'list',
      '--csv',
      '--columns',
      'name,tags.team',
      '--filter',
      'tags.team IS NOT NULL',
    );
    expect(some.stdout).toBe('name,tags.team\r\nthree,"risk, ""x"""\r\n');
  });

  test('says what it left out, and how to start', async () => {
    const repo = await withRuns(SAMPLES);
    expect((await repo.run('runs', 'list', '--limit', '2')).stderr).toBe(
      'hint: 2 of 4 shown; --limit 0 shows all\n',
    );
    expect((await repo.run('runs', 'list', '--filter', 'metrics.x > 1')).stdout).toBe('No runs match\n');
    const empty = await registryRepo();
    expect(await empty.run('runs', 'list')).toMatchObject({
      stdout: 'No runs yet\n',
      stderr: 'hint: start one: mlops run -- <command>\n',
    });
  });

  test('names damaged runs, and lists the others', async () => {
    const repo = await withRuns(SAMPLES);
    await repo.write(`.mlops/runs/2026-11/${repo.ids.get('two')}/run.json`, '{"half');
    const { code, stdout, stderr } = await repo.run('runs', 'list', '--json');
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { data: { problems: object[]; runs: object[] } }).data).toMatchObject({
      problems: [{ path: `.mlops/runs/2026-11/${repo.ids.get('two')}/run.json` }],
      runs: [{ name: 'four' }, { name: 'three' }, { name: 'one' }],
    });
    expect(stderr).toContain('warning');
  });

  test.each([
    [['--filter', 'metrics.accuracy >'], 'FILTER_INVALID', /position 19/],
    [['--filter', "params.depth > '3'"], 'FILTER_INVALID', /position 14/],
    [['--sort', 'nothing'], 'SORT_INVALID', /position 1/],
    [['--columns', 'name,,x'], 'COLUMNS_INVALID', /position 6/],
    [['--columns', 'metrics.'], 'COLUMNS_INVALID', /position 9/],
    [['--experiment', 'frodd'], 'EXPERIMENT_NOT_FOUND', /frodd/],
    [['--limit', 'x'], 'INVALID_INPUT', /--limit/],
    [['--all', '--deleted'], 'INVALID_INPUT', /not both/],
  ])('bad input %j is exit 2', async (options, code, message) => {
    const repo = await withRuns(SAMPLES);
    const failure = await repo.failure('runs', 'list', ...options);
    expect(failure).toMatchObject({ code, exitCode: 2 });
    expect(failure.message).toMatch(message);
  });

  test('a narrow terminal gets fewer metrics, and no number is cut', async () => {
    const metrics = { first: 0.123456, second: 0.234567, third: 0.345678, fourth: 0.456789 };
    const repo = await withRuns([{ name: 'one', metrics }]);
    const wide = await repo.runWith({ tty: true, columns: 200 }, 'runs', 'list');
    for (const key of Object.keys(metrics)) expect(wide.stdout).toContain(key);
    const narrow = await repo.runWith({ tty: true, columns: 80 }, 'runs', 'list');
    expect(narrow.stdout).toContain('0.123456');
    expect(narrow.stdout).not.toContain('third');
    expect(narrow.stdout).not.toContain('…');
    for (const line of narrow.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('text of runs can not act on the terminal', async () => {
    const repo = await withRuns([
      { name: 'evil', params: { p: '\u001b[2Jx' }, tags: { t: '\u202ereversed' } },
      { name: 'other', params: { p: 'y' } },
    ]);
    for (const words of [
      ['runs', 'list'],
      ['runs', 'show', 'evil'],
      ['runs', 'list', '--columns', 'name,params.p,tags.t'],
      ['runs', 'compare', 'evil', 'other'],
    ]) {
      const { stdout } = await repo.runWith({ tty: true, columns: 200 }, ...words);
      expect(stdout).not.toContain('\u001b[2J');
      expect(stdout).not.toContain('\u202e');
    }
  });
});

describe('runs show', () => {
  test('has everything', async () => {
    const repo = await withRuns(SAMPLES);
    const data = await repo.json('runs', 'show', 'one');
    expect(data).toMatchObject({
      run: { name: 'one' },
      history: { loss: { count: 3, step: 2, min: 0.25, minStep: 2, max: 1, maxStep: 0 } },
      artifacts: [],
      inputs: [],
    });
    const { stdout } = await repo.run('runs', 'show', (repo.ids.get('one') ?? '').slice(0, 10));
    expect(stdout).toMatch(/^run: +one {2}[0-9a-f]{32}$/m);
    expect(stdout).toMatch(/^loss +0\.25 +2 +3 +0\.25 \(2\) +1 \(0\)$/m);
  });

  test('an unknown one is exit 2 with the nearest name', async () => {
    const repo = await withRuns(SAMPLES);
    expect(await repo.failure('runs', 'show', 'thre')).toMatchObject({
      code: 'RUN_NOT_FOUND',
      exitCode: 2,
      hint: 'did you mean three?',
    });
  });
});

describe('runs compare', () => {
  test('shows what differs, and the best value of each metric with its course', async () => {
    const repo = await withRuns(SAMPLES);
    const data = await repo.json('runs', 'compare', 'one', 'two', 'three');
    expect(data).toMatchObject({
      params: [
        { key: 'depth', values: ['10', '9', '10'], differs: true },
        { key: 'lr', values: ['0.1', '0.1', null], differs: true },
      ],
      metrics: [
        { key: 'accuracy', goal: 'max', values: [0.91, 0.95, null], best: [1], histories: [[], [], []] },
        {
          key: 'loss',
          goal: 'min',
          values: [0.25, 0.75, null],
          best: [0],
          histories: [
            [
              [0, 1],
              [1, 0.5],
              [2, 0.25],
            ],
            [
              [0, 1],
              [1, 0.75],
            ],
            [],
          ],
        },
      ],
    });
    const { stdout } = await repo.run('runs', 'compare', 'one', 'two', '--max', 'loss');
    expect(stdout).toMatch(/^depth +10 +9$/m);
    expect(stdout).not.toMatch(/^lr /m);
    expect(stdout).toMatch(/^accuracy ↑ +0\.91 +0\.95 \*$/m);
    expect(stdout).toMatch(/^loss ↑ +0\.25 {2}█▃▁ +0\.75 \* {2}█▁$/m);
    expect((await repo.run('runs', 'compare', 'one', 'two', '--all')).stdout).toMatch(/^lr +0\.1 +0\.1$/m);
  });

  test('one run is no comparison', async () => {
    const repo = await withRuns(SAMPLES);
    expect(await repo.failure('runs', 'compare', 'one')).toMatchObject({
      code: 'INVALID_INPUT',
      exitCode: 2,
    });
    expect(
      await repo.failure('runs', 'compare', 'one', 'two', '--min', 'loss', '--max', 'loss'),
    ).toMatchObject({ exitCode: 2 });
  });
});

describe('runs best', () => {
  test.each([
    [['--metric', 'accuracy'], 'two', 0.95],
    [['--metric', 'loss'], 'one', 0.25],
    [['--metric', 'loss', '--max'], 'two', 0.75],
    [['--metric', 'loss', '--max', '--ever'], 'two', 1],
    [['--metric', 'accuracy', '--filter', "params.depth = '10'"], 'one', 0.91],
    [['--metric', 'accuracy', '--experiment', 'fraud', '--min'], 'one', 0.91],
  ])('%j', async (options, name, value) => {
    const repo = await withRuns(SAMPLES);
    expect(await repo.json('runs', 'best', ...options)).toMatchObject({ value, run: { name } });
  });

  test('prints an id for scripts; no run is exit 1', async () => {
    const repo = await withRuns(SAMPLES);
    expect((await repo.run('runs', 'best', '--metric', 'accuracy', '--id')).stdout).toBe(
      `${repo.ids.get('two')}\n`,
    );
    const none = await repo.run('runs', 'best', '--metric', 'f1', '--id');
    expect([none.code, none.stdout]).toEqual([1, '']);
    expect((await repo.failure('runs', 'best')).exitCode).toBe(2);
  });
});

describe('runs plot', () => {
  test('draws on the terminal, with braille dots', async () => {
    const repo = await withRuns(SAMPLES);
    const { stdout } = await repo.runWith({ tty: true, columns: 60 }, 'runs', 'plot', 'one', 'two');
    expect(stdout).toMatch(/^loss\n/);
    expect(stdout).toMatch(/[\u2801-\u28ff]/);
    expect(stdout).toMatch(/A ━ one {2}last 0\.25\n {2}B ━ two {2}last 0\.75\n$/);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(60);
  });

  test('writes SVG and HTML that load nothing and hold no markup of others', async () => {
    const repo = await withRuns([
      { name: '<script>alert(1)</script>', metrics: { 'a"&<b>': [1, 2, 3], loss: [3, 2] } },
    ]);
    const id = [...repo.ids.values()][0] ?? '';
    await repo.json('runs', 'plot', id, '--metric', 'a"&<b>', '-o', 'a.svg');
    await repo.json('runs', 'plot', id, '--x', 'time', '-o', 'all.html');
    for (const name of ['a.svg', 'all.html']) {
      const text = await repo.read(name);
      expect(text).not.toMatch(/<script/i);
      expect(text).toContain('&lt;script&gt;');
      expect(text).toMatch(/<path d="M[\d. ]+L/);
      expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import/);
    }
    expect((await repo.read('all.html')).match(/<svg /g)).toHaveLength(2);
  });

  test.each([
    [['one', '--metric', 'los'], 'METRIC_NOT_FOUND', 'did you mean loss?'],
    [['three'], 'METRIC_NOT_FOUND', null],
    [['one', '-o', 'x.png'], 'INVALID_INPUT', null],
    [['one', '--metric', 'loss', '--metric', 'accuracy', '-o', 'x.svg'], 'INVALID_INPUT', null],
    [['one', '--x', 'y'], 'INVALID_INPUT', null],
  ])('%j is exit 2', async (words, code, hint) => {
    const repo = await withRuns(SAMPLES);
    const failure = await repo.failure('runs', 'plot', ...words);
    expect(failure).toMatchObject({ code, exitCode: 2, ...(hint === null ? {} : { hint }) });
  });
});

describe('runs delete and restore', () => {
  test('hide a run and take that back; --purge removes it', async () => {
    const repo = await withRuns(SAMPLES);
    const names = async (...options: string[]): Promise<string[]> =>
      (await repo.json<{ runs: { name: string }[] }>('runs', 'list', ...options)).runs.map(
        ({ name }) => name,
      );
    await repo.json('runs', 'delete', 'one', 'two');
    expect(await names()).toEqual(['four', 'three']);
    expect(await names('--deleted')).toEqual(['two', 'one']);
    await repo.json('runs', 'restore', 'one');
    expect(await names()).toEqual(['four', 'three', 'one']);
    expect(await repo.failure('runs', 'delete', 'one', '--purge')).toMatchObject({
      code: 'RUN_ACTIVE',
      exitCode: 2,
    });
    await repo.json('runs', 'delete', 'two', '--purge');
    expect(await names('--all')).toEqual(['four', 'three', 'one']);
  });
});

describe('log', () => {
  test.each([
    [['log', 'metric', 'x=1'], 'NO_RUN', 2],
    [['log', 'metric', '--run', 'one'], 'MISSING_ARGUMENT', 2],
    [['log', 'metric', 'x=high', '--run', 'one'], 'PAIR_INVALID', 2],
    [['log', 'metric', 'x', '--run', 'one'], 'PAIR_INVALID', 2],
    [['log', 'metric', 'x=1', '--step', '1.5', '--run', 'one'], 'INVALID_INPUT', 2],
    [['log', 'metric', 'x=1', '--time', 'noon', '--run', 'one'], 'INVALID_INPUT', 2],
    [['log', 'metric', 'x=1', '--run', 'nobody'], 'RUN_NOT_FOUND', 2],
    [['log', 'param', `x=${'v'.repeat(6001)}`, '--run', 'one'], 'LIMIT_EXCEEDED', 2],
    [['log', 'param', 'depth=11', '--run', 'one'], 'PARAM_EXISTS', 5],
    [['log', 'param', `token=ghp_${'a1B2c3D4e5F6'.repeat(3)}`, '--run', 'one'], 'SECRET_FOUND', 4],
    [['log', 'tag', `${'k'.repeat(251)}=x`, '--run', 'one'], 'LIMIT_EXCEEDED', 2],
    [['log', 'artifact', 'missing', '--run', 'one'], 'SOURCE_MISSING', 2],
    [['log', 'artifact', 'README.md', '--to', '../..', '--run', 'one'], 'UNSAFE_PATH', 4],
    [['log', 'data', 'train=missing', '--run', 'one'], 'SOURCE_MISSING', 2],
  ])('%j is %s', async (words, code, exitCode) => {
    const repo = await withRuns(SAMPLES);
    const before = await repo.json('runs', 'show', 'one');
    expect(await repo.failure(...words)).toMatchObject({ code, exitCode });
    expect(await repo.json('runs', 'show', 'one')).toEqual(before);
  });

  test('metrics of a file, tags that are removed, the run of the environment', async () => {
    const repo = await withRuns(SAMPLES);
    await repo.write('m.json', '{"test": {"auc": 0.5}}');
    const env = { MLOPS_RUN_ID: repo.ids.get('one') };
    await repo.runWith(
      { env },
      'log',
      'metric',
      'auc=1',
      '--file',
      'm.json',
      '--step',
      '-3',
      '--time',
      '2026-11-23T10:00:00Z',
    );
    await repo.runWith({ env }, 'log', 'tag', 'a=1', 'b=2');
    const { stdout } = await repo.runWith({ env }, 'log', 'tag', 'a=');
    expect(stdout).toBe('Set 0 tags of one, removed 1\n');
    expect(await repo.json('runs', 'show', 'one')).toMatchObject({
      run: { metrics: { auc: 1, 'test.auc': 0.5 }, tags: { b: '2' } },
      history: { auc: { step: -3 } },
    });
  });
});
