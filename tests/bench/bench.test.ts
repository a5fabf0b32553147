import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, type TestContext } from 'vitest';
import { startProcess, type Environment, type Finished, type Running } from '../support/binary.ts';
import { straceProblem } from '../support/strace.ts';
import { gitEnvironment, tempDirectory } from '../support/temp-repo.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TIMEOUT = 300_000;

interface Sample {
  unit: string;
  min: number;
  median: number;
  runs: number[];
}

interface Row {
  id: string;
  what: string;
  budget: string | null;
  measured: Sample;
  bound: Sample & { what: string };
  ratio: number;
  limit: { atMost?: number; atLeast?: number } | null;
  verdict: string;
  details: (Sample & { what: string })[];
}

interface Peer {
  input: string;
  tool: string;
  what: string;
  skipped?: string;
  version?: string;
  time?: Sample;
  memory?: Sample | null;
  ratio?: number;
}

interface Result {
  suite: string;
  date: string;
  commit: string;
  scale: number;
  machine: Record<string, string | number>;
  warnings: string[];
  method: { memory: string; repeat: number };
  rows: Row[];
  peers: Peer[];
  failures: { rows: string[]; message: string }[];
}

interface Place {
  /** Where the run keeps its temporary directory. */
  temporary: string;
  out: string;
}

async function place(): Promise<Place> {
  const directory = await tempDirectory();
  const found = { temporary: join(directory, 'temporary'), out: join(directory, 'out') };
  await mkdir(found.temporary);
  return found;
}

function startBench({ temporary }: Place, args: readonly string[], more: Environment = {}): Running {
  const env = { ...gitEnvironment(temporary), TMPDIR: temporary, ...more };
  const argv = [process.execPath, join(ROOT, 'bench/run.mjs'), ...args];
  return startProcess(argv, { cwd: ROOT, env, timeout: TIMEOUT });
}

function bench(where: Place, args: readonly string[]): Promise<Finished> {
  return startBench(where, args).finished;
}

function resultIn({ out }: Place): Result {
  return JSON.parse(readFileSync(join(out, 'save.json'), 'utf8')) as Result;
}

