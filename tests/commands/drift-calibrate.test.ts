import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Calibration } from '../../src/core/drift/calibrate-result.ts';
import { Random } from '../core/drift/support/random.ts';
import { runCli, type CliResult } from '../support/run-cli.ts';
import { tempDirectory, tempGitRepo } from '../support/temp-repo.ts';

const BATCHES = 20;

interface Made {
  rows?: number;
  /** Mean of `season`. */
  season?: number;
  /** Mean of `steady`. */
  steady?: number;
}

function csv(random: Random, { rows = 300, season = 0, steady = 0 }: Made = {}): string {
  const lines = Array.from({ length: rows }, () =>
    [random.normal(season).toFixed(3), random.normal(steady).toFixed(3), random.level([3, 2, 1])].join(','),
  );
  return `season,steady,"city, or so"\n${lines.join('\n')}\n`;
}

/** A reference, and batches whose `season` moves. */
function history(): Record<string, string> {
  const random = new Random(17);
  const files: Record<string, string> = { 'train.csv': csv(random, { rows: 2000 }) };
  for (let batch = 0; batch < BATCHES; batch += 1) {
    files[nameOf(batch)] = csv(random, { season: 0.5 * Math.sin(batch) });
  }
  files['shifted.csv'] = csv(random, { steady: 0.7 });
  files['farther.csv'] = csv(random, { season: 1.5 });
  return files;
}

const nameOf = (batch: number): string => `batch-${String(batch).padStart(2, '0')}.csv`;
const NAMES = Array.from({ length: BATCHES }, (_, batch) => nameOf(batch));

