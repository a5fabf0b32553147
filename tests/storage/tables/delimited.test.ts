import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTableReader } from '../../../src/storage/tables/reader.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'mlops-delimited-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

/** The cells of all columns as text, row by row; null where a cell is missing. */
async function cellsOf(paths: readonly string[]): Promise<(string | null)[][]> {
  const table = await createTableReader().open(paths, { cwd });
  try {
    const plan = table.columns.map(({ name }) => ({ name, type: 'text' as const }));
    const { rows, columns } = await table.sampleRows(plan, { rows: 100_000 });
    return Array.from({ length: rows }, (_, row) =>
      columns.map((column) => {
        if (!('codes' in column)) throw new Error('a column of text has levels');
        return column.levels[column.codes[row] ?? -1] ?? null;
      }),
    );
  } finally {
    await table.close();
  }
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe('delimited text', () => {
  test('gives back whatever cells were written, quotes, line ends and delimiters among them', async () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', '0', 'é', '😀'),
      maxLength: 6,
    });
    const line = fc.tuple(cell, cell, cell);
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 40 }),
        fc.constantFrom('\n', '\r\n'),
        async (lines, end) => {
          const text = [['a', 'b', 'c'], ...lines].map((cells) => cells.map(quoted).join(',') + end).join('');
          writeFileSync(join(cwd, 'any.csv'), text);
          writeFileSync(join(cwd, 'any.csv.gz'), gzipSync(text));
          const expected = lines.map((cells) => cells.map((each) => (each === '' ? null : each)));

          expect(await cellsOf(['any.csv'])).toEqual(expected);
          expect(await cellsOf(['any.csv.gz'])).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ['a byte order mark', Buffer.from('\uFEFFa,b\n1,x\n')],
    ['UTF-16', Buffer.from('\uFEFFa,b\n1,x\n', 'utf16le')],
    ['tabs', Buffer.from('a\tb\n1\tx\n')],
  ])('is read with %s', async (_, bytes) => {
    writeFileSync(join(cwd, 'some.csv'), bytes);

    expect(await cellsOf(['some.csv'])).toEqual([['1', 'x']]);
  });

  test('of several files that a glob finds is one table', async () => {
    writeFileSync(join(cwd, 'part-1.csv'), 'a,b\n1,x\n');
    writeFileSync(join(cwd, 'part-2.csv'), 'b,a\ny,2\n');

    expect(await cellsOf(['part-*.csv'])).toEqual([
      ['1', 'x'],
      ['2', 'y'],
    ]);
  });

  test.each([
    ['too many cells', 'a,b\n1,x\n2,y,z\n', 'bad.csv: line 3, column 5'],
    ['too few cells', 'a,b\n1,x\n2\n', 'bad.csv: line 3, column 2'],
    ['a quote that does not end', 'a,b\n1,"x\n', 'bad.csv: line 2, column 3'],
    ['a name that comes twice', 'a,b,a\n1,x,2\n', 'bad.csv: line 1, column 5'],
  ])('with %s is refused with its place', async (_, text, place) => {
    writeFileSync(join(cwd, 'bad.csv'), text);

    await expect(cellsOf(['bad.csv'])).rejects.toThrow(place);
  });

  test('takes __proto__ for a name like any other', async () => {
    writeFileSync(join(cwd, 'proto.csv'), '__proto__,b\n1,x\n');

    expect(await cellsOf(['proto.csv'])).toEqual([['1', 'x']]);
  });
});