function pathOf(program: string): string | undefined {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function skipWhereNothingIsMeasured(context: TestContext): void {
  if (process.platform !== 'linux') context.skip('the benchmark runs on Linux');
  if (pathOf('openssl') === undefined) context.skip('openssl is not installed');
}

/** What any sample must be: a known unit, and numbers that belong together. */
function expectSample(sample: Sample): void {
  expect(['s', 'bytes', 'bytes/s', 'calls']).toContain(sample.unit);
  expect(sample.runs.length).toBeGreaterThan(0);
  for (const run of sample.runs) expect(run).toSatisfy(Number.isFinite);
  const sorted = sample.runs.toSorted((a, b) => a - b);
  expect(sample.min).toBe(sorted[0]);
  expect(sample.median).toBeGreaterThanOrEqual(sample.min);
  expect(sample.median).toBeLessThanOrEqual(sorted.at(-1) ?? 0);
}

/** The unit that a row's name calls for. */
function unitOf(id: string): string {
  if (id.endsWith('-fsyncs')) return 'calls';
  if (id.endsWith('-memory') || id.startsWith('file-second-version')) return 'bytes';
  return id === 'file-verify' ? 'bytes/s' : 's';
}

function expectRow(row: Row): void {
  expect(row.what, row.id).not.toBe('');
  expectSample(row.measured);
  expectSample(row.bound);
  expect(row.bound.what, row.id).not.toBe('');
  expect(row.measured.unit, row.id).toBe(unitOf(row.id));
  expect(row.bound.unit, row.id).toBe(row.measured.unit);
  expect(row.bound.median, row.id).toBeGreaterThan(0);
  expect(row.ratio, row.id).toBeCloseTo(row.measured.median / row.bound.median, 10);
  row.details.forEach(expectSample);
  const { atMost = Infinity, atLeast = -Infinity } = row.limit ?? {};
  const within = row.ratio <= atMost && row.ratio >= atLeast;
  expect(row.verdict, row.id).toBe(row.limit === null ? 'no budget' : within ? 'met' : 'missed');
  expect(row.budget === null, row.id).toBe(row.limit === null);
}

describe('npm run bench -- save', () => {
  test(
    'measures every row it names: a figure, a bound, their ratio and a verdict',
    async (context) => {
      skipWhereNothingIsMeasured(context);
      const where = await place();
      const names = (await bench(where, ['save', '--list'])).stdout.trim().split('\n');

      const run = await bench(where, [
        'save',
        '--scale',
        '0.001',
        '--repeat',
        '1',
        '--peers',
        'none',
        '--out',
        where.out,
      ]);

      expect(run, run.stderr).toMatchObject({ code: 0 });
      const result = resultIn(where);
      expect(result.failures).toEqual([]);
      const measurable = names.filter(
        (name) => !name.endsWith('-peers') && (!name.endsWith('-fsyncs') || straceProblem() === undefined),
      );
      expect(result.rows.map(({ id }) => id).toSorted()).toEqual(measurable.toSorted());
      result.rows.forEach(expectRow);
      expect(result.peers).toEqual([]);

      expect(result).toMatchObject({ suite: 'save', scale: 0.001, method: { repeat: 1 } });
      expect(Date.parse(result.date)).not.toBeNaN();
      expect(Object.keys(result.machine)).toEqual(
        expect.arrayContaining(['cpu', 'cores', 'node', 'kernel', 'fileSystem']),
      );
      expect(result.warnings.join('\n')).toContain('the verdicts say nothing about the budgets');

      const page = readFileSync(join(where.out, 'save.md'), 'utf8');
      for (const { id, what } of result.rows) expect(page).toContain(`| ${id} | ${what} |`);
      expect(run.stdout).toContain(page);
      for (const text of [page, JSON.stringify(result)]) {
        expect(text).not.toContain(where.temporary);
        expect(text).not.toContain(`${tmpdir()}/`);
        expect(text).not.toContain(`${ROOT}/`);
        expect(text).not.toContain(hostname());
      }
      expect(readdirSync(where.temporary)).toEqual([]);
    },
    TIMEOUT,
  );

  test(
    'holds other tools against mlops, and names those that are not installed',
    async (context) => {
      skipWhereNothingIsMeasured(context);
      const where = await place();

      const run = await bench(where, [
        'save',
        '--scale',
        '0.0002',
        '--repeat',
        '1',
        '--rows',
        'file-peers',
        '--out',
        where.out,
      ]);

      expect(run, run.stderr).toMatchObject({ code: 0 });
      const { rows, peers } = resultIn(where);
      expect(rows).toEqual([]);
      expect(peers.map(({ tool }) => tool)).toEqual(['restic', 'borg', 'git-lfs', 'dvc']);
      const page = readFileSync(join(where.out, 'save.md'), 'utf8');
      for (const { tool, skipped, version, time, ratio, memory } of peers) {
        if (pathOf(tool) === undefined) {
          expect(skipped).toBe('not installed');
          expect(page).toMatch(new RegExp(`\\| ${tool} \\| not installed \\| - \\| - \\|`));
          continue;
        }
        expect(version).toMatch(/^\d+\.\d+/);
        expect(time).toMatchObject({ unit: 's' });
        expect(ratio).toBeGreaterThan(0);
        if (memory !== null) expect(memory).toMatchObject({ unit: 'bytes' });
      }
      expect(readdirSync(where.temporary)).toEqual([]);
    },
    TIMEOUT,
  );

  test(
    'never lets a trial replace the committed figures',
    async (context) => {
      skipWhereNothingIsMeasured(context);
      const where = await place();
      const committed = join(ROOT, 'bench/results/save.json');
      const stamp = (): number | undefined => statSync(committed, { throwIfNoEntry: false })?.mtimeMs;
      const before = stamp();

      const run = await bench(where, [
        'save',
        '--scale',
        '0.001',
        '--repeat',
        '1',
        '--rows',
        'start-version',
      ]);

      expect(run, run.stderr).toMatchObject({ code: 0 });
      expect(run.stdout).toContain('| start-version |');
      expect(run.stdout).not.toContain('| start-list |');
      expect(run.stderr).toContain('nothing was written');
      expect(stamp()).toBe(before);
    },
    TIMEOUT,
  );

  test.for(['SIGINT', 'SIGTERM'] as const)(
    'removes its temporary directory on %s, also in the middle of a program it started',
    { timeout: TIMEOUT },
    async (signal, context) => {
      skipWhereNothingIsMeasured(context);
      const where = await place();
      const running = startBench(where, [
        'save',
        '--scale',
        '0.001',
        '--repeat',
        '500',
        '--rows',
        'start-version',
      ]);
      while (!running.output().stderr.includes('version 1/')) await delay(20);
      expect(readdirSync(where.temporary)).toHaveLength(1);

      process.kill(running.pid, signal);

      const { code, stdout, stderr } = await running.finished;
      expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
      expect(stderr).toMatch(/interrupted\n$/);
      expect(readdirSync(where.temporary)).toEqual([]);
    },
  );

  test(
    'keeps the other rows when a program fails, says which ones are missing, and exits 1',
    async (context) => {
      skipWhereNothingIsMeasured(context);
      const where = await place();
      const tools = join(where.temporary, '../tools');
      await mkdir(tools);
      for (const name of ['git', 'sync', 'cp', 'cat', 'find', 'tar']) {
        await symlink(pathOf(name) ?? name, join(tools, name));
      }

      const args = [
        'save',
        '--scale',
        '0.001',
        '--repeat',
        '1',
        '--rows',
        'start-version,file-save',
        '--out',
        where.out,
      ];
      const run = await startBench(where, args, { PATH: tools }).finished;

      expect(run, run.stderr).toMatchObject({ code: 1 });
      const { rows, failures } = resultIn(where);
      expect(rows.map(({ id }) => id)).toEqual(['start-version']);
      expect(failures).toHaveLength(1);
      expect(failures[0]).toMatchObject({ rows: expect.arrayContaining(['file-save']) as string[] });
      expect(failures[0]?.message).toBe('openssl dgst -sha256 SCRATCH/model.bin: openssl is not installed');
      expect(readFileSync(join(where.out, 'save.md'), 'utf8')).toContain('**Failed:** file-save');
      expect(run.stderr).toContain('FAILED: file-save');
      expect(readdirSync(where.temporary)).toEqual([]);
    },
    TIMEOUT,
  );

  test(
    'leaves the directory behind when asked to',
    async (context) => {
      skipWhereNothingIsMeasured(context);
      const where = await place();

      const run = await bench(where, [
        'save',
        '--scale',
        '0.001',
        '--repeat',
        '1',
        '--rows',
        'start-version',
        '--keep',
      ]);

      expect(run, run.stderr).toMatchObject({ code: 0 });
      const [kept = ''] = readdirSync(where.temporary);
      expect(run.stderr).toContain(`kept: ${join(where.temporary, kept)}`);
      expect(existsSync(join(where.temporary, kept, 'empty.mjs'))).toBe(true);
    },
    TIMEOUT,
  );

  test.each([
    { args: [], problem: 'which suite?' },
    { args: ['drift-of-continents'], problem: 'there is no suite "drift-of-continents"' },
    { args: ['save', '--scale', '0'], problem: '--scale: "0" is no positive number' },
    { args: ['save', '--scale', 'big'], problem: '--scale: "big" is no positive number' },
    { args: ['save', '--repeat', '1.5'], problem: '--repeat: "1.5" is no whole number' },
    { args: ['save', '--rows', 'file-save,nope'], problem: '--rows: there is no row "nope"' },
    {
      args: ['save', '--peers', 'tar'],
      problem: '--peers: "tar" is none of restic, borg, git-lfs, dvc, evidently, nannyml, deepchecks, none',
    },
    { args: ['save', '--fast'], problem: "Unknown option '--fast'" },
  ])('refuses $args before it does anything', async ({ args, problem }) => {
    const where = await place();

    const { code, stdout, stderr } = await bench(where, args);

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error: ${problem}`);
    expect(stderr).toContain('usage: npm run bench -- SUITE');
    expect(readdirSync(where.temporary)).toEqual([]);
  });
});