async function place(files: Record<string, string>): Promise<string> {
  const directory = await tempDirectory();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

function dataOf({ stdout }: CliResult) {
  return (JSON.parse(stdout) as { data: Calibration & { written: string | null; commit: string | null } })
    .data;
}

describe('mlops drift calibrate', () => {
  test('writes floors by which the past batches pass, and a planted shift does not', async () => {
    const { root: cwd, env, git, read } = await tempGitRepo({ files: history() });
    const options = { cwd, env };
    await runCli(['init'], options);
    const codes = async (...names: string[]): Promise<number[]> => {
      const found: number[] = [];
      for (const name of names) found.push((await runCli(['drift', 'train.csv', name], options)).code);
      return found;
    };
    const before = await codes(...NAMES);
    expect(before.filter((code) => code === 1).length).toBeGreaterThan(BATCHES / 3);
    const result = await runCli(
      ['drift', 'calibrate', 'train.csv', ...NAMES, '--write', '--commit', '--json'],
      options,
    );
    expect(result).toMatchObject({ code: 0 });
    const data = dataOf(result);
    expect(data).toMatchObject({
      written: '.mlops/config.json',
      comparisons: BATCHES,
      budget: 0.05,
      source: 'history',
    });
    expect(data.batches.filter(({ alerts }) => alerts.length > 0)).toHaveLength(
      before.filter((code) => code === 1).length,
    );
    expect(await git('log', '-1', '--format=%s')).toBe('Calibrate the drift check');
    expect(data.commit).toBe(await git('rev-parse', 'HEAD'));
    const config = JSON.parse(await read('.mlops/config.json')) as { drift: { calibration: Calibration } };
    expect(config.drift.calibration).toMatchObject({
      comparisons: BATCHES,
      reference: 'train.csv',
      budget: 0.05,
    });
    expect(await codes(...NAMES)).toEqual(NAMES.map(() => 0));
    expect(await codes('shifted.csv', 'farther.csv')).toEqual([1, 1]);
    const explained = await runCli(['drift', 'train.csv', 'batch-00.csv', '--explain'], options);
    expect(explained.stdout).toContain('config .mlops/config.json drift.calibration');
  });

  test('finds the same floors again, and does not build on those it wrote', async () => {
    const { root: cwd, env } = await tempGitRepo({ files: history() });
    await runCli(['init'], { cwd, env });
    const calibrate = async () =>
      dataOf(
        await runCli(['drift', 'calibrate', 'train.csv', ...NAMES, '--write', '--local', '--json'], {
          cwd,
          env,
        }),
      );
    const first = await calibrate();
    expect(first.written).toBe('.mlops/local.json');
    expect(first.floors.length).toBeGreaterThan(0);
    expect((await calibrate()).floors).toEqual(first.floors);
  });

  test('keeps the other settings, and respects them', async () => {
    const drift = { ignore: ['season'], columns: { steady: { effect: 0.3 } } };
    const { root: cwd, env, read, write } = await tempGitRepo({ files: history() });
    await runCli(['init'], { cwd, env });
    await write('.mlops/config.json', JSON.stringify({ schema: 'mlops.config/1', stages: ['dev'], drift }));
    const result = await runCli(['drift', 'calibrate', 'train.csv', ...NAMES, '--write'], { cwd, env });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('no medium limit has to be raised');
    expect(JSON.parse(await read('.mlops/config.json'))).toMatchObject({
      stages: ['dev'],
      drift: { ...drift, calibration: { floors: [] } },
    });
  });

  test('shows each floor with its evidence, and how to keep it', async () => {
    const cwd = await place(history());
    const { code, stdout, stderr } = await runCli(['drift', 'calibrate', 'train.csv', ...NAMES], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^20 past batches of 300 rows against train\.csv \(2,000 rows\): \d+ alert without floors\n/,
    );
    expect(stdout).toMatch(/\nCOLUMN +LIMIT +BEFORE +FLOOR +MEDIAN +LARGEST +BATCHES\n/);
    expect(stdout).toMatch(/\nseason +D +0\.1 +0\.\d+ +0\.\d+ +0\.\d+ +\d+ of 20\n/);
    expect(stdout).toMatch(/\nof batches like these up to about [\d.]+ % will alert \(budget 5 %\)/);
    expect(stderr).toBe('hint: keep these floors: run it again with --write\n');
  });

  test('splits a reference where there are no past batches', async () => {
    const random = new Random(5);
    const cwd = await place({ 'train.csv': csv(random, { rows: 4000 }) });
    for (const split of ['time', 'random']) {
      const result = await runCli(
        ['drift', 'calibrate', 'train.csv', '--batch-rows', '100', '--split', split, '--json'],
        { cwd },
      );
      expect(result.code).toBe(0);
      expect(dataOf(result)).toMatchObject({
        source: split,
        comparisons: 20,
        reference: 'train.csv',
        rows: { reference: 2000, smallestBatch: 100, largestBatch: 100 },
        floors: [],
      });
    }
    const few = await runCli(['drift', 'calibrate', 'train.csv', '--batch-rows', '500'], { cwd });
    expect(few).toMatchObject({ code: 2, stdout: '' });
    expect(few.stderr).toContain('it takes 19,000 rows');
  });

  test('takes the order of rows from a column', async () => {
    const rows = Array.from({ length: 2000 }, (_, row) => `${row},${row < 1000 ? 0 : 1}`);
    const shuffled = new Random(3).shuffled(rows);
    const cwd = await place({ 'train.csv': `at,value\n${shuffled.join('\n')}\n` });
    const calibrate = async (...more: string[]) =>
      runCli(
        [
          'drift',
          'calibrate',
          'train.csv',
          '--batch-rows',
          '50',
          '--type',
          'value=numeric',
          '--exclude',
          'at',
          '--json',
          ...more,
        ],
        { cwd },
      );
    expect(dataOf(await calibrate()).floors).toEqual([]);
    const ordered = dataOf(await calibrate('--order-by', 'at'));
    expect(ordered.floors).toContainEqual(
      expect.objectContaining({ column: 'value', limit: 'D', largest: 1 }),
    );
    expect(ordered.notes).toContain('`value`: no batch can reach D 1.01, so that it never alerts');
  });

  test.each([
    [['b.csv'], /^error: 1 batches can't support 5 %.*: it takes at least 19\nhint: give more batches/],
    [[], /there are no batches: name past ones, or say how many rows a batch has/],
    [['b.csv', 'b.csv'], /the batch b\.csv is named twice/],
    [['./train.csv'], /the batch \.\/train\.csv is the reference itself/],
    [
      ['b.csv', '--batch-rows', '10'],
      /--split, --batch-rows and --order-by are for a reference without batches/,
    ],
    [
      ['--batch-rows', '10', '--split', 'random', '--order-by', 'a'],
      /rows that are drawn at random have no order/,
    ],
    [['b.csv', '--budget', '0'], /--budget: expected a share of batches/],
    [['b.csv', '--budget', '1'], /--budget: expected a share of batches/],
    [['b.csv', '--budget', '1/0'], /--budget: expected a share of batches/],
    [['b.csv', '--budget', 'monthly'], /--budget: expected a share of batches/],
    [['b.csv', '--budget', '1/2', '--commit'], /--local and --commit need --write/],
    [['b.csv', '--budget', '1/2', '--policy', 'pvalue'], /the policy pvalue-1 has no floors/],
    [['b.csv', '--budget', '1/2', '--fail-on', 'low'], /there is no limit to raise/],
    [
      ['b.csv', '--budget', '1/2', '--columns', 'agee'],
      /--columns: there is no column `agee`\nhint: did you mean `age`/,
    ],
    [['gone.csv', '--budget', '1/2'], /there is no file gone\.csv/],
    [['b.csv', '--budget', '1/2', '--write'], /is in no mlops repository/],
  ])('refuses %j with exit 2', async (words, message) => {
    const cwd = await place({
      'train.csv': `age\n${Array.from({ length: 100 }, (_, row) => row * 1.5).join('\n')}\n`,
      'b.csv': `age\n${Array.from({ length: 50 }, (_, row) => row * 1.5).join('\n')}\n`,
    });
    const { code, stderr, stdout } = await runCli(['drift', 'calibrate', 'train.csv', ...words], { cwd });
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('accepts a budget as one of so many batches', async () => {
    const cwd = await place(history());
    const { code, stdout } = await runCli(
      [
        'drift',
        'calibrate',
        'train.csv',
        ...NAMES,
        '--budget',
        '1 / 20',
        '--columns',
        'steady,"city, or so"',
        '--json',
      ],
      { cwd },
    );
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { data: Calibration }).data).toMatchObject({ budget: 0.05, floors: [] });
  });
});
