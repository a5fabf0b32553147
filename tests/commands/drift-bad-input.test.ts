import { gzipSync } from 'node:zlib';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DriftReport } from '../../src/core/drift/report.ts';
import { runCli, type CliResult } from '../support/run-cli.ts';

/** Every kind of bad input has a stated result: a verdict with a reason, or exit 2 that names file, line and column. */

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mlops-drift-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(directory, name), content);
  return name;
}

/** Rows of `age,city` that do not drift. */
function plainRows(rows: number, seed = 0): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const mixed = (row * 7919 + seed * 104_729) % 9973;
    return `${(mixed / 100).toFixed(2)},${'abcd'.charAt(mixed % 4)}`;
  });
  return `age,city\n${lines.join('\n')}\n`;
}

function drift(...words: string[]): Promise<CliResult> {
  return runCli(['drift', ...words], { cwd: directory });
}

interface Compared {
  code: number;
  report: DriftReport;
}

async function compare(...words: string[]): Promise<Compared> {
  const { code, stdout, stderr } = await runCli(['drift', ...words, '--json'], { cwd: directory });
  expect(stderr).toBe('');
  const { data } = JSON.parse(stdout) as { data: DriftReport };
  return { code, report: data };
}

function column({ report }: Compared, name: string) {
  const found = report.columns.find((each) => each.column === name);
  if (found === undefined) throw new Error(`the report has no column ${name}`);
  return found;
}

async function refusal(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await drift(...words);
  expect(stdout).toBe('');
  expect(code, stderr).toBe(2);
  expect(stderr).toMatch(/^error: /);
  return stderr;
}

