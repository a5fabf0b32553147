import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type JsonValue } from '../../src/lib/canonical-json.ts';
import { mlops } from '../support/binary.ts';
import { gitEnvironment, tempDirectory, tempGitRepo } from '../support/temp-repo.ts';

interface Sample {
  unit: string;
  min: number;
  median: number;
  runs: number[];
}

interface Fixtures {
  writeRandomFile(path: string, options: { size: number; seed: string; signal: AbortSignal }): Promise<void>;
  writeEditedFile(
    source: string,
    path: string,
    options: { size: number; edit: 'overwritten' | 'inserted'; signal: AbortSignal },
  ): Promise<void>;
  writeTree(
    directory: string,
    options: { count: number; content: 'random' | 'text'; signal: AbortSignal },
  ): Promise<number>;
}

interface Registry {
  writeRegistry(
    repository: string,
    options: { model: string; versions: number; events: number; signal: AbortSignal },
  ): Promise<void>;
  versionLabel(number: number): string;
}

interface Rows {
  sample(unit: string, runs: number[]): Sample;
  fixed(unit: string, value: number): Sample;
  row(fields: object): { ratio: number; verdict: string; budget: string | null };
}

interface Canonical {
  canonicalJson(value: unknown): string;
}

const { signal } = new AbortController();

