import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { csvParse } from 'd3-dsv';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { detectFormat } from '../../../src/storage/tables/detect-format.ts';
import { openTable } from '../../../src/storage/tables/engine/open-table.ts';
import { findFiles } from '../../../src/storage/tables/find-files.ts';
import { createTableReader } from '../../../src/storage/tables/reader.ts';
import type {
  ColumnData,
  ColumnPlan,
  NumericColumn,
  ReadOptions,
  Table,
} from '../../../src/storage/tables/table.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'mlops-formats-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const THREAD = fileURLToPath(new URL('../../../dist/table-thread.cjs', import.meta.url));

async function columnsOf(table: Table, plan: readonly ColumnPlan[], options: ReadOptions = {}) {
  const { rows, duplicates, columns } = await table.read(plan, options);
  const all: ColumnData[] = [];
  for await (const column of columns) all.push(column);
  return { rows, duplicates, columns: all };
}

async function read(paths: readonly string[], plan: readonly ColumnPlan[], options: ReadOptions = {}) {
  const table = await createTableReader().open(paths, { cwd });
  try {
    return await columnsOf(table, plan, options);
  } finally {
    await table.close();
  }
}

async function parquet(name: string, query: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (${query}) TO '${join(cwd, name)}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

/** A Zstandard frame of one raw block (RFC 8878 section 3.1.1): a single segment whose size has four bytes. */
function zstdFrame(text: string): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(12);
  header.writeUInt32LE(0xfd2fb528, 0);
  header.writeUInt8(0b1010_0000, 4);
  header.writeUInt32LE(bytes.length, 5);
  header.writeUIntLE((bytes.length << 3) | 1, 9, 3);
  return Buffer.concat([header, bytes]);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Code points, as lengths of texts are counted. */
const lengthOf = (text: string): number => Array.from(text).length;

const TEXT =
  'x,level,when,note\n1.5,a,2026-01-02,one\n,b,2026-01-03,two words\noops,a,never,\n-2e3,,,three\n';
const PLAN: readonly ColumnPlan[] = [
  { name: 'x', type: 'numeric' },
  { name: 'level', type: 'categorical' },
  { name: 'when', type: 'datetime' },
  { name: 'note', type: 'text' },
];

describe('one table in each format', () => {
  const json = [
    '{"x": 1.5, "level": "a", "when": "2026-01-02", "note": "one"}',
    '{"level": "b", "when": "2026-01-03", "note": "two words", "x": null}',
    '{"x": "oops", "level": "a", "when": "never"}',
    '{"x": -2e3, "note": "three"}',
  ];

  test.each([
    ['rows.csv', Buffer.from(TEXT)],
    ['rows.csv.gz', gzipSync(TEXT)],
    ['rows.csv.zst', zstdFrame(TEXT)],
    ['rows.tsv', Buffer.from(TEXT.replaceAll(',', '\t'))],
    ['rows.csv', Buffer.from(`\uFEFF${TEXT.replaceAll('\n', '\r\n')}`)],
    ['rows.jsonl', Buffer.from(`${json.join('\n')}\n`)],
    ['rows.ndjson.gz', gzipSync(json.join('\r\n'))],
    ['rows.json', Buffer.from(`[${json.join(',\n')}]`)],
  ])('%s has the same values, missing cells and unparsable cells', async (name, bytes) => {
    writeFileSync(join(cwd, name), bytes);
    const { rows, columns } = await read([name], PLAN);
    const [x, level, when, note] = columns;

    expect(rows).toBe(4);
    expect(x).toMatchObject({ nulls: 1, unparsable: 1, unparsableExamples: ['oops'], min: -2000, max: 1.5 });
    expect([...(x as NumericColumn).values]).toEqual([1.5, -2000]);
    expect(level).toMatchObject({ nulls: 1, distinct: 2 });
    expect(level !== undefined && 'counts' in level && [...level.counts]).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(when).toMatchObject({ nulls: 1, unparsable: 1, unparsableExamples: ['never'] });
    expect([...(when as NumericColumn).values]).toEqual([Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 3)]);
    expect(note).toMatchObject({ nulls: 1, distinct: 3 });
    expect(note !== undefined && 'lengths' in note && [...note.lengths]).toEqual([3, 9, 5]);
  });

  test('Parquet keeps its types, missing cells and numbers that are not finite', async () => {
    await parquet(
      'rows.parquet',
      `SELECT * FROM (VALUES
        (1.5::DOUBLE, 7::BIGINT, 'a', true, TIMESTAMP '2026-01-02 00:00:00', [1]),
        (NULL, 8, NULL, false, NULL, NULL),
        ('inf'::DOUBLE, NULL, 'a', NULL, TIMESTAMP '2026-01-03 00:00:00', [2]),
        ('nan'::DOUBLE, -9, 'b', true, NULL, [])) AS t(x, n, level, flag, "when", nested)`,
    );
    const table = await createTableReader().open(['rows.parquet'], { cwd });
    try {
      expect(table.columns.map(({ name, skipped }) => [name, skipped === undefined])).toEqual([
        ['x', true],
        ['n', true],
        ['level', true],
        ['flag', true],
        ['when', true],
        ['nested', false],
      ]);
      const { rows, columns } = await columnsOf(table, [
        { name: 'x', type: 'numeric' },
        { name: 'n', type: 'numeric' },
        { name: 'level', type: 'categorical' },
        { name: 'flag', type: 'boolean' },
        { name: 'when', type: 'datetime' },
      ]);
      expect(rows).toBe(4);
      expect(columns[0]).toMatchObject({ nulls: 1, finite: 1, positiveInfinite: 1, nan: 1, max: 1.5 });
      expect([...(columns[1] as NumericColumn).values]).toEqual([7, 8, -9]);
      expect(columns[2] !== undefined && 'counts' in columns[2] && [...columns[2].counts]).toEqual([
        ['a', 2],
        ['b', 1],
      ]);
      expect(columns[3] !== undefined && 'counts' in columns[3] && columns[3].counts).toEqual(
        new Map([
          ['true', 2],
          ['false', 1],
        ]),
      );
      expect([...(columns[4] as NumericColumn).values]).toEqual([Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 3)]);
    } finally {
      await table.close();
    }
  });

  test('values of JSON that are no cells are skipped or counted, and never keys of an object', async () => {
    writeFileSync(
      join(cwd, 'rows.jsonl'),
      '{"__proto__": 1, "constructor": {"a": 2}, "x": 3}\n{"__proto__": 4, "x": [5]}\n',
    );
    const table = await createTableReader().open(['rows.jsonl'], { cwd });
    try {
      const names = table.columns.map(({ name }) => name);
      expect(names).toContain('__proto__');
      const { columns } = await columnsOf(table, [{ name: '__proto__', type: 'numeric' }]);
      expect([...(columns[0] as NumericColumn).values]).toEqual([1, 4]);
    } finally {
      await table.close();
    }
  });
});

