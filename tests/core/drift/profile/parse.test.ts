import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MlopsError } from '../../../../src/errors.ts';
import { parseProfile } from '../../../../src/core/drift/profile/parse.ts';

type Json = Record<string, unknown>;

const numbers = (changes: Json = {}): Json => ({
  compared: 4,
  total: 4,
  effective: 4,
  error: 0.5,
  knots: ['1 2 3'],
  frequent: ['2 1', '1 3'],
  others: 1,
  ...changes,
});

const amount = (changes: Json = {}): Json => ({
  name: 'amount',
  type: 'numeric',
  reason: 'numbers',
  lacking: { nulls: 1, unparsable: 0 },
  values: numbers(),
  ...changes,
});

const country = (changes: Json = {}): Json => ({
  name: 'country',
  type: 'categorical',
  reason: 'text',
  lacking: { nulls: 0, unparsable: 0 },
  levels: { rows: ['3 DE', '2 '], distinct: 2, exact: true },
  ...changes,
});

const TEXTS = {
  letter: 1,
  digit: 0,
  space: 0,
  punctuation: 0,
  other: 0,
  characters: 8,
  effective: 4,
  distinct: 4,
  exact: true,
  empty: 0,
};
const comment = (changes: Json = {}): Json => ({
  name: 'comment',
  type: 'text',
  lacking: { nulls: 1, unparsable: 0 },
  lengths: numbers(),
  texts: TEXTS,
  ...changes,
});

const profile = (changes: Json = {}): Json => ({
  schema: 'mlops.profile/1',
  rows: 5,
  columns: [amount(), country(), comment()],
  ...changes,
});

const parse = (value: unknown) =>
  parseProfile(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), 'ref.json');