describe('files that are no table are exit 2', () => {
  beforeEach(() => file('good.csv', plainRows(300)));

  test('an empty file', async () => {
    expect(await refusal('good.csv', file('bad.csv', ''))).toMatch(/bad\.csv.*empty/);
    expect(await refusal('bad.csv', 'good.csv')).toMatch(/bad\.csv.*empty/);
  });

  test('a header without rows', async () => {
    expect(await refusal('good.csv', file('bad.csv', 'age,city\n'))).toMatch(/bad\.csv.*no rows/);
  });

  test('no columns in common', async () => {
    const stderr = await refusal('good.csv', file('bad.csv', 'x,y\n1,2\n'));
    expect(stderr).toMatch(/good\.csv and bad\.csv have no column in common/);
    expect(stderr).toMatch(/age, city/);
  });

  test('a header that says a name twice', async () => {
    expect(await refusal('good.csv', file('bad.csv', 'age,city,age\n1,a,2\n'))).toMatch(
      /bad\.csv.*line 1.*"?age"?/,
    );
  });

  test.each([
    ['too many cells', 'age,city\n1,a\n2,b,c\n', /bad\.csv.*line 3/],
    ['too few cells', 'age,city\n1,a\n2\n', /bad\.csv.*line 3/],
    ['a quote that never ends', 'age,city\n1,"a\n2,b\n', /bad\.csv.*line 2/],
    ['text behind a quote', 'age,city\n1,"a"b\n', /bad\.csv.*line 2.*column/],
  ])('%s', async (_, content, problem) => {
    expect(await refusal('good.csv', file('bad.csv', content))).toMatch(problem);
  });

  test('lines are counted through quoted line breaks', async () => {
    const content = 'age,city\n1,"a\nb\nc"\n2,b,c\n';
    expect(await refusal('good.csv', file('bad.csv', content))).toMatch(/bad\.csv.*line 5/);
  });

  test('bytes that are no UTF-8', async () => {
    const content = Buffer.concat([
      Buffer.from('age,city\n1,'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\n'),
    ]);
    expect(await refusal('good.csv', file('bad.csv', content))).toMatch(/bad\.csv.*line 2/);
  });

  test('a broken line of JSON', async () => {
    expect(await refusal('good.csv', file('bad.jsonl', '{"age":1,"city":"a"}\n{"age":\n'))).toMatch(
      /bad\.jsonl.*line 2/,
    );
  });

  test('a gzip file that was cut off', async () => {
    const whole = gzipSync(plainRows(9000));
    expect(await refusal('good.csv', file('bad.csv.gz', whole.subarray(0, whole.length >> 1)))).toMatch(
      /bad\.csv\.gz/,
    );
  });

  test('a Parquet file that is none', async () => {
    expect(await refusal('good.csv', file('bad.parquet', 'PAR1 and then nothing'))).toMatch(/bad\.parquet/);
  });

  test('no file at all, a directory, and a URL', async () => {
    expect(await refusal('good.csv', 'missing.csv')).toMatch(/missing\.csv/);
    expect(await refusal('good.csv', '.')).toMatch(/directory|no file/);
    expect(await refusal('good.csv', 's3://bucket/key.csv')).toMatch(/URL/);
    expect(await refusal('good.csv', '-')).toMatch(/standard input.*\nhint: save it as a file/);
  });
});

describe('odd but honest files are read', () => {
  test('BOM, CRLF and quoted line breaks change nothing', async () => {
    file('plain.csv', plainRows(900));
    const odd = plainRows(900)
      .replaceAll(/,([a-d])\n/g, ',"$1"\n')
      .replaceAll('\n', '\r\n');
    const result = await compare('plain.csv', file('odd.csv', `\u{feff}${odd}`));
    expect(result.code).toBe(0);
    expect(result.report.verdict).toBe('stable');
    expect(result.report.columns.map(({ column: name }) => name).toSorted()).toEqual(['age', 'city']);
  });

  test('UTF-16 is read, or refused with the way to convert it', async () => {
    file('plain.csv', plainRows(900));
    const name = file('wide.csv', Buffer.from(`\u{feff}${plainRows(900)}`, 'utf16le'));
    const { code, stderr } = await drift('plain.csv', name);
    if (code !== 0) {
      expect(code).toBe(2);
      expect(stderr).toMatch(/wide\.csv.*UTF-16/);
      expect(stderr).toMatch(/hint: .*(iconv|UTF-8)/);
    }
  });

  test('a quoted cell may hold line breaks', async () => {
    const rows = Array.from({ length: 900 }, (_, row) => `"line ${row % 3}\nand more",${row % 7}.5`);
    const content = `note,x\n${rows.join('\n')}\n`;
    const result = await compare(file('a.csv', content), file('b.csv', content));
    expect(result.report.rows).toEqual({ reference: 900, current: 900 });
    expect(result.report.verdict).toBe('stable');
  });
});

describe('columns that say little have a stated verdict', () => {
  test('one row is too few to tell', async () => {
    const result = await compare(file('ref.csv', plainRows(900)), file('cur.csv', 'age,city\n50.00,a\n'));
    expect(result.code).toBe(0);
    expect(result.report.verdict).toBe('inconclusive');
    expect((await drift('ref.csv', 'cur.csv', '--fail-on-inconclusive')).code).toBe(1);
  });

  test('a column that is all null now', async () => {
    const current = plainRows(900, 1).replaceAll(/\n[\d.]+,/g, '\n,');
    const result = await compare(file('ref.csv', plainRows(900)), file('cur.csv', current));
    expect(column(result, 'age')).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(result.code).toBe(1);
  });

  test('a column that is null on both sides is skipped with the reason', async () => {
    const content = plainRows(900).replaceAll(/\n[\d.]+,/g, '\n,');
    const result = await compare(file('ref.csv', content), file('cur.csv', content));
    expect(column(result, 'age').verdict).toBe('skipped');
    expect(column(result, 'age').skipped).toMatch(/null/);
  });

  test('a constant that stays and one that changes', async () => {
    const content = (value: string): string => plainRows(900).replaceAll(/\n[\d.]+,/g, `\n${value},`);
    const same = await compare(file('ref.csv', content('7.5')), file('cur.csv', content('7.5')));
    expect(column(same, 'age').verdict).toBe('stable');
    const other = await compare('ref.csv', file('cur.csv', content('8.5')));
    expect(column(other, 'age').verdict).toBe('drift');
  });

  test('a dropped column is critical, not skipped', async () => {
    const current = plainRows(900, 1).replaceAll(/,[a-d]?(city)?\n/g, '\n');
    const result = await compare(file('ref.csv', plainRows(900)), file('cur.csv', current));
    expect(column(result, 'city')).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(result.report.schema.missing).toEqual(['city']);
    expect(result.code).toBe(1);
  });

  test('huge numbers and infinities are counted and compared', async () => {
    const rows = (shift: number): string =>
      Array.from({ length: 1000 }, (_, row) =>
        row % 50 === 0
          ? '1e308'
          : row % 50 === 1
            ? '-inf'
            : row % 50 === 2
              ? '1e999'
              : String(((row * 389) % 997) + shift),
      ).join('\n');
    const result = await compare(file('ref.csv', `x\n${rows(0)}\n`), file('cur.csv', `x\n${rows(0)}\n`));
    const { reference, verdict } = column(result, 'x');
    expect(verdict).toBe('stable');
    expect(reference).toMatchObject({ rows: 1000, nonFinite: 40, max: 1e308 });
  });

  test('digits that no double can hold are infinite, in a file and in its profile', async () => {
    const digits = '9'.repeat(400);
    const current = plainRows(900, 1)
      .replaceAll(/\n([\d.]+),/g, `\n${digits},`)
      .replace(digits, `-${digits}`);
    const result = await compare(file('ref.csv', plainRows(900)), file('cur.csv', current));
    expect(result.code).toBe(1);
    expect(column(result, 'age')).toMatchObject({
      verdict: 'drift',
      current: { rows: 900, nonFinite: 900, min: null, max: null },
    });
    const made = await runCli(['profile', 'cur.csv', '-o', 'cur.json'], { cwd: directory });
    expect(made.code).toBe(0);
    expect(column(await compare('ref.csv', 'cur.json'), 'age').verdict).toBe('drift');
  });

  test('cells of another type are counted and reported', async () => {
    const mixed = plainRows(900, 1).replaceAll(/\n([\d.]*5),/g, '\nbroken,');
    const result = await compare(file('ref.csv', plainRows(900)), file('cur.csv', mixed));
    const { current, verdict } = column(result, 'age');
    expect(current?.unparsable).toBeGreaterThan(20);
    expect(verdict).toBe('drift');
  });

  test('fifty thousand categories', async () => {
    const rows = (seed: number): string =>
      Array.from({ length: 60_000 }, (_, row) => `level-${((row + seed) * 7919) % 50_000}`).join('\n');
    const result = await compare(
      file('ref.csv', `id\n${rows(0)}\n`),
      file('cur.csv', `id\n${rows(3)}\n`),
      '--type',
      'id=categorical',
    );
    expect(column(result, 'id').verdict).not.toBe('drift');
    expect(column(result, 'id').reference?.distinct).toBe(50_000);
  });
});

describe('hostile names stay text', () => {
  test.each(['__proto__', 'constructor', '<script>alert(1)</script>', 'a|b`c', '; DROP TABLE x', '"quoted"'])(
    'a column called %s',
    async (name) => {
      const header = `"${name.replaceAll('"', '""')}",city`;
      const renamed = (seed: number): string => plainRows(900, seed).replace('age,city', header);
      const result = await compare(
        file('ref.csv', renamed(0)),
        file('cur.csv', renamed(1)),
        '-o',
        'out.html',
      );
      expect(column(result, name).verdict).toBe('stable');
      expect(({} as Record<string, unknown>)['city']).toBeUndefined();
    },
  );

  test('control characters of a header reach no terminal', async () => {
    const renamed = plainRows(900).replace('age', 'a\u001B[31mge');
    const { stdout, stderr } = await drift(file('ref.csv', renamed), file('cur.csv', renamed));
    expect(`${stdout}${stderr}`).not.toContain('\u001B');
  });
});

describe('mistakes in the options are exit 2', () => {
  beforeEach(() => {
    file('ref.csv', plainRows(300));
    file('cur.csv', plainRows(300, 1));
  });

  test.each([
    [['--columns', 'agee'], /agee/, /age/],
    [['--exclude', 'citty'], /citty/, /city/],
    [['--type', 'age=numerical'], /numerical/, /numeric/],
    [['--policy', 'defalt'], /--policy/, undefined],
    [['--alpha', '2'], /--alpha/, undefined],
    [['--fail-on', 'severe'], /--fail-on/, undefined],
    [['--target', 'label'], /label/, undefined],
    [['--sample', '3'], /--sample/, undefined],
    [['--weights', 'none.json'], /none\.json/, undefined],
    [['--config', 'none.json'], /none\.json/, undefined],
    [['-o', 'report.xyz'], /report\.xyz/, /\.html/],
  ])('%s', async (words, problem, hint) => {
    const stderr = await refusal('ref.csv', 'cur.csv', ...words);
    expect(stderr).toMatch(problem);
    if (hint !== undefined) expect(stderr).toMatch(hint);
  });

  test('a report takes the place of no data and of no profile', async () => {
    const before = readFileSync(join(directory, 'ref.csv'), 'utf8');
    await runCli(['profile', 'ref.csv', '-o', 'ref.json'], { cwd: directory });
    const profile = readFileSync(join(directory, 'ref.json'), 'utf8');
    expect(await refusal('ref.csv', 'cur.csv', '--format', 'md', '-o', './ref.csv')).toMatch(/overwritten/);
    expect(await refusal('ref.json', 'cur.csv', '-o', 'out.html', '-o', 'ref.json')).toMatch(/ref\.json/);
    expect(readFileSync(join(directory, 'ref.csv'), 'utf8')).toBe(before);
    expect(readFileSync(join(directory, 'ref.json'), 'utf8')).toBe(profile);
  });

  test('a setting that there is not is named with its file', async () => {
    file('rules.json', '{"alhpa": 0.05}');
    expect(await refusal('ref.csv', 'cur.csv', '--config', 'rules.json')).toMatch(/rules\.json.*alhpa/s);
  });
});
