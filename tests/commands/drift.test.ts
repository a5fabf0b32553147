import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli, type CliResult } from '../support/run-cli.ts';
import { tempDirectory, tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

/** A generator of numbers from 0 to 1 that is the same everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

interface Made {
  rows?: number;
  seed?: number;
  shift?: number;
  /** Share of wrong predictions. */
  errors?: number;
  labels?: boolean;
}

function table({ rows = 1000, seed = 1, shift = 0, errors = 0.1, labels = true }: Made = {}): string {
  const random = randomNumbers(seed);
  const lines = Array.from({ length: rows }, () => {
    const age = (40 + 10 * (normal(random) + shift)).toFixed(2);
    const city = ['Graz', 'Linz', 'Wien'][Math.floor(random() * 3)] ?? '';
    const label = random() < 0.4 ? 'yes' : 'no';
    const predicted = random() < errors ? (label === 'yes' ? 'no' : 'yes') : label;
    return [age, city, ...(labels ? [label] : []), predicted].join(',');
  });
  return `age,city${labels ? ',label' : ''},predicted\n${lines.join('\n')}\n`;
}

async function place(files: Record<string, string>): Promise<string> {
  const directory = await tempDirectory();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

function dataOf({ stdout }: CliResult) {
  return (JSON.parse(stdout) as { data: Record<string, unknown> }).data;
}

describe('the verdict', () => {
  test('is exit 0 for the same distribution and 1 for a shifted one, with the column first', async () => {
    const cwd = await place({
      'ref.csv': table(),
      'same.csv': table({ seed: 2 }),
      'up.csv': table({ seed: 3, shift: 0.6 }),
    });
    const same = await runCli(['drift', 'ref.csv', 'same.csv'], { cwd });
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toMatch(/^Stable {2}/);
    const up = await runCli(['drift', 'ref.csv', 'up.csv', '--json'], { cwd });
    expect(up.code).toBe(1);
    expect(dataOf(up)).toMatchObject({
      verdict: 'drift',
      policy: 'mlops-2',
      failed: true,
      columns: [{ column: 'age', verdict: 'drift', shift: { direction: 'up' } }, {}, {}, {}],
      kept: null,
      files: [],
    });
  });

  test('fails from the severity on that was asked for', async () => {
    const cwd = await place({ 'ref.csv': table(), 'up.csv': table({ seed: 3, shift: 0.6 }) });
    const codes = ['low', 'medium', 'high', 'critical'].map(
      async (severity) => (await runCli(['drift', 'ref.csv', 'up.csv', '--fail-on', severity], { cwd })).code,
    );
    expect(await Promise.all(codes)).toEqual([1, 1, 1, 0]);
  });

  test('follows the literal rule under the policy pvalue', async () => {
    const cwd = await place({ 'ref.csv': table(), 'up.csv': table({ seed: 3, shift: 0.6 }) });
    const { code, stdout } = await runCli(['drift', 'ref.csv', 'up.csv', '--policy', 'pvalue', '--json'], {
      cwd,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      data: { policy: 'pvalue-1', alpha: 0.05, columns: [{ column: 'age', severity: 'high' }, {}, {}, {}] },
    });
  });

  test('takes several current files and globs as one table', async () => {
    const cwd = await place({ 'ref.csv': table(), 'a.csv': table({ seed: 2 }), 'b.csv': table({ seed: 4 }) });
    mkdirSync(join(cwd, 'parts'));
    writeFileSync(join(cwd, 'parts/1.csv'), table({ seed: 5 }));
    writeFileSync(join(cwd, 'parts/2.csv'), table({ seed: 6 }));
    const two = await runCli(['drift', 'ref.csv', 'a.csv', 'b.csv', '--json'], { cwd });
    expect(dataOf(two)).toMatchObject({ rows: { reference: 1000, current: 2000 } });
    const glob = await runCli(['drift', 'ref.csv', 'parts/*.csv', '--json'], { cwd });
    expect(dataOf(glob)).toMatchObject({ rows: { current: 2000 } });
  });

  test('compares the columns that were chosen', async () => {
    const cwd = await place({ 'ref.csv': table(), 'up.csv': table({ seed: 3, shift: 0.6 }) });
    const without = await runCli(['drift', 'ref.csv', 'up.csv', '--exclude', 'age', '--json'], { cwd });
    expect(without.code).toBe(0);
    const only = await runCli(['drift', 'ref.csv', 'up.csv', '--columns', 'ag*', '--json'], { cwd });
    expect(only.code).toBe(1);
    expect(dataOf(only)).toMatchObject({ totals: { columns: 1 } });
  });

  test('is the same for the same seed of a sample', async () => {
    const cwd = await place({ 'ref.csv': table({ rows: 3000 }), 'cur.csv': table({ rows: 3000, seed: 2 }) });
    const sampled = (seed: string) =>
      runCli(['drift', 'ref.csv', 'cur.csv', '--sample', '500', '--seed', seed, '--json'], { cwd });
    const [first, again, other] = await Promise.all([sampled('1'), sampled('1'), sampled('2')]);
    expect(first.stdout).toBe(again.stdout);
    expect(other.stdout).not.toBe(first.stdout);
    expect(dataOf(first)).toMatchObject({ rows: { reference: 3000, current: 3000 } });
  });
});

describe('performance', () => {
  test('is compared where both sides have labels', async () => {
    const cwd = await place({ 'ref.csv': table(), 'worse.csv': table({ seed: 2, errors: 0.4 }) });
    const words = ['--target', 'label', '--prediction', 'predicted', '--positive', 'yes'];
    const { code, stdout } = await runCli(['drift', 'ref.csv', 'worse.csv', ...words, '--json'], { cwd });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      data: { verdict: 'drift', performance: { task: 'binary', verdict: 'drift' } },
    });
    const same = await runCli(['drift', 'ref.csv', 'ref.csv', ...words], { cwd });
    expect(same.code).toBe(0);
  });

  test('a target that the current data lacks is no dropped column', async () => {
    const cwd = await place({ 'ref.csv': table(), 'new.csv': table({ seed: 2, labels: false }) });
    const { code, stdout } = await runCli(
      ['drift', 'ref.csv', 'new.csv', '--target', 'label', '--prediction', 'predicted', '--json'],
      { cwd },
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ data: { schema: { missing: [] } } });
  });
});

