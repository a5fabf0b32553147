import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declaredType, inferColumnType } from '../../../src/core/drift/column-type.ts';
import { EvidenceCollector } from '../../../src/storage/tables/columns/evidence-collector.ts';
import type { ColumnEvidence } from '../../../src/storage/tables/table.ts';
import { makeBatch } from '../../../src/storage/tables/text/batch.ts';
import { NullTokens } from '../../../src/storage/tables/values/null-tokens.ts';

interface Written {
  name?: string;
  declared?: string;
  complete?: boolean;
}

/** What the reader of files says of a column of these cells. */
function evidenceOf(
  cells: readonly string[],
  { name = 'x', declared, complete = true }: Written = {},
): ColumnEvidence {
  const collector = new EvidenceCollector(
    { name, declared, skipped: undefined },
    { nullTokens: new NullTokens(undefined), columns: 1 },
  );
  const batch = makeBatch(1);
  for (let from = 0; from < cells.length; from += batch.capacity) {
    const part = cells.slice(from, from + batch.capacity).map((cell) => Buffer.from(cell));
    batch.bytes = Buffer.concat(part);
    batch.rows = part.length;
    let at = 0;
    for (const [row, cell] of part.entries()) {
      batch.starts[row] = cell.length === 0 ? -1 : at;
      at += cell.length;
      batch.ends[row] = cell.length === 0 ? -1 : at;
    }
    collector.take(batch, 0);
  }
  return collector.finish(complete);
}

const infer = (cells: readonly string[], written?: Written) => inferColumnType(evidenceOf(cells, written));

/** `count` values of a sequence. */
const times = (count: number, valueAt: (row: number) => string): string[] =>
  Array.from({ length: count }, (_, row) => valueAt(row));