/** The harness is plain JavaScript that the type checker does not read. */
async function load<T>(name: string): Promise<T> {
  return (await import(resolve(import.meta.dirname, '../../bench', name))) as T;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function compressedShare(bytes: Buffer): number {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
  return brotliCompressSync(bytes, { params }).length / bytes.length;
}

describe('the large file', () => {
  test('is the same in every run, of the size asked for, and does not compress', async () => {
    const { writeRandomFile } = await load<Fixtures>('fixtures.mjs');
    const directory = await tempDirectory();
    const size = 5 * 2 ** 20 + 3;
    const [first, again, other] = ['first', 'again', 'other'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await writeRandomFile(first, { size, seed: 'a', signal });
    await writeRandomFile(again, { size, seed: 'a', signal });
    await writeRandomFile(other, { size, seed: 'b', signal });

    expect(lstatSync(first).size).toBe(size);
    expect(sha256(again)).toBe(sha256(first));
    expect(sha256(other)).not.toBe(sha256(first));
    expect(compressedShare(readFileSync(first))).toBeGreaterThan(0.99);
  });

  test.each(['overwritten', 'inserted'] as const)('has one hundredth %s in one place', async (edit) => {
    const { writeRandomFile, writeEditedFile } = await load<Fixtures>('fixtures.mjs');
    const directory = await tempDirectory();
    const [source, edited] = [join(directory, 'source'), join(directory, 'edited')];
    const size = 9 * 2 ** 20;
    await writeRandomFile(source, { size, seed: 'a', signal });
    await writeEditedFile(source, edited, { size, edit, signal });

    const [before, after] = [readFileSync(source), readFileSync(edited)];
    const start = Math.floor(size * 0.375);
    const length = Math.round(size / 100);
    expect(after.length).toBe(edit === 'inserted' ? size + length : size);
    expect(after.subarray(0, start).equals(before.subarray(0, start))).toBe(true);
    const rest = before.subarray(edit === 'inserted' ? start : start + length);
    expect(after.subarray(start + length).equals(rest)).toBe(true);
    expect(after.subarray(start, start + length).equals(before.subarray(start, start + length))).toBe(false);
  });

  test('is not finished after an interruption', async () => {
    const { writeRandomFile } = await load<Fixtures>('fixtures.mjs');
    const directory = await tempDirectory();
    const abort = new AbortController();
    const writing = writeRandomFile(join(directory, 'file'), {
      size: 2 ** 30,
      seed: 'a',
      signal: abort.signal,
    });
    abort.abort();
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('the tree of small files', () => {
  test.each([
    { content: 'random', extensions: ['bin'] },
    { content: 'text', extensions: ['csv', 'jsonl'] },
  ] as const)('of $content has files of 1,000 to 10,000 bytes', async ({ content, extensions }) => {
    const { writeTree } = await load<Fixtures>('fixtures.mjs');
    const directory = await tempDirectory();
    const total = await writeTree(directory, { count: 1200, content, signal });

    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const sizes = files.map((file) => lstatSync(join(file.parentPath, file.name)).size);
    expect(files).toHaveLength(1200);
    expect(readdirSync(directory)).toEqual(['part-0000', 'part-0001']);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10_000);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(total);
    expect(new Set(files.map(({ name }) => name.split('.')[1]))).toEqual(new Set(extensions));

    const bytes = Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
    if (content === 'random') expect(compressedShare(bytes)).toBeGreaterThan(0.99);
    else expect(compressedShare(bytes)).toBeLessThan(0.5);
    expect(new Set(files.map((file) => sha256(join(file.parentPath, file.name)))).size).toBe(1200);
  });
});

describe('the generated registry', () => {
  test.each([
    { versions: 25, events: 25 },
    { versions: 25, events: 60 },
    { versions: 120, events: 600 },
  ])(
    'of $versions versions and $events events is what mlops takes for its own',
    async ({ versions, events }) => {
      const { writeRegistry, versionLabel } = await load<Registry>('registry.mjs');
      const repo = await tempGitRepo();
      const options = { cwd: repo.root, env: repo.env };
      expect(await mlops(['init'], options)).toMatchObject({ code: 0 });
      await writeRegistry(repo.root, { model: 'churn', versions, events, signal });

      const verified = await mlops(['verify', '--metadata-only', '--json'], options);
      expect(verified, verified.stderr).toMatchObject({ code: 0 });
      expect(JSON.parse(verified.stdout)).toMatchObject({
        data: { checked: { records: versions, events }, damage: [], notices: [] },
      });
      const listed = await mlops(['list', '--json'], options);
      expect(JSON.parse(listed.stdout)).toMatchObject({
        data: { models: [{ model: 'churn', versions, latest: versionLabel(versions - 1) }] },
      });
    },
  );

  test('holds every kind of event, and stages that mlops replays to the same versions', async () => {
    const { writeRegistry } = await load<Registry>('registry.mjs');
    const repo = await tempGitRepo();
    const options = { cwd: repo.root, env: repo.env };
    await mlops(['init'], options);
    await writeRegistry(repo.root, { model: 'churn', versions: 60, events: 300, signal });

    const types = new Set(
      readdirSync(join(repo.root, '.mlops/models/churn/events')).map((name) => name.split('-')[1]),
    );
    expect(types).toEqual(new Set(['saved', 'promoted', 'rolled', 'annotated', 'deprecated']));
    const shown = await mlops(['show', 'churn@production', '--json'], options);
    expect(JSON.parse(shown.stdout)).toMatchObject({ data: { stages: ['production', 'staging'] } });
  });

  test('is damage as soon as one byte of it differs', async () => {
    const { writeRegistry } = await load<Registry>('registry.mjs');
    const repo = await tempGitRepo();
    const options = { cwd: repo.root, env: repo.env };
    await mlops(['init'], options);
    await writeRegistry(repo.root, { model: 'churn', versions: 10, events: 50, signal });
    const record = '.mlops/models/churn/versions/v1.0.3.json';
    await repo.write(record, (await repo.read(record)).replace('"depth": "7"', '"depth": "8"'));

    expect(await mlops(['verify', '--metadata-only'], options)).toMatchObject({ code: 3 });
  });

  test('is written in the canonical JSON of the program', async () => {
    const bench = await load<Canonical>('canonical-json.mjs');
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        expect(bench.canonicalJson(value)).toBe(canonicalJson(value as JsonValue));
      }),
    );
    expect(bench.canonicalJson({ b: undefined, a: 1 })).toBe('{\n  "a": 1\n}\n');
  });
});

describe('a row', () => {
  test.each([
    { runs: [3], min: 3, median: 3 },
    { runs: [9, 1, 5], min: 1, median: 5 },
    { runs: [4, 1, 2, 100], min: 1, median: 3 },
  ])('takes the middle of $runs', async ({ runs, min, median }) => {
    const { sample } = await load<Rows>('rows.mjs');
    expect(sample('s', runs)).toEqual({ unit: 's', min, median, runs });
  });

  test.each([
    { limit: { atMost: 1.6 }, measured: 3.2, verdict: 'met' },
    { limit: { atMost: 1.6 }, measured: 3.21, verdict: 'missed' },
    { limit: { atLeast: 0.8 }, measured: 1.6, verdict: 'met' },
    { limit: { atLeast: 0.8 }, measured: 1.59, verdict: 'missed' },
    { limit: undefined, measured: 50, verdict: 'no budget' },
  ])('with the limit $limit and $measured over 2 is "$verdict"', async ({ limit, measured, verdict }) => {
    const { row, fixed } = await load<Rows>('rows.mjs');
    const made = row({
      id: 'x',
      what: 'x',
      limit,
      measured: fixed('s', measured),
      bound: fixed('s', 2),
      boundIs: 'y',
    });
    expect(made).toMatchObject({ ratio: measured / 2, verdict, budget: null });
  });

  test('does not hold seconds against bytes, nor anything against nothing', async () => {
    const { row, fixed } = await load<Rows>('rows.mjs');
    const fields = { id: 'x', what: 'x', boundIs: 'y', measured: fixed('s', 1) };
    expect(() => row({ ...fields, bound: fixed('bytes', 1) })).toThrow('x: s held against bytes');
    expect(() => row({ ...fields, bound: fixed('s', 0) })).toThrow('x: has no ratio');
  });
});

describe('the stat walk', () => {
  test('sees every file of a tree, or the one file', async () => {
    const directory = await tempDirectory();
    await mkdir(join(directory, 'a/b'), { recursive: true });
    for (const name of ['one', 'a/two', 'a/b/three']) await writeFile(join(directory, name), name);
    const { startProcess } = await import('../support/binary.ts');
    const walk = async (path: string): Promise<string> => {
      const script = resolve(import.meta.dirname, '../../bench/save/stat-walk.mjs');
      const options = { cwd: directory, env: gitEnvironment(directory) };
      return (await startProcess([process.execPath, script, path], options).finished).stdout;
    };
    expect(await walk(directory)).toBe('3\n');
    expect(await walk(join(directory, 'one'))).toBe('1\n');
  });
});