test('a change that no single column shows is found by looking at whole rows', async () => {
  const paired = (seed: number, sign: number): string => {
    const random = randomNumbers(seed);
    const lines = Array.from({ length: 2000 }, () => {
      const x = normal(random);
      return `${x.toFixed(3)},${(sign * x * 0.95 + normal(random) * 0.3).toFixed(3)}`;
    });
    return `x,y\n${lines.join('\n')}\n`;
  };
  const cwd = await place({ 'ref.csv': paired(1, 1), 'same.csv': paired(2, 1), 'turned.csv': paired(3, -1) });
  expect((await runCli(['drift', 'ref.csv', 'turned.csv'], { cwd })).code).toBe(0);
  const turned = await runCli(['drift', 'ref.csv', 'turned.csv', '--multivariate', '--json'], { cwd });
  expect(turned.code).toBe(1);
  expect(dataOf(turned)).toMatchObject({ verdict: 'drift', multivariate: { verdict: 'drift' } });
  expect((await runCli(['drift', 'ref.csv', 'same.csv', '--multivariate'], { cwd })).code).toBe(0);
});

describe('the rules', () => {
  test('come from the repository, a file and options, and --explain says from where', async () => {
    const repo = await repository();
    await repo.write(
      '.mlops/config.json',
      '{\n  "drift": {"columns": {"age": {"effect": 0.5}}, "failOn": "high"}\n}\n',
    );
    await repo.write('rules.json', '{"failOn": "low"}\n');
    const explained = await run(
      repo,
      'drift',
      'ref.csv',
      'up.csv',
      '--config',
      'rules.json',
      '--alpha',
      '0.02',
      '--explain',
      '--json',
    );
    expect(explained.code).toBe(0);
    expect(dataOf(explained)).toMatchObject({
      format: 'mlops.drift-explanation/1',
      alpha: { value: 0.02, origin: '--alpha' },
      failOn: { value: 'low', origin: expect.stringContaining('rules.json') as string },
    });
    expect(explained.stdout).toContain('.mlops/config.json drift.columns.age');
    const { stdout } = await run(repo, 'drift', 'ref.csv', 'up.csv', '--explain');
    expect(stdout).toMatch(/^age: numeric .*inferred on the reference/m);
    expect((await run(repo, 'drift', 'ref.csv', 'up.csv')).code).toBe(0);
  });

  test('a type can be set', async () => {
    const cwd = await place({ 'ref.csv': table(), 'cur.csv': table({ seed: 2 }) });
    const { stdout } = await runCli(['drift', 'ref.csv', 'cur.csv', '--type', 'city=text', '--json'], {
      cwd,
    });
    const { columns } = dataOf({ stdout } as CliResult) as { columns: { column: string; type: string }[] };
    expect(columns.find(({ column }) => column === 'city')?.type).toBe('text');
  });
});

