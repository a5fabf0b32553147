import { createHash, createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseProfile } from '../../src/core/drift/profile/parse.ts';
import type { Profile } from '../../src/core/drift/profile/profile.ts';
import { runCli, type CliResult } from '../support/run-cli.ts';
import { tempDirectory } from '../support/temp-repo.ts';
import { furthestFromStep } from '../core/drift/profile/support/samples.ts';

/** Numbers from 0 to 1 that are the same everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
}

interface Row {
  amount: string;
  city: string;
  note: string;
}

function rowsOf(count: number, seed = 1, shift = 0): Row[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, (_, row) => ({
    amount: (100 * (random() + random() + random() + shift)).toFixed(3),
    city: ['Graz', 'Linz', 'Wien'][Math.floor(random() * 3)] ?? '',
    note: `order ${row} of ${Math.floor(random() * 1e6)} for customer ${Math.floor(random() * 1e6)}`,
  }));
}

function csv(rows: readonly Row[], header = 'amount,city,note'): string {
  return `${header}\n${rows.map(({ amount, city, note }) => `${amount},${city},${note}`).join('\n')}\n`;
}

interface Scene {
  cwd: string;
  run(...argv: string[]): Promise<CliResult>;
  json<T = Made>(...argv: string[]): Promise<T>;
  profile(name: string): Profile;
  text(name: string): string;
}

interface Made {
  path: string;
  size: number;
  rows: number;
  merged: number | null;
  minCount: number | null;
  hash: string | null;
  columns: {
    name: string;
    type: string | null;
    reason: string;
    nulls: number | null;
    error: number | null;
  }[];
}

async function scene(files: Record<string, string>, env: Record<string, string> = {}): Promise<Scene> {
  const cwd = await tempDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(cwd, name, '..'), { recursive: true });
    writeFileSync(join(cwd, name), content);
  }
  const run = (...argv: string[]): Promise<CliResult> => runCli(argv, { cwd, env });
  const text = (name: string): string => readFileSync(join(cwd, name), 'utf8');
  return {
    cwd,
    run,
    text,
    profile: (name) => parseProfile(Buffer.from(text(name)), name),
    async json<T>(...argv: string[]) {
      const { code, stdout, stderr } = await run(...argv, '--json');
      if (code !== 0) throw new Error(`mlops ${argv.join(' ')}: exit ${code}\n${stdout}${stderr}`);
      return (JSON.parse(stdout) as { data: T }).data;
    },
  };
}

function summaryOf({ columns }: Profile, name: string) {
  const found = columns.find((column) => column.name === name)?.summary;
  if (found === undefined || found === null) throw new Error(`the profile says nothing of ${name}`);
  return found;
}

function distributionOf(profile: Profile, name: string) {
  const summary = summaryOf(profile, name);
  if (!('distribution' in summary)) throw new Error(`${name} is ${summary.type}`);
  return summary.distribution;
}

function levelsOf(profile: Profile, name: string) {
  const summary = summaryOf(profile, name);
  if (!('counts' in summary)) throw new Error(`${name} is ${summary.type}`);
  return summary;
}

describe('mlops profile', () => {
  test('writes the same bytes for the same data, and says what it found', async () => {
    const rows = rowsOf(1500);
    const { json, run, text, profile } = await scene({ 'ref.csv': csv(rows), 'copy.csv': csv(rows) });
    const made = await json('profile', 'ref.csv', '-o', 'ref.json');
    expect(made).toMatchObject({
      rows: 1500,
      merged: null,
      hash: null,
      columns: [
        { name: 'amount', type: 'numeric', nulls: 0 },
        { name: 'city', type: 'categorical', nulls: 0, error: null },
        { name: 'note', type: 'text', nulls: 0 },
      ],
    });
    expect(made.size).toBe(Buffer.byteLength(text('ref.json')));
    const { stdout, stderr } = await run('profile', 'copy.csv', '-o', 'again.json');
    expect(stdout).toMatch(/^amount +numeric +0/m);
    expect(stdout).toContain('Wrote again.json: 1,500 rows, 3 columns');
    expect(stderr).toContain('mlops drift again.json <data>');
    expect(text('again.json')).toBe(text('ref.json'));
    const sorted = Float64Array.from(rows, ({ amount }) => Number(amount)).sort();
    const { values, error } = distributionOf(profile('ref.json'), 'amount');
    expect(values).toHaveLength(1001);
    expect(error).toBeLessThanOrEqual(0.0016);
    expect(furthestFromStep(sorted, values)).toBeLessThanOrEqual(error + 1e-9);
  });

  test('takes files and globs as one data set', async () => {
    const rows = rowsOf(1200);
    const { json, text } = await scene({
      'all.csv': csv(rows),
      'parts/1.csv': csv(rows.slice(0, 500)),
      'parts/2.csv': csv(rows.slice(500)),
    });
    await json('profile', 'all.csv', '-o', 'all.json');
    expect(await json('profile', 'parts/*.csv', '-o', 'glob.json')).toMatchObject({ rows: 1200 });
    await json('profile', 'parts/1.csv', 'parts/2.csv', '-o', 'two.json');
    expect(text('glob.json')).toBe(text('all.json'));
    expect(text('two.json')).toBe(text('all.json'));
  });

  test('keeps to the columns and types that were asked for', async () => {
    const { json, run } = await scene({ 'ref.csv': csv(rowsOf(300)) });
    const names = ({ columns }: Made): string[] => columns.map(({ name }) => name);
    expect(names(await json('profile', 'ref.csv', '-o', 'p.json', '--columns', 'am*,city'))).toEqual([
      'amount',
      'city',
    ]);
    expect(names(await json('profile', 'ref.csv', '-o', 'p.json', '--exclude', 'note'))).toEqual([
      'amount',
      'city',
    ]);
    const typed = await json('profile', 'ref.csv', '-o', 'p.json', '--type', 'city=text');
    expect(typed.columns[1]).toMatchObject({
      type: 'text',
      reason: expect.stringContaining('--type') as string,
    });
    const unknown = await run('profile', 'ref.csv', '-o', 'x.json', '--exclude', 'amuont');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('amuont');
    expect(unknown.stderr).toContain('amount');
  });

  test('is a reference and a current side that give the verdict of the data', async () => {
    const { json, run } = await scene({
      'ref.csv': csv(rowsOf(2000)),
      'same.csv': csv(rowsOf(2000, 2)),
      'up.csv': csv(rowsOf(2000, 3, 0.4)),
    });
    for (const name of ['ref', 'up']) await json('profile', `${name}.csv`, '-o', `${name}.json`);
    expect((await run('drift', 'ref.json', 'same.csv')).code).toBe(0);
    expect((await run('drift', 'ref.csv', 'up.csv')).code).toBe(1);
    for (const sides of [
      ['ref.json', 'up.csv'],
      ['ref.json', 'up.json'],
      ['ref.csv', 'up.json'],
    ]) {
      const { code, stdout } = await run('drift', ...sides, '--json');
      expect([code, sides]).toEqual([1, sides]);
      expect(JSON.parse(stdout)).toMatchObject({
        data: { columns: [{ column: 'amount', verdict: 'drift' }, {}, {}] },
      });
    }
  });
});

describe('mlops profile --merge', () => {
  test('knows of the parts what one profile of the whole knows, within the error it states', async () => {
    const rows = [...rowsOf(1700), ...rowsOf(900, 7, 0.5), ...rowsOf(2400, 9)];
    const shards = [rows.slice(0, 1700), rows.slice(1700, 2600), rows.slice(2600)];
    const { json, profile } = await scene({
      'all.csv': csv(rows),
      ...Object.fromEntries(shards.map((part, index) => [`part${index}.csv`, csv(part)])),
    });
    await json('profile', 'all.csv', '-o', 'all.json');
    for (const [index] of shards.entries())
      await json('profile', `part${index}.csv`, '-o', `part${index}.json`);
    const made = await json(
      'profile',
      '--merge',
      'part0.json',
      'part1.json',
      'part2.json',
      '-o',
      'merged.json',
    );
    expect(made).toMatchObject({ rows: rows.length, merged: 3 });
    const [whole, merged] = [profile('all.json'), profile('merged.json')];
    expect(merged.columns.map(({ name, pin }) => [name, pin?.type])).toEqual(
      whole.columns.map(({ name, pin }) => [name, pin?.type]),
    );
    expect(levelsOf(merged, 'city').counts).toEqual(levelsOf(whole, 'city').counts);
    for (const [name, of] of [
      ['amount', ({ amount }: Row) => Number(amount)],
      ['note', ({ note }: Row) => note.length],
    ] as const) {
      const { values, error, min, max, total } = distributionOf(merged, name);
      const exact = distributionOf(whole, name);
      expect({ min, max, total }).toEqual({ min: exact.min, max: exact.max, total: exact.total });
      expect(furthestFromStep(Float64Array.from(rows, of).sort(), values)).toBeLessThanOrEqual(error + 1e-9);
      const parts = shards.map((_, index) => distributionOf(profile(`part${index}.json`), name).error);
      expect(error).toBeLessThanOrEqual(Math.max(...parts) + 0.0005 + 1e-6);
    }
  });

  test('of one profile it is the same profile', async () => {
    const { json, text } = await scene({ 'ref.csv': csv(rowsOf(400)) });
    await json('profile', 'ref.csv', '-o', 'ref.json');
    await json('profile', '--merge', 'ref.json', '-o', 'same.json');
    expect(text('same.json')).toBe(text('ref.json'));
  });

  test('refuses what is no profile, other columns, other types, and options on data', async () => {
    const { json, run } = await scene({
      'ref.csv': csv(rowsOf(400)),
      'other.csv': csv(rowsOf(400), 'amount,town,note'),
      'broken.json': '{"schema": "mlops.profile/1", "rows": -1, "columns": []}',
    });
    await json('profile', 'ref.csv', '-o', 'ref.json');
    await json('profile', 'other.csv', '-o', 'other.json');
    await json('profile', 'ref.csv', '-o', 'text.json', '--type', 'city=text');
    for (const [words, problem] of [
      [['ref.json', 'other.json'], /ref\.json and other\.json .*"city"/],
      [['ref.json', 'text.json'], /"city".*categorical.*text/],
      [['ref.json', 'ref.csv'], /ref\.csv is no profile/],
      [['ref.json', 'none.json'], /none\.json: there is no such file/],
      [['ref.json', 'broken.json'], /broken\.json.*rows/s],
      [['ref.json', '--exclude', 'note'], /--merge/],
    ] as const) {
      const { code, stderr } = await run('profile', '--merge', ...words, '-o', 'out.json');
      expect([code, stderr]).toEqual([2, expect.stringMatching(problem)]);
    }
  });

  test('nothing is overwritten that it is made of', async () => {
    const { run, text } = await scene({ 'ref.csv': csv(rowsOf(10)) });
    const before = text('ref.csv');
    const { code, stderr } = await run('profile', 'ref.csv', '-o', './ref.csv');
    expect([code, stderr]).toEqual([2, expect.stringContaining('overwritten')]);
    expect(text('ref.csv')).toBe(before);
  });
});

describe('a profile holds no rows', () => {
  const SECRET = 'Zyxwv-Quillfeather';

  test('no text, no cell that could not be parsed, and no two cells that belong together', async () => {
    const rows = rowsOf(900);
    const planted = rows.map((row, index) => ({
      ...row,
      ...(index === 40 ? { note: `${row.note} ${SECRET}` } : {}),
      ...(index === 41 ? { amount: SECRET } : {}),
    }));
    const { json, text, profile } = await scene({ 'ref.csv': csv(planted) });
    await json('profile', 'ref.csv', '-o', 'ref.json', '--type', 'amount=numeric');
    expect(summaryOf(profile('ref.json'), 'amount').unparsable).toBe(1);
    expect(text('ref.json')).not.toContain(SECRET);
    expect(text('ref.json')).not.toContain('customer');
    // Columns are sorted apart from each other: no line holds two cells of a row.
    for (const { amount, city } of rows.slice(0, 100))
      expect(text('ref.json')).not.toMatch(new RegExp(`${amount.replaceAll('.', '\\.')}\\D.{0,3}${city}`));
  });

  test('--min-count: no category and no number that fewer rows have', async () => {
    const rows = rowsOf(900).map((row, index) => ({
      ...row,
      ...(index === 5 ? { city: SECRET } : {}),
      ...(index === 6 ? { amount: '987654.321' } : {}),
    }));
    const { json, text, profile } = await scene({ 'ref.csv': csv(rows) });
    await json('profile', 'ref.csv', '-o', 'open.json', '--type', 'city=categorical');
    expect(text('open.json')).toContain(SECRET);
    expect(text('open.json')).toContain('987654.321');
    const made = await json(
      'profile',
      'ref.csv',
      '-o',
      'ref.json',
      '--min-count',
      '20',
      '--type',
      'city=categorical',
    );
    expect(made.minCount).toBe(20);
    expect(text('ref.json')).not.toContain(SECRET);
    expect(text('ref.json')).not.toContain('987654');
    const { counts, pooled, distinct } = levelsOf(profile('ref.json'), 'city');
    for (const count of counts.values()) expect(count).toBeGreaterThanOrEqual(20);
    expect(pooled.rows).toBeGreaterThanOrEqual(20);
    expect([...counts.values()].reduce((sum, count) => sum + count, pooled.rows)).toBe(900);
    expect(distinct).toBe(4);
    const { values, max } = distributionOf(profile('ref.json'), 'amount');
    expect(max).toBeGreaterThanOrEqual(987_654.321);
    const sorted = rows.map(({ amount }) => Number(amount)).toSorted((x, y) => x - y);
    for (let knot = 1; knot < values.length - 1; knot += 1) {
      const [low = 0, high = 0] = values.subarray(knot, knot + 2);
      const between = sorted.filter((value) => value >= low && value <= high).length;
      expect(between).toBeGreaterThanOrEqual(20);
    }
  });

  test('--hash-levels: categories are HMACs, which only the same secret compares', async () => {
    const secret = 'a secret of the team, long enough';
    const files = { 'ref.csv': csv(rowsOf(900)), 'cur.csv': csv(rowsOf(900, 2)) };
    const { json, run, text, profile, cwd } = await scene(files, { MLOPS_PROFILE_KEY: secret });
    expect(await json('profile', 'ref.csv', '-o', 'ref.json', '--hash-levels')).toMatchObject({
      hash: 'hmac-sha256',
    });
    expect(text('ref.json')).not.toMatch(/Graz|Linz|Wien/);
    expect(text('ref.json')).not.toContain(secret);
    const expected = createHmac('sha256', secret).update('mlops level ["city","Wien"]').digest('hex');
    expect([...levelsOf(profile('ref.json'), 'city').counts.keys()]).toContain(expected.slice(0, 24));
    expect((await run('drift', 'ref.json', 'cur.csv')).code).toBe(0);
    const without = await runCli(['drift', 'ref.json', 'cur.csv'], { cwd });
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('MLOPS_PROFILE_KEY')]);
    const wrong = await runCli(['drift', 'ref.json', 'cur.csv'], {
      cwd,
      env: { MLOPS_PROFILE_KEY: 'another secret, also long' },
    });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('another secret')]);
  });

  test('--hash-levels without a secret warns that guesses can be checked', async () => {
    const { run, profile } = await scene({ 'ref.csv': csv(rowsOf(300)) });
    const { code, stderr } = await run('profile', 'ref.csv', '-o', 'ref.json', '--hash-levels');
    expect([code, stderr]).toEqual([0, expect.stringContaining('MLOPS_PROFILE_KEY')]);
    const expected = createHash('sha256').update('mlops level ["city","Graz"]').digest('hex').slice(0, 24);
    expect([...levelsOf(profile('ref.json'), 'city').counts.keys()]).toContain(expected);
  });
});

describe('hostile data', () => {
  test('headers that are names of objects, markup or control characters stay names', async () => {
    const header = '__proto__,<script>alert(1)</script>,"con\u001B[31mstructor"';
    const { json, run, profile, text } = await scene({
      'ref.csv': csv(rowsOf(500), header),
      'cur.csv': csv(rowsOf(500, 2), header),
    });
    const made = await json('profile', 'ref.csv', '-o', 'ref.json');
    expect(made.columns.map(({ name }) => name)).toEqual([
      '__proto__',
      '<script>alert(1)</script>',
      'con\u001B[31mstructor',
    ]);
    expect(profile('ref.json').columns.map(({ name }) => name)).toEqual(made.columns.map(({ name }) => name));
    expect(({} as Record<string, unknown>)['rows']).toBeUndefined();
    expect(text('ref.json')).not.toContain('\u001B');
    const shown = await run('profile', 'ref.csv', '-o', 'again.json');
    expect(shown.stdout + shown.stderr).not.toContain('\u001B');
    await json('profile', '--merge', 'ref.json', 'again.json', '-o', 'merged.json');
    expect(profile('merged.json').rows).toBe(1000);
    expect((await run('drift', 'ref.json', 'cur.csv')).code).toBe(0);
  });

  test('a category that is __proto__ is counted like any other', async () => {
    const rows = rowsOf(300).map((row, index) => (index < 120 ? { ...row, city: '__proto__' } : row));
    const { json, profile } = await scene({ 'ref.csv': csv(rows) });
    await json('profile', 'ref.csv', '-o', 'ref.json');
    expect(levelsOf(profile('ref.json'), 'city').counts.get('__proto__')).toBe(120);
  });

  test('columns without values are named with the reason; a file without rows is a warning, an empty one refused', async () => {
    const { json, run } = await scene({
      'ref.csv': `a,b\n${'1,\n'.repeat(50)}`,
      'header.csv': 'a,b\n',
      'empty.csv': '',
    });
    const { columns } = await json('profile', 'ref.csv', '-o', 'ref.json');
    expect(columns[1]).toMatchObject({
      name: 'b',
      type: null,
      reason: expect.stringMatching(/null/) as string,
    });
    // A part of a data set may well have no rows.
    const none = await run('profile', 'header.csv', '-o', 'none.json');
    expect([none.code, none.stderr]).toEqual([
      0,
      expect.stringMatching(/^warning: none\.json has no rows.*\n$/),
    ]);
    expect((await json('profile', '--merge', 'ref.json', 'none.json', '-o', 'both.json')).rows).toBe(50);
    const drift = await run('drift', 'none.json', 'ref.csv');
    expect([drift.code, drift.stderr]).toEqual([2, expect.stringContaining('none.json has no rows')]);
    for (const name of ['empty.csv', 'none.csv']) {
      const { code, stderr } = await run('profile', name, '-o', 'x.json');
      expect([code, stderr]).toEqual([2, expect.stringContaining(name)]);
    }
  });

  test('infinities and huge numbers are counted, and numbers in the file are finite', async () => {
    const cells = Array.from(
      { length: 400 },
      (_, row) => ['1e308', '-inf', 'inf', '1e999', String(row)][row % 5],
    );
    const { json, text, profile } = await scene({ 'ref.csv': `x\n${cells.join('\n')}\n` });
    await json('profile', 'ref.csv', '-o', 'ref.json');
    expect(text('ref.json')).not.toMatch(/NaN|Infinity/);
    expect(summaryOf(profile('ref.json'), 'x')).toMatchObject({
      negativeInfinite: 80,
      positiveInfinite: 160,
    });
    expect(distributionOf(profile('ref.json'), 'x')).toMatchObject({ total: 160, max: 1e308 });
  });
});
