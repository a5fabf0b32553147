import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { gitEnvironment, tempDirectory } from '../support/temp-repo.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scripts = join(root, 'examples', 'fraud-detection');
const example = join(scripts, 'run.mjs');
const binary = join(root, 'bin', 'mlops.js');

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

async function runNode(args: readonly string[], cwd: string): Promise<Ran> {
  try {
    const done = await promisify(execFile)(process.execPath, args, { cwd, env: gitEnvironment(cwd) });
    return { code: 0, ...done };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}

async function mlopsData<T>(cwd: string, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runNode([binary, ...args, '--json'], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return (JSON.parse(stdout) as { data: T }).data;
}

async function metricsIn(path: string): Promise<Record<string, number>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, number>;
}

test('the fraud detection example leaves v1 in production, restores it and finds no damage', async () => {
  const home = await tempDirectory();
  const project = join(home, 'project');
  const { code, stdout, stderr } = await runNode([example, project], home);
  expect({ code, stderr, stdout: code === 0 ? '' : stdout }).toEqual({ code: 0, stderr: '', stdout: '' });

  const commands = stdout.split('\n').filter((line) => line.startsWith('$ mlops '));
  for (const name of ['init', 'save', 'list', 'show', 'promote', 'rollback', 'load', 'history', 'verify']) {
    expect(commands.some((line) => line.startsWith(`$ mlops ${name}`))).toBe(true);
  }
  expect(stdout).toMatch(/data\/test\.csv: \d+ rows, \d+ with substantial damage \([1-9]\.\d %\)/);
  expect(stdout).toContain('== Done: versions v1.0.0 and v1.1.0, production is v1.0.0');
  expect(stdout).toMatch(/restored files: 2, bytes: \d+, all equal to what was saved/);

  const { versions } = await mlopsData<{
    versions: {
      version: string;
      stages: string[];
      files: number;
      metrics: Record<string, number>;
      params: Record<string, string>;
    }[];
  }>(project, 'list', 'fraud_detector');
  expect(versions.map(({ version, stages, files }) => ({ version, stages, files }))).toEqual([
    { version: 'v1.1.0', stages: [], files: 2 },
    { version: 'v1.0.0', stages: ['production'], files: 2 },
  ]);
  expect(versions.map(({ params }) => params['steps'])).toEqual(['200', '60']);

  const [longer, baseline] = versions.map(({ metrics }) => metrics);
  const restored = await metricsIn(join(project, 'metrics-restored.json'));
  expect(restored).toEqual(baseline);
  expect(await metricsIn(join(project, 'metrics.json'))).toEqual(longer);
  expectPlausible(restored);

  const stageHistory = ['history', 'fraud_detector', '--stage', 'production'];
  const { events } = await mlopsData<{ events: { type: string; to?: string; reason?: string }[] }>(
    project,
    ...stageHistory,
  );
  expect(events.map(({ type, to }) => ({ type, to }))).toEqual([
    { type: 'rolled-back', to: 'v1.0.0' },
    { type: 'promoted', to: 'v1.1.0' },
    { type: 'promoted', to: 'v1.0.0' },
  ]);
  expect(events[0]?.reason).toMatch(/^precision 0\.\d+ against 0\.\d+$/);

  expect(await mlopsData(project, 'verify', '--deep')).toMatchObject({ damage: [] });
});

/** Better than chance and worse than perfect, as a simple model on real and rare events has to be. */
function expectPlausible(metrics: Readonly<Record<string, number>>): void {
  const names = ['accuracy', 'precision', 'recall', 'f1', 'roc_auc', 'average_precision'];
  expect(Object.keys(metrics).toSorted()).toEqual(names.toSorted());
  const { precision = 0, recall = 0, f1, roc_auc: area, average_precision: average } = metrics;
  expect(area).toBeGreaterThan(0.75);
  expect(area).toBeLessThan(0.95);
  // Chance gives the share of positives, which is about 0.03.
  expect(average).toBeGreaterThan(0.1);
  expect(average).toBeLessThan(0.5);
  expect(f1).toBeCloseTo((2 * precision * recall) / (precision + recall), 5);
}

test('the example builds the program when there is none, and when a source is newer', async () => {
  const copy = await tempDirectory();
  for (const directory of ['examples/fraud-detection', 'scripts', 'src/deep', 'used']) {
    await mkdir(join(copy, directory), { recursive: true });
  }
  const script = join(copy, 'examples/fraud-detection/run.mjs');
  await copyFile(example, script);
  const build = "import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';\n";
  await writeFile(
    join(copy, 'scripts/build.mjs'),
    `${build}mkdirSync('dist', { recursive: true });\nwriteFileSync('dist/main.cjs', '');\nappendFileSync('builds', 'x');\n`,
  );
  await writeFile(join(copy, 'src/deep/a.ts'), '');
  await writeFile(join(copy, 'used/file'), '');
  const builds = async (): Promise<number> => {
    const { stderr } = await runNode([script, join(copy, 'used')], copy);
    expect(stderr).toContain('is not empty');
    return (await readFile(join(copy, 'builds'), 'utf8')).length;
  };
  expect(await builds()).toBe(1);
  expect(await builds()).toBe(1);
  const later = new Date(Date.now() + 60_000);
  await utimes(join(copy, 'src/deep/a.ts'), later, later);
  expect(await builds()).toBe(2);
});

test('the example refuses a directory that is in use and leaves it alone', async () => {
  const home = await tempDirectory();
  const project = join(home, 'project');
  await mkdir(project);
  await writeFile(join(project, 'notes.txt'), 'mine');
  const { code, stderr } = await runNode([example, project], home);
  expect(code).toBe(1);
  expect(stderr).toContain('is not empty');
  expect(await readdir(project)).toEqual(['notes.txt']);
});

test('training twice with the same parameters gives the same bytes', async () => {
  const home = await tempDirectory();
  expect((await runNode([join(scripts, 'prepare.mjs')], home)).code).toBe(0);
  for (const out of ['first', 'second']) {
    const trained = await runNode(
      [join(scripts, 'train.mjs'), '--steps', '20', '--out', out, '--metrics', `${out}.json`],
      home,
    );
    expect(trained.code).toBe(0);
  }
  for (const name of ['model.safetensors', 'preprocessing.json']) {
    expect(existsSync(join(home, 'first', name))).toBe(true);
    expect(await readFile(join(home, 'first', name))).toEqual(await readFile(join(home, 'second', name)));
  }
  expect(await metricsIn(join(home, 'first.json'))).toEqual(await metricsIn(join(home, 'second.json')));
});