describe('a malformed file is refused with its place', () => {
  test.each([
    ['cut.jsonl', Buffer.from('{"x": 1}\n{"x": 2'), /cut\.jsonl: line 2/],
    ['words.jsonl', Buffer.from('{"x": 1}\nx = 2\n'), /words\.jsonl: line 2, column 1/],
    ['twice.jsonl', Buffer.from('{"x": 1}\n{"x": 2, "x": 3}\n'), /twice\.jsonl: line 2/],
    ['cut.csv.gz', gzipSync('x\n1\n2\n').subarray(0, 15), /cut\.csv\.gz/],
    ['cut.csv.zst', zstdFrame('x\n1\n2\n').subarray(0, 14), /cut\.csv\.zst/],
    ['cut.parquet', Buffer.from('PAR1 and no footer PAR1'), /cut\.parquet/],
    ['book.csv', Buffer.from('PK\x03\x04and so on'), /book\.csv is a ZIP archive/],
    ['none.csv', Buffer.alloc(0), /none\.csv is empty/],
  ])('%s', async (name, bytes, message) => {
    writeFileSync(join(cwd, name), bytes);

    await expect(read([name], [{ name: 'x', type: 'numeric' }])).rejects.toMatchObject({
      message: expect.stringMatching(message),
      exitCode: 2,
    });
  });
});

