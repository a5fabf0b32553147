import { describe, expect, test } from 'vitest';
import { snapshot, twoModels } from '../support/bad-input.ts';
import { registryRepo } from '../support/registry-repo.ts';

describe('an unknown name', () => {
  test.each([
    ['a model', ['show', 'frau'], 'MODEL_NOT_FOUND', 'fraud'],
    ['a model to list', ['list', 'chrn'], 'MODEL_NOT_FOUND', 'churn'],
    ['a model to roll back', ['rollback', 'fruad', '--reason', 'x'], 'MODEL_NOT_FOUND', 'fraud'],
    ['a model in the history', ['history', 'churm'], 'MODEL_NOT_FOUND', 'churn'],
    ['a version', ['load', 'fraud@v3'], 'VERSION_NOT_FOUND', 'fraud@v1'],
    ['a version to export', ['export', 'fraud@v12', '-o', 'x.tar.gz'], 'VERSION_NOT_FOUND', 'fraud@v1'],
    ['a stage', ['promote', 'fraud@v1', '--to', 'prodction'], 'STAGE_NOT_FOUND', 'production'],
    ['a stage to look at', ['show', 'fraud@productoin'], 'VERSION_NOT_FOUND', 'fraud@production'],
    ['a stage to list', ['list', '--stage', 'stagin'], 'STAGE_NOT_FOUND', 'staging'],
    ['a stage in the history', ['history', '--stage', 'productio'], 'STAGE_NOT_FOUND', 'production'],
    ['an option', ['list', '--limt', '3'], 'UNKNOWN_OPTION', '--limit'],
    ['a command', ['promot', 'fraud'], 'UNKNOWN_COMMAND', 'promote'],
    [
      'an attribute of a filter',
      ['list', 'fraud', '--filter', "creatdAt > '2026-01-01'"],
      'FILTER_INVALID',
      'createdAt',
    ],
  ])('of %s is exit 2 with the nearest one', async (_what, argv, code, nearest) => {
    const repo = await twoModels();
    const before = await snapshot(repo.root);
    const failure = await repo.failure(...argv);
    expect(failure).toMatchObject({ code, exitCode: 2 });
    expect(`${failure.message} ${failure.hint}`).toContain(nearest);
    expect(await snapshot(repo.root)).toEqual(before);
  });
});