describe('reports', () => {
  test('are written in the formats of their endings, and to the summary of a step', async () => {
    const cwd = await place({
      'ref.csv': table(),
      'up.csv': table({ seed: 3, shift: 0.6 }),
      'summary.md': '# before\n',
    });
    const files = ['r.json', 'r.md', 'r.html', 'r.xml', 'r.prom'];
    const { code, stdout } = await runCli(
      ['drift', 'ref.csv', 'up.csv', ...files.flatMap((name) => ['-o', name])],
      {
        cwd,
        env: { GITHUB_STEP_SUMMARY: join(cwd, 'summary.md') },
      },
    );
    expect(code).toBe(1);
    expect(stdout).toContain('Wrote r.html');
    const text = (name: string): string => readFileSync(join(cwd, name), 'utf8');
    expect(JSON.parse(text('r.json'))).toMatchObject({ format: 'mlops.drift-report/1', verdict: 'drift' });
    expect(text('r.html')).toMatch(/^<!doctype html>/i);
    expect(text('r.xml')).toContain('<testcase classname="drift" name="age">');
    expect(text('r.prom')).toMatch(/^ml_drift_severity\{/m);
    expect(text('summary.md')).toMatch(/^# before\n/);
    expect(text('summary.md')).toContain('age');
  });

  test('are annotations with --format github', async () => {
    const cwd = await place({ 'ref.csv': table(), 'up.csv': table({ seed: 3, shift: 0.6 }) });
    const { code, stdout } = await runCli(['drift', 'ref.csv', 'up.csv', '--format', 'github'], { cwd });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^::error title=[^\n]*age/m);
  });

  test('are kept with --save, staged, and found again', async () => {
    const repo = await repository();
    const saved = await run(repo, 'drift', 'ref.csv', 'up.csv', '--save', '--reason', 'nightly', '--json');
    expect(saved.code).toBe(1);
    const { kept } = dataOf(saved) as { kept: { id: string; path: string } };
    expect(await repo.git('diff', '--cached', '--name-only')).toContain(kept.path);
    const shown = await run(repo, 'reports', 'show', kept.id, '--json');
    expect(dataOf(shown)).toMatchObject({ id: kept.id, report: { verdict: 'drift' } });
    expect((await run(repo, 'verify')).code).toBe(0);
  });

  test('--save needs a repository', async () => {
    const cwd = await place({ 'ref.csv': table(), 'up.csv': table({ seed: 3 }) });
    expect((await runCli(['drift', 'ref.csv', 'up.csv', '--save'], { cwd })).code).toBe(2);
  });
});

describe('the reference may be a version', () => {
  test('whose profile was saved with it', async () => {
    const repo = await repository();
    await repo.write('model.bin', 'weights');
    const saved = await run(repo, 'save', 'fraud', 'model.bin', '--version', 'v1', '--reference', 'ref.csv');
    expect(saved).toMatchObject({ code: 0 });
    await run(repo, 'promote', 'fraud@v1', '--to', 'production');
    const same = await run(repo, 'drift', 'fraud@production', 'same.csv', '--json');
    expect(same).toMatchObject({ code: 0 });
    expect(dataOf(same)).toMatchObject({
      sources: { reference: { kind: 'profile', name: 'fraud@production' } },
    });
    expect((await run(repo, 'drift', 'fraud', 'up.csv')).code).toBe(1);
  });

  test('a version without one, an unknown one, and a word that is neither are exit 2', async () => {
    const repo = await repository();
    await repo.write('model.bin', 'weights');
    await run(repo, 'save', 'fraud', 'model.bin', '--version', 'v1');
    const without = await run(repo, 'drift', 'fraud@v1', 'same.csv');
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('--reference');
    const unknown = await run(repo, 'drift', 'frod@v1', 'same.csv');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('fraud');
    const neither = await run(repo, 'drift', 'nothing.csv', 'same.csv');
    expect(neither.code).toBe(2);
    expect(neither.stderr).toContain('nothing.csv');
  });

  test('a file of that name comes first', async () => {
    const repo = await repository();
    await repo.write('fraud', table());
    await repo.write('model.bin', 'weights');
    await run(repo, 'save', 'fraud', 'model.bin', '--version', 'v1');
    const { code, stdout } = await run(repo, 'drift', 'fraud', 'same.csv', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ data: { sources: { reference: { kind: 'table' } } } });
  });
});

async function repository(): Promise<TempGitRepo> {
  const repo = await tempGitRepo({
    files: { 'ref.csv': table(), 'same.csv': table({ seed: 2 }), 'up.csv': table({ seed: 3, shift: 0.6 }) },
  });
  expect((await run(repo, 'init')).code).toBe(0);
  return repo;
}

function run(repo: TempGitRepo, ...argv: string[]): Promise<CliResult> {
  return runCli(argv, { cwd: repo.root, env: repo.env });
}