function refusal(value: unknown): string {
  try {
    parse(value);
  } catch (error) {
    if (error instanceof MlopsError && error.exitCode === 2) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'taken';
}

describe('parseProfile', () => {
  it('takes what people wrote or formatted, with members that it does not know', () => {
    const taken = parse(
      JSON.stringify(profile({ later: { x: [1] }, columns: [amount({ unit: 'EUR' })] }), null, 7),
    );
    expect(taken).toMatchObject({ rows: 5, duplicates: null, labels: null, minCount: null });
    expect(taken.columns[0]).toMatchObject({ name: 'amount', pinned: false, summary: { nulls: 1, nan: 0 } });
  });

  it('takes names and levels that are members of every object', () => {
    const { columns } = parse(
      profile({
        columns: [
          country({
            name: '__proto__',
            levels: { rows: ['2 constructor', '3 __proto__'], distinct: 2, exact: true },
          }),
        ],
      }),
    );
    const [column] = columns;
    expect(column?.name).toBe('__proto__');
    expect(column?.summary?.type === 'categorical' && [...column.summary.counts]).toEqual([
      ['constructor', 2],
      ['__proto__', 3],
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    ['text that is no JSON', '{"schema": ', /PROFILE_INVALID ref\.json:1:12/],
    ['an empty file', '', /PROFILE_INVALID ref\.json/],
    ['another kind of document', { schema: 'mlops.stage/1' }, /ref\.json: schema/],
    ['a list', [], /PROFILE_INVALID/],
    ['keys that reach a prototype', '{"__proto__": {"schema": "mlops.profile/1"}}', /__proto__/],
    ['a key twice', '{"rows": 1, "rows": 2}', /PROFILE_INVALID ref\.json:1:/],
    ['deep nesting', `${'['.repeat(100)}${']'.repeat(100)}`, /PROFILE_INVALID/],
    ['a merge conflict', '<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n', /ref\.json:1: .*merge conflict/],
    ['a newer version', { schema: 'mlops.profile/2' }, /FORMAT_UNSUPPORTED .*mlops\.profile\/2/],
    ['negative rows', profile({ rows: -1 }), /ref\.json: rows/],
    ['half a row', profile({ rows: 0.5 }), /ref\.json: rows/],
    [
      'more duplicates than rows',
      profile({ duplicates: { rows: 6, exact: true } }),
      /duplicates: 6 of 5 rows/,
    ],
    ['a column twice', profile({ columns: [amount(), amount()] }), /columns\.1: `amount`: is listed twice/],
    ['a name that is no text', profile({ columns: [amount({ name: 1 })] }), /columns\.0\.name/],
    ['an unknown type', profile({ columns: [amount({ type: 'complex' })] }), /columns\.0\.type/],
    [
      'more nulls than rows',
      profile({ columns: [amount({ lacking: { nulls: 6, unparsable: 0 } })] }),
      /`amount`: counts 10 cells of 5 rows/,
    ],
    [
      'lost cells',
      profile({ columns: [amount({ lacking: { nulls: 0, unparsable: 0 } })] }),
      /counts 4 cells of 5 rows/,
    ],
    [
      'a type without counts',
      profile({ columns: [amount({ lacking: undefined })] }),
      /has no member "lacking"/,
    ],
    [
      'levels without levels',
      profile({ columns: [country({ levels: undefined })] }),
      /has no member "levels"/,
    ],
    ['texts without texts', profile({ columns: [comment({ texts: undefined })] }), /has no member "texts"/],
    [
      'a keyed scheme without a key',
      profile({ labels: { scheme: 'hmac-sha256' } }),
      /labels: a key belongs to hmac-sha256/,
    ],
    ['a key of another form', profile({ labels: { scheme: 'hmac-sha256', key: 'secret' } }), /labels\.key/],
    ['a rare count of 0', profile({ minCount: 0 }), /minCount/],
  ])('refuses %s', (_, value, message) => {
    expect(refusal(value)).toMatch(message);
  });

  it.each<[string, Json, RegExp]>([
    [
      'knots out of order',
      { knots: ['1 3 2'] },
      /columns\.0: `amount`: values: knots: are not in ascending order/,
    ],
    ['knots that are no numbers', { knots: ['1 x 3'] }, /knots: "x" is no number/],
    ['infinite knots', { knots: ['1 2 1e999'] }, /knots: "1e999" is no number/],
    ['a single knot', { knots: ['1'] }, /fewer than 2 numbers/],
    ['a bomb of repetitions', { knots: ['1*999999999'] }, /more than 10001 numbers/],
    ['a line without end', { knots: ['1 '.repeat(5000)] }, /knots\.0/],
    ['an error of 0', { error: 0 }, /values\.error/],
    ['an error above 1', { error: 1.5 }, /values\.error/],
    ['an error that its knots do not allow', { error: 0.1 }, /error: 0\.1 is less than 3 knots allow/],
    ['more compared values than there are', { compared: 5 }, /compared: 5 of 4 values/],
    ['more effective rows than compared ones', { effective: 5 }, /effective: 5 of 4 values/],
    ['effective rows of 0', { effective: 0 }, /values\.effective/],
    ['no compared values', { compared: 0 }, /values\.compared/],
    ['a correlation above 1', { autocorrelation: 2 }, /values\.autocorrelation/],
    [
      'frequent values out of order',
      { frequent: ['1 1', '2 3'] },
      /frequent\.1: is more frequent than the one before/,
    ],
    ['a frequent value twice', { frequent: ['1 1', '1 1'] }, /frequent\.1: is listed before/],
    ['a frequent value beyond the range', { frequent: ['1 9'] }, /beyond all knots/],
    ['frequent values that are no pairs', { frequent: ['1'] }, /frequent\.0: is not "<rows> <value>"/],
    ['more rows of frequent values than there are', { frequent: ['3 1', '3 2'] }, /frequent: 6 rows of 4/],
    ['others that are more than all', { others: 5 }, /others: 5 rows of 4/],
  ])('refuses %s', (_, changes, message) => {
    expect(refusal(profile({ columns: [amount({ values: numbers(changes) })] }))).toMatch(message);
  });

  it.each<[string, Json, RegExp]>([
    [
      'a level twice',
      { rows: ['3 DE', '2 DE'], distinct: 2, exact: true },
      /levels: rows\.1: is a level that was listed before/,
    ],
    [
      'a level without rows',
      { rows: ['0 DE', '5 FR'], distinct: 2, exact: true },
      /rows\.0: is not "<rows> <level>"/,
    ],
    ['a level without a count', { rows: ['DE'], distinct: 1, exact: true }, /rows\.0/],
    [
      'fewer levels than are listed',
      { rows: ['3 DE', '2 FR'], distinct: 1, exact: true },
      /distinct: 1, but 2/,
    ],
    [
      'more rows than there are',
      { rows: ['3 DE', '3 FR'], distinct: 2, exact: true },
      /counts 6 cells of 5 rows/,
    ],
    [
      'pooled rows of no level',
      { rows: ['3 DE'], distinct: 1, exact: true, pooled: { levels: 0, rows: 2 } },
      /pooled/,
    ],
    [
      'pooled levels without rows',
      { rows: ['3 DE'], distinct: 4, exact: true, pooled: { levels: 3, rows: 2 } },
      /pooled/,
    ],
    [
      'a level without end',
      { rows: [`5 ${'x'.repeat(10_021)}`], distinct: 1, exact: true },
      /levels\.rows\.0/,
    ],
  ])('refuses %s', (_, levels, message) => {
    expect(refusal(profile({ columns: [country({ levels })] }))).toMatch(message);
  });

  it.each<[string, Json, RegExp]>([
    [
      'shares that do not add up',
      { texts: { ...TEXTS, digit: 0.5 } },
      /texts: the shares of characters do not add up/,
    ],
    ['shares of no characters', { texts: { ...TEXTS, characters: 0 } }, /texts: the shares/],
    [
      'more effective texts than there are',
      { texts: { ...TEXTS, effective: 5 } },
      /texts: effective: 5 of 4/,
    ],
    [
      'negative lengths',
      { lengths: numbers({ knots: ['-1 2 3'], frequent: [] }) },
      /lengths: a length is below 0/,
    ],
  ])('refuses %s', (_, changes, message) => {
    expect(refusal(profile({ columns: [comment(changes)] }))).toMatch(message);
  });

  it('refuses more columns than any data set has, and more bytes than it would read', () => {
    const columns = Array.from({ length: 20_001 }, (_, place) => ({ name: `c${place}` }));
    expect(refusal(profile({ columns }))).toMatch(/ref\.json: columns/);
    expect(refusal(profile({ filler: 'x'.repeat(64 * 1024 * 1024) }))).toMatch(
      /has \d+ bytes; the limit is 67108864/,
    );
  });

  it('takes it or says with exit code 2 what is wrong, whatever is changed', () => {
    const text = JSON.stringify(profile());
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.nat(3),
        fc.constantFrom('', '0', '-', '"', ',', '9e9', '*3', ' ', 'null', '[', '{}', '\u0000'),
        (at, length, insert) => {
          const changed = text.slice(0, at) + insert + text.slice(at + length);
          expect(refusal(changed)).toMatch(/^(?:taken|PROFILE_INVALID ref\.json|FORMAT_UNSUPPORTED)/);
        },
      ),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom('columns', 'rows', 'labels', 'duplicates'),
        (value, member) => {
          expect(refusal({ ...profile(), [member]: value })).toMatch(/^(?:taken|PROFILE_INVALID ref\.json)/);
        },
      ),
    );
  });
});