describe('what a person types or gives', () => {
  test('a missing source is exit 2', async () => {
    const repo = await registryRepo();
    for (const argv of [
      ['save', 'm', 'nothing.bin'],
      ['save', 'm', 'README.md', '--data', 'train=nothing.csv'],
      ['save', 'm', 'README.md', '--metrics', 'nothing.json'],
      ['import', 'nothing.tar.gz'],
    ]) {
      expect({ argv, ...(await repo.failure(...argv)) }).toMatchObject({
        argv,
        code: 'SOURCE_MISSING',
        exitCode: 2,
        message: expect.stringContaining('nothing'),
      });
    }
    expect(await repo.json('list')).toMatchObject({ models: [] });
  });

  test('a NaN metric is stored and shown as NaN, and is null with the reason in JSON', async () => {
    const repo = await registryRepo();
    await repo.write('metrics.json', '{"loss": NaN, "bound": -Infinity, "auc": 0.5}');
    await repo.json(
      'save',
      'm',
      'README.md',
      '--version',
      'v1',
      '--metrics',
      'metrics.json',
      '--metric',
      'f1=nan',
    );
    expect(JSON.parse(await repo.read('.mlops/models/m/versions/v1.json'))).toMatchObject({
      metrics: { auc: 0.5, bound: '-Infinity', f1: 'NaN', loss: 'NaN' },
    });
    const shown = {
      metrics: { auc: 0.5, bound: null, f1: null, loss: null },
      nonFinite: { bound: '-Infinity', f1: 'NaN', loss: 'NaN' },
    };
    expect(await repo.json('show', 'm')).toMatchObject(shown);
    expect(await repo.json('list', 'm')).toMatchObject({ versions: [shown] });
    expect((await repo.run('show', 'm')).stdout).toMatch(/loss: +NaN/);
    expect((await repo.run('list', 'm')).stdout).toMatch(/NaN/);
    await repo.json('save', 'm', 'README.md', '--version', 'v2', '--metric', 'loss=1');
    const { metrics } = await repo.json<{ metrics: { name: string }[] }>('diff', 'm@v1', 'm@v2');
    expect(metrics.find(({ name }) => name === 'loss')).toEqual({
      name: 'loss',
      left: null,
      right: 1,
      delta: null,
      nonFinite: { left: 'NaN', right: null },
    });
    expect(await repo.json('verify')).toMatchObject({ damage: [] });
  });

  test.each([
    ['a 5 MB metrics file', ['--metrics', 'big.json'], /1048576/],
    ['10,000 tags', Array.from({ length: 10_000 }, (_none, index) => ['--tag', `t${index}=x`]).flat(), /256/],
    ['a long description', ['--description', 'x'.repeat(20_001)], /20,000/],
    [
      '1,001 metrics from a file and the command line together',
      ['--metrics', 'many.json', '--metric', 'one=1'],
      /1000/,
    ],
  ])('%s is refused with the limit named, and nothing is written', async (_what, options, limit) => {
    const repo = await registryRepo();
    await repo.write('big.json', `{"a": 1}${' '.repeat(5 * 1024 * 1024)}`);
    await repo.write(
      'many.json',
      JSON.stringify(Object.fromEntries(Array.from({ length: 1000 }, (_none, index) => [`m${index}`, 1]))),
    );
    const before = await snapshot(repo.root);
    const failure = await repo.failure('save', 'm', 'README.md', ...options);
    expect(failure).toMatchObject({ exitCode: 2, message: expect.stringMatching(limit) });
    expect(await snapshot(repo.root)).toEqual(before);
  });

  test.each([
    ['a model of 200 characters', ['save', 'm'.repeat(200), 'README.md'], /128/],
    ['a version of 200 characters', ['save', 'm', 'README.md', '--version', 'v'.repeat(200)], /64/],
    ['a stage of 200 characters', ['promote', 'm', '--to', 's'.repeat(200)], /64/],
    ['a stage of 200 characters to list', ['list', '--stage', 's'.repeat(200)], /64/],
    ['a model that Windows reserves', ['save', 'con', 'README.md'], /Windows/],
    ['a model that is a path', ['save', '../m', 'README.md'], /model/],
    ['the version "latest"', ['save', 'm', 'README.md', '--version', 'latest'], /latest/],
  ])('%s is refused with the limit named', async (_what, argv, limit) => {
    const repo = await registryRepo();
    expect(await repo.failure(...argv)).toMatchObject({ exitCode: 2, message: expect.stringMatching(limit) });
    expect(await repo.git('status', '--porcelain')).toBe('');
  });

  test.each([
    [['push', '--jobs', '0'], '--jobs: must be at least 1'],
    [['push', '--jobs', '257'], '--jobs: must be at most 256'],
    [['push', '--jobs', 'many'], '--jobs: expected a number'],
    [['push', '--jobs', '1.5'], '--jobs: expected a whole number'],
    [['gc', '--grace', 'soon'], '--grace: expected a number of days'],
    [['gc', '--grace', '-1'], '--grace: expected a number of days from 0 to 3650'],
    [['save', 'm', ''], '<path>: must not be empty'],
    [['load', 'm', '-o', ''], '--output: must not be empty'],
    [['load', 'm', '-o', 'x', '--file', 'x'.repeat(4097)], '--file: has more than 4096 characters'],
    [['save', 'm', 'README.md', '--bump', 'big'], '--bump: expected major, minor or patch'],
  ])('%j is told what is expected', async (argv, message) => {
    const repo = await registryRepo();
    const failure = await repo.failure(...argv);
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', exitCode: 2 });
    expect(failure.message).toContain(message);
  });

  test.each([
    ['nothing', /nothing: there is no such directory$/],
    ['README.md', /README\.md is no directory$/],
  ])('-C %s is exit 2 and says so', async (place, message) => {
    const repo = await registryRepo();
    const failure = await repo.failure('-C', place, 'list');
    expect(failure).toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
    expect(failure.hint).toContain('-C');
  });

  test('text with escape sequences never reaches the terminal raw', async () => {
    const repo = await registryRepo();
    const evil = 'x\u001b[2J\u001b]0;owned\u0007\u009b31m\u202ey';
    const env = { MLOPS_ACTOR: `Mallory${evil} <m@example.org>` };
    const run = (...argv: string[]) => repo.runWith({ env, tty: true }, ...argv);
    await repo.write('metrics.json', JSON.stringify({ [`loss${evil}`]: 1 }));
    expect(
      (
        await run(
          'save',
          'm',
          'README.md',
          '--version',
          'v1',
          '--tag',
          `t${evil}=${evil}`,
          '--param',
          `p${evil}=${evil}`,
          '--description',
          evil,
          '--metrics',
          'metrics.json',
        )
      ).code,
    ).toBe(0);
    expect((await run('save', 'm', 'metrics.json', '--version', 'v2', '--tag', `u=${evil}`)).code).toBe(0);
    expect((await run('promote', 'm@v1', '--reason', evil)).code).toBe(0);
    expect((await run('annotate', 'm@v1', '--tag', `n=${evil}`, '--description', `again ${evil}`)).code).toBe(
      0,
    );
    expect((await run('deprecate', 'm@v1', '--reason', evil)).code).toBe(0);
    await repo.write(`.mlops/models/m/events/20260101T000000000Z-${evil}.json`, '{}');
    for (const argv of [
      ['list'],
      ['list', 'm'],
      ['show', 'm@v1'],
      ['show', 'm@v1', '--files'],
      ['history', 'm'],
      ['diff', 'm@v1', 'm@v2'],
      ['verify'],
      ['doctor'],
      ['load', 'm@v1', '-o', `out${evil}`],
      ['load', 'm@v1', '-o', `out${evil}`],
      ['promote', 'm@v1'],
      ['show', `m@${evil}`],
      ['list', evil],
      ['list', 'm', '--filter', evil],
      ['export', 'm@v1', '-o', `bundle${evil}`],
      ['delete', 'm@v1', '--reason', evil],
    ]) {
      const { stdout, stderr } = await run(...argv);
      expect((stdout + stderr).length, argv.join(' ')).toBeGreaterThan(0);
      expect(stdout + stderr, argv.join(' ')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });
});