describe('inferColumnType', () => {
  it.each<[string, string[], string, string]>([
    ['numbers with fractions', times(100, (row) => String(row / 7)), 'numeric', 'numbers'],
    [
      'two numbers with fractions',
      times(100, (row) => (row % 2 === 0 ? '0.5' : '1.5')),
      'numeric',
      'numbers',
    ],
    ['many integers', times(100, (row) => String((row * 37) % 61)), 'numeric', 'numbers'],
    ['few integers', times(100, (row) => String(row % 4)), 'categorical', '4 different integers: codes'],
    ['ten integers', times(100, (row) => String(row % 10)), 'categorical', '10 different integers: codes'],
    ['eleven integers', times(100, (row) => String(row % 11)), 'numeric', 'numbers'],
    [
      'few integers as pandas writes them',
      times(90, (row) => `${row % 3}.0`),
      'categorical',
      '3 different integers: codes',
    ],
    ['0 and 1', times(50, (row) => String(row % 2)), 'categorical', '2 different integers: codes'],
    ['as many integers as rows', times(8, (row) => String(row * 3)), 'numeric', 'numbers'],
    [
      'few integers and a mark for missing',
      times(100, (row) => (row % 20 === 0 ? '?' : String(row % 4))),
      'categorical',
      '5 different values: codes',
    ],
    [
      'numbers and a mark for missing',
      times(100, (row) => (row % 20 === 0 ? '?' : String(row / 3))),
      'numeric',
      '95 % of the values are numbers',
    ],
    [
      'sizes',
      times(100, (row) => ['1', '2', 'XL'][row % 3] ?? ''),
      'categorical',
      'only 67 % are numbers, 3 different values in 100',
    ],
    [
      'zip codes',
      times(300, (row) => String(row * 331).padStart(5, '0')),
      'text',
      'integers with leading zeros: codes, 300 different values in 300',
    ],
    [
      'padded months',
      times(120, (row) => String((row % 12) + 1).padStart(2, '0')),
      'categorical',
      'integers with leading zeros: codes, 12 different values in 120',
    ],
    [
      'numbers, one of them padded',
      times(5000, (row) => (row === 7 ? '007' : String(row * 3))),
      'numeric',
      'numbers',
    ],
    [
      'amounts, some of them padded',
      times(100, (row) => (row % 2 === 0 ? '007' : '7.5')),
      'numeric',
      'numbers',
    ],
    [
      'snowflakes',
      times(100, (row) => `19007199254740${String(row).padStart(3, '0')}99`),
      'text',
      'integers beyond 2^53: codes, 100 different values in 100',
    ],
    [
      'repeated snowflakes',
      times(100, (row) => `9007199254740993${row % 5}`),
      'categorical',
      'integers beyond 2^53: codes, 5 different values in 100',
    ],
    [
      'a huge number among others',
      times(100, (row) => (row === 3 ? '1e300' : String(row))),
      'numeric',
      'numbers',
    ],
    [
      'numbers with infinities',
      times(100, (row) => (row % 10 === 0 ? 'inf' : String(row))),
      'numeric',
      'numbers',
    ],
    [
      'decimal commas',
      times(100, (row) => `${row},${row % 10}`),
      'text',
      'numbers with a decimal comma are not guessed, 100 different values in 100',
    ],
    ['true and false', times(10, (row) => (row % 2 === 0 ? 'True' : 'FALSE')), 'boolean', 'true/false'],
    ['true only', times(10, () => 'true'), 'boolean', 'true/false'],
    ['yes and no', times(10, (row) => (row % 2 === 0 ? 'yes' : 'no')), 'boolean', 'yes/no'],
    ['yes only', times(30, () => 'yes'), 'categorical', '1 different value in 30'],
    ['f only', times(30, () => 'f'), 'categorical', '1 different value in 30'],
    ['f and m', times(30, (row) => (row % 2 === 0 ? 'f' : 'm')), 'categorical', '2 different values in 30'],
    [
      'words of two pairs',
      times(30, (row) => (row % 2 === 0 ? 'yes' : 'false')),
      'categorical',
      '2 different values in 30',
    ],
    [
      'days',
      times(40, (row) => `2024-01-${String((row % 28) + 1).padStart(2, '0')}`),
      'datetime',
      'ISO 8601 times',
    ],
    [
      'times, some unreadable',
      times(40, (row) => (row % 20 === 0 ? 'soon' : `2024-01-01T0${row % 10}:00:00Z`)),
      'datetime',
      '95 % of the values are ISO 8601 times',
    ],
    ['words', times(100, (row) => `shop ${row % 7}`), 'categorical', '7 different values in 100'],
    [
      'names that hardly repeat',
      times(100, (row) => `name ${row % 60}`),
      'text',
      '60 different values in 100',
    ],
    [
      'long sentences that repeat',
      times(300, (row) => `${'a sentence '.repeat(6)}${row % 50}`),
      'text',
      '50 different values in 300',
    ],
    [
      'a few long notices',
      times(300, (row) => `${'a sentence '.repeat(6)}${row % 5}`),
      'categorical',
      '5 different values in 300',
    ],
    ['three words', ['sun', 'rain', 'fog'], 'categorical', '3 different values in 3'],
    ['one sentence', ['It rained the whole day, and nobody came.'], 'text', '1 different value in 1'],
  ])('%s', (_what, cells, type, reason) => {
    expect(infer(cells)).toMatchObject({ name: 'x', type, reason });
  });

  it('takes integer codes for integers however they are written, and other codes as they are', () => {
    expect(infer(times(90, (row) => `${row % 3}.0`))).toMatchObject({ integers: true });
    expect(infer(times(120, (row) => String(row % 12).padStart(2, '0')))).not.toHaveProperty('integers');
    expect(infer(times(100, (row) => String(row)))).not.toHaveProperty('integers');
  });

  it.each([
    ['id', 'text'],
    ['user_id', 'text'],
    ['userId', 'text'],
    ['User ID', 'text'],
    ['uuid', 'text'],
    ['paid', 'numeric'],
    ['grid', 'numeric'],
    ['Bid', 'numeric'],
    ['identity', 'numeric'],
  ])('unique integers named %s are %s', (name, type) => {
    const cells = times(200, (row) => String((row * 7919) % 100_003));
    expect(infer(cells, { name })).toMatchObject({ type });
  });

  it('takes identifiers that repeat for categories, and those that count the rows for numbers', () => {
    expect(
      infer(
        times(400, (row) => String((row * 37) % 60)),
        { name: 'shop_id' },
      ),
    ).toMatchObject({
      type: 'categorical',
      reason: 'integers named as an identifier, 60 different values in 400',
    });
    expect(
      infer(
        times(400, (row) => String(row + 1)),
        { name: 'id' },
      ),
    ).toMatchObject({ type: 'numeric' });
  });

  it('has no type where there is nothing, and for values that can not be compared', () => {
    expect(infer([])).toBeNull();
    expect(infer(['', '', 'NA'])).toBeNull();
    expect(
      inferColumnType({ ...evidenceOf(['a', 'b']), skipped: 'nested values are not compared' }),
    ).toBeNull();
  });

  it('believes what a file declares of booleans, times and enumerations, and that integers are text', () => {
    const zips = times(100, (row) => String(90_000 + (row % 12)));
    expect(infer(zips)).toMatchObject({ type: 'numeric' });
    expect(infer(zips, { declared: 'VARCHAR' })).toMatchObject({
      type: 'categorical',
      reason: 'integers declared VARCHAR: codes, 12 different values in 100',
    });
    expect(
      infer(
        times(9, (row) => String(row % 2)),
        { declared: 'BOOLEAN' },
      ),
    ).toMatchObject({
      type: 'boolean',
      reason: 'declared BOOLEAN',
    });
    expect(infer(['2024-01-01'], { declared: 'TIMESTAMP_NS' })).toMatchObject({ type: 'datetime' });
    expect(
      infer(
        times(99, (row) => `v${row}`),
        { declared: "ENUM('v1', 'v2')" },
      ),
    ).toMatchObject({ type: 'categorical' });
  });

  it.each(['DOUBLE', 'FLOAT', 'BIGINT', 'UTINYINT', 'HUGEINT', 'DECIMAL(10,2)'])(
    'gives a %s column the type that the same cells have in CSV',
    (declared) => {
      for (const cells of [times(60, (row) => String(row % 3)), times(60, (row) => String(row))]) {
        expect(infer(cells, { declared })?.type).toBe(infer(cells)?.type);
      }
    },
  );

  it('says so where it has seen the first rows only', () => {
    expect(
      infer(
        times(1200, (row) => String(row)),
        { complete: false },
      )?.reason,
    ).toBe('numbers (first 1,200 rows)');
  });

  it('does not depend on the order of the rows, but for identifiers', () => {
    const cell = fc.oneof(
      fc.integer({ min: 0, max: 30 }).map(String),
      fc.double({ noNaN: true }).map(String),
      fc.constantFrom('', 'yes', 'no', 'x', 'NA', '007', '1,5', '2024-05-01'),
    );
    fc.assert(
      fc.property(fc.array(cell, { maxLength: 60 }), (cells) => {
        expect(infer(cells.toReversed())).toEqual(infer(cells));
      }),
    );
  });

  it('never takes a column for numbers of which more than a tenth are none', () => {
    const cells = fc.array(fc.constantFrom('1.5', '2', '3.25', '17', 'x', 'y', '-'), {
      minLength: 1,
      maxLength: 80,
    });
    fc.assert(
      fc.property(cells, (values) => {
        const numbers = values.filter((value) => /\d/.test(value)).length;
        if (infer(values)?.type === 'numeric') expect(numbers).toBeGreaterThanOrEqual(values.length * 0.9);
      }),
    );
  });
});

describe('declaredType', () => {
  it.each([
    [undefined, undefined],
    ['BOOLEAN', 'boolean'],
    ['INTEGER', 'numeric'],
    ['UBIGINT', 'numeric'],
    ['DECIMAL(18,3)', 'numeric'],
    ['DATE', 'datetime'],
    ['TIMESTAMP WITH TIME ZONE', 'datetime'],
    ['TIME', undefined],
    ['VARCHAR', 'text'],
    ['UUID', 'text'],
    ["ENUM('a')", 'categorical'],
    ['STRUCT(a INTEGER)', undefined],
    ['INTEGER[]', undefined],
    ['BLOB', undefined],
  ])('%s is %s', (declared, type) => {
    expect(declaredType(declared)).toBe(type);
  });
});