describe('what lies across the borders of blocks', () => {
  // Some are longer than the blocks of 512 KiB and 1 MiB that the reader takes.
  const cell = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', '0', '😀'), maxLength: 30 }),
    },
    { weight: 1, arbitrary: fc.nat(700_000).map((length) => 'x,"\n'.repeat(length >> 2)) },
  );

  test('is read as d3-dsv reads it, in this thread and in another one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), cell), {
          minLength: 20,
          maxLength: 60,
        }),
        fc.nat(1_100_000),
        async (rows, offset) => {
          const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
          const first = `0,${quoted('y'.repeat(offset))}\n`;
          const text = `x,note\n${first}${rows.map(([x, note]) => `${x},${quoted(note)}\n`).join('')}`;
          writeFileSync(join(cwd, 'blocks.csv'), text);
          const expected = csvParse(text).map(({ x, note }) => [Number(x), note]);
          const files = await Promise.all((await findFiles(['blocks.csv'], cwd)).map(detectFormat));
          const sizes = expected.flatMap(([, note]) => (note === '' ? [] : [lengthOf(String(note))]));

          for (const program of [undefined, THREAD]) {
            const table = await openTable(files, { program });
            try {
              const { rows: count, columns } = await columnsOf(table, [
                { name: 'x', type: 'numeric' },
                { name: 'note', type: 'text' },
              ]);
              expect(count).toBe(expected.length);
              expect([...(columns[0] as NumericColumn).values]).toEqual(expected.map(([x]) => x));
              expect(columns[1] !== undefined && 'lengths' in columns[1] && [...columns[1].lengths]).toEqual(
                sizes,
              );
            } finally {
              await table.close();
            }
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  test('of a table of 6 MiB is the same in another thread, sorted or not, with equal rows counted', async () => {
    const lines = Array.from({ length: 400_000 }, (_, row) => `${(row * 7919) % 100_003},${row % 5}\n`);
    writeFileSync(join(cwd, 'large.csv'), `x,level\n${lines.join('')}`);
    const plan: readonly ColumnPlan[] = [
      { name: 'x', type: 'numeric' },
      { name: 'level', type: 'categorical' },
    ];
    const files = await Promise.all((await findFiles(['large.csv'], cwd)).map(detectFormat));
    const results = [];
    for (const program of [undefined, THREAD]) {
      for (const sorted of [false, true]) {
        const table = await openTable(files, { program });
        try {
          results.push(await columnsOf(table, plan, { sorted }));
        } finally {
          await table.close();
        }
      }
    }
    const expected = lines.map((line) => Number(line.split(',')[0]));
    for (const [index, { rows, duplicates, columns }] of results.entries()) {
      expect(rows).toBe(400_000);
      expect(duplicates.rows).toBe(lines.length - new Set(lines).size);
      const wanted = index % 2 === 0 ? expected : expected.toSorted((a, b) => a - b);
      // Compared as bytes: a message about two arrays of 400,000 numbers is of no use.
      expect(bytesOf((columns[0] as NumericColumn).values).equals(bytesOf(Float64Array.from(wanted)))).toBe(
        true,
      );
      expect(columns[1] !== undefined && 'counts' in columns[1] && [...columns[1].counts.values()]).toEqual([
        80_000, 80_000, 80_000, 80_000, 80_000,
      ]);
    }
  });
});
