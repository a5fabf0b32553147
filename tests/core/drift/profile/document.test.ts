import { describe, expect, it } from 'vitest';
import { encodeCheckedProfile } from '../../../../src/core/drift/profile/build.ts';
import { encodeProfile } from '../../../../src/core/drift/profile/encode.ts';
import { createLevelHasher } from '../../../../src/core/drift/profile/level-hash.ts';
import { parseProfile } from '../../../../src/core/drift/profile/parse.ts';
import { profileSide } from '../../../../src/core/drift/profile/side.ts';
import type {
  CategoricalSummary,
  ColumnSummary,
  NumericSummary,
} from '../../../../src/core/drift/summary.ts';
import { column, memorySide, type MemoryColumn, type MemorySideOptions } from '../support/memory-side.ts';
import { Random } from '../support/random.ts';
import {
  levelsOf,
  numbersOf,
  profile as buildProfile,
  summariesAs,
  summariesOf,
  type TestOptions,
} from './support/profiles.ts';

const random = new Random(11);
const ROWS = 1200;
const DAY = 86_400_000;
const PAYMENTS: readonly MemoryColumn[] = [
  column(
    'amount',
    random
      .numbers(ROWS, () => (random.next() < 0.2 ? 0 : random.normal(50, 20)))
      .with(0, Infinity)
      .with(1, NaN),
  ),
  column(
    'country',
    random.levels(ROWS, [6, 3, 1]).map((level, row) => (row % 10 === 0 ? null : level)),
  ),
  column(
    'fraud',
    random.numbers(ROWS).map((value) => value > 1),
  ),
  column(
    'at',
    random.numbers(ROWS, () => new Date(1.7e12 + random.whole(90) * DAY) as unknown as number),
  ),
  column(
    'comment',
    random.numbers(ROWS).map((value) => (value > 0 ? `private text ${value}` : '')),
    { type: 'text' },
  ),
  column(
    'age',
    random.numbers(ROWS, () => random.whole(80)).map((age, row) => (row === 7 ? 'secret cell' : age)),
    { type: 'numeric' },
  ),
  column(
    'empty',
    Array.from({ length: ROWS }, () => null),
  ),
  column(
    'nested',
    Array.from({ length: ROWS }, () => 'x'),
    { skipped: 'nested values (STRUCT) are not compared' },
  ),
  column('__proto__', random.levels(ROWS, [1, 1])),
];
const FACTS: MemorySideOptions = {
  name: 'payments.csv',
  facts: { duplicates: { rows: 3, share: 3 / ROWS, exact: true } },
};

const payments = () => memorySide(PAYMENTS, FACTS);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a profile', () => {
  it('comes back from its bytes as it was', async () => {
    const profile = await buildProfile(payments());
    const bytes = encodeCheckedProfile(profile);
    const again = parseProfile(bytes, 'payments.json');
    expect(again).toEqual(profile);
    expect(Buffer.compare(encodeProfile(again), bytes)).toBe(0);
  });

  it('is the same bytes for the same data, and holds neither names of files nor times', async () => {
    const first = encodeProfile(await buildProfile(payments()));
    const second = encodeProfile(
      await buildProfile(memorySide(PAYMENTS, { ...FACTS, name: '/home/ada/other.csv' })),
    );
    expect(Buffer.compare(first, second)).toBe(0);
  });

  it('holds no text of a text column and no cell that could not be parsed', async () => {
    const text = textOf(encodeProfile(await buildProfile(payments())));
    expect(text).not.toContain('private');
    expect(text).not.toContain('secret');
    const [age] = await summariesOf(payments(), ['age']);
    expect(age).toMatchObject({ unparsable: 1, unparsableExamples: ['secret cell'] });
  });

  it('keeps all counts, the range and the most frequent values', async () => {
    const names = ['amount', 'country', 'fraud', 'at', 'comment', 'age', '__proto__'];
    const side = profileSide(await buildProfile(payments()), { name: 'p.json', secret: undefined });
    const raw = await summariesOf(payments(), names);
    const kept = await summariesOf(side, names);
    const counts = ({ name, rows, nulls, unparsable }: ColumnSummary) => ({ name, rows, nulls, unparsable });
    expect(kept.map(counts)).toEqual(raw.map(counts));
    const [amount] = kept as [NumericSummary];
    const [before] = raw as [NumericSummary];
    expect(amount).toMatchObject({ nan: 1, positiveInfinite: 1, negativeInfinite: 0 });
    const { min, max, rows, total, effective, r, ordered } = before.distribution;
    expect(amount.distribution).toMatchObject({ min, max, rows, total, effective, r, ordered });
    expect(amount.distribution.top[0]).toEqual(before.distribution.top[0]);
    expect(amount.distribution.others).toBe(1 / rows);
    for (const place of [1, 2, 6]) {
      const [levels, rawLevels] = [kept[place], raw[place]] as [CategoricalSummary, CategoricalSummary];
      expect(levels.counts).toEqual(rawLevels.counts);
      expect(levels.pooled).toEqual({ levels: 0, rows: 0 });
    }
    expect(side.facts()).toEqual({
      rows: ROWS,
      duplicates: { rows: 3, share: 3 / ROWS, exact: true },
      notes: [],
    });
  });

  it('keeps types with their reasons, and says which a person chose', async () => {
    const profile = await buildProfile(payments(), { chosen: { types: ['age=categorical'] } });
    const side = profileSide(profile, { name: 'p.json', secret: undefined });
    expect(side.columns.slice(-4)).toEqual([
      {
        name: 'age',
        inferred: { name: 'age', type: 'categorical', reason: 'set by --type', integers: true },
        declared: 'categorical',
        skipped: undefined,
      },
      { name: 'empty', inferred: null, declared: undefined, skipped: undefined },
      {
        name: 'nested',
        inferred: null,
        declared: undefined,
        skipped: 'nested values (STRUCT) are not compared',
      },
      expect.objectContaining({ name: '__proto__' }),
    ]);
    expect(profile.columns.map(({ pinned }) => pinned)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  it('reads a column that is all null as any type', async () => {
    const side = profileSide(await buildProfile(payments()), { name: 'p.json', secret: undefined });
    for (const type of ['numeric', 'datetime', 'categorical', 'boolean', 'text'] as const) {
      const summaries = await summariesAs(side, { name: 'empty', type });
      expect(summaries).toEqual([expect.objectContaining({ type, nulls: ROWS, rows: ROWS })]);
    }
  });

  it('refuses to read a column as another type than it was profiled as', async () => {
    const side = profileSide(await buildProfile(payments()), { name: 'p.json', secret: undefined });
    await expect(summariesAs(side, { name: 'age', type: 'text' })).rejects.toMatchObject({
      code: 'PROFILE_TYPE',
      exitCode: 2,
      hint: 'profile the data again with --type age=text',
    });
  });

  it('takes some columns only, and refuses names that the data does not have', async () => {
    const some = await buildProfile(payments(), {
      chosen: { columns: ['coun*,amount'], exclude: ['amount'] },
    });
    expect(some.columns.map(({ name }) => name)).toEqual(['country']);
    for (const chosen of [{ columns: ['amuont'] }, { exclude: ['amuont'] }, { types: ['amuont=text'] }]) {
      await expect(buildProfile(payments(), { chosen })).rejects.toMatchObject({
        code: 'UNKNOWN_COLUMN',
        exitCode: 2,
        hint: 'did you mean `amount`?',
      });
    }
    await expect(buildProfile(payments(), { chosen: { types: ['nested=text'] } })).rejects.toMatchObject({
      code: 'COLUMN_SKIPPED',
    });
  });

  it('asks for one column after the other', async () => {
    const read: string[] = [];
    const done: number[] = [];
    const side = memorySide(PAYMENTS, { ...FACTS, onRead: (name) => read.push(name) });
    await buildProfile(side, { onColumn: (count) => done.push(count - read.length) });
    expect(read).toEqual(
      PAYMENTS.map(({ name }) => name).filter((name) => name !== 'empty' && name !== 'nested'),
    );
    // Never a column ahead.
    expect(Math.min(...done)).toBe(0);
  });

  it('is none of a profile', async () => {
    const side = profileSide(await buildProfile(payments()), { name: 'p.json', secret: undefined });
    await expect(buildProfile(side)).rejects.toMatchObject({ code: 'PROFILE_OF_PROFILE', exitCode: 2 });
  });
});

describe('rare levels', () => {
  const cells = [
    ...Array.from({ length: 500 }, () => 'usual'),
    ...Array.from({ length: 40 }, (_, row) => `rare ${row % 20}`),
    'Ada',
  ];
  const levels = (options: TestOptions) => buildProfile(memorySide([column('who', cells)]), options);
  const summary = async (options: TestOptions): Promise<CategoricalSummary> =>
    levelsOf(await levels(options));

  it('are pooled below the number of rows that was asked for, and can be read nowhere', async () => {
    const profile = await levels({ minCount: 3 });
    expect(profile.columns[0]?.summary).toMatchObject({ pooled: { levels: 21, rows: 41 }, distinct: 22 });
    const text = textOf(encodeCheckedProfile(profile));
    expect(text).not.toMatch(/rare|Ada/);
    expect(parseProfile(Buffer.from(text), 'p.json')).toEqual(profile);
  });

  it('take others with them until the pool has as many rows itself', async () => {
    const { counts, pooled } = await summary({ minCount: 2 });
    expect(pooled).toEqual({ levels: 2, rows: 3 });
    expect([...counts.values()].filter((rows) => rows < 2)).toEqual([]);
  });

  it('hide frequent values of numbers too', async () => {
    const numbers = [
      ...Array.from({ length: 50 }, () => 7),
      ...Array.from({ length: 4 }, () => 1234.56789),
      ...random.numbers(300),
    ];
    const profile = await buildProfile(memorySide([column('x', numbers)]), { minCount: 10 });
    const { top, others, min } = numbersOf(profile).distribution;
    expect(top).toEqual([{ value: 7, share: 50 / 354 }]);
    expect(others).toBe(4 / 354);
    expect(min).toBe(Math.floor(min ?? Number.NaN));
    expect(textOf(encodeProfile(profile))).not.toContain('1234.56789');
  });

  it('and too many of them are pooled, the rarest first', async () => {
    const many = Array.from(
      { length: 25_000 },
      (_, row) => `level ${row % 12_500 < 3000 ? row % 3000 : row % 12_500}`,
    );
    const profile = await buildProfile(memorySide([column('x', many, { type: 'categorical' })]));
    const { counts, pooled, distinct } = levelsOf(profile);
    expect(counts.size).toBe(10_000);
    expect(counts.size + pooled.levels).toBe(distinct);
    expect([...counts.values()].reduce((sum, rows) => sum + rows, pooled.rows)).toBe(25_000);
    expect(parseProfile(encodeProfile(profile), 'p.json')).toEqual(profile);
  });

  it('and very long ones are pooled, whatever their number', async () => {
    const profile = await buildProfile(
      memorySide([column('x', ['a', 'b'.repeat(1001), 'b'.repeat(1001)], { type: 'categorical' })]),
    );
    expect(profile.columns[0]?.summary).toMatchObject({ pooled: { levels: 1, rows: 2 } });
  });
});

describe('hashed levels', () => {
  const SECRET = 'a secret of enough characters';
  const cells = ['DE', 'DE', 'FR', 'Ada Lovelace'];
  const side = () =>
    memorySide([column('who', cells), column('where', cells), column('yes', [true, false, true, true])]);
  const hashed = (secret: string | undefined) => buildProfile(side(), { hasher: createLevelHasher(secret) });

  it('follow the scheme of docs/format.md, without and with a secret', async () => {
    // printf 'mlops level ["who","DE"]' | sha256sum, and openssl dgst -sha256 -hmac
    expect(createLevelHasher(undefined).hash('who', 'DE')).toBe('2f45616019fe2fdffc41da9e');
    expect(createLevelHasher(SECRET).hash('who', 'DE')).toBe('4975e9a1224292c76b8a98a4');
    expect(createLevelHasher(SECRET).scheme).toEqual({ scheme: 'hmac-sha256', key: '88ff5f8d19b7aea3' });
  });

  it('hide the levels of categorical columns, differently in each, and leave booleans alone', async () => {
    for (const secret of [undefined, SECRET]) {
      const profile = await hashed(secret);
      const text = textOf(encodeCheckedProfile(profile));
      expect(text).not.toMatch(/Ada|DE|FR/);
      expect(text).toContain('"3 true"');
      const [who, where] = profile.columns.map((each) => each.summary as CategoricalSummary);
      expect([...(who?.counts.values() ?? [])].toSorted((x, y) => x - y)).toEqual([1, 1, 2]);
      expect([...(who?.counts.keys() ?? [])].some((level) => where?.counts.has(level))).toBe(false);
    }
  });

  it('need the secret that they were made with', async () => {
    const profile = parseProfile(encodeProfile(await hashed(SECRET)), 'p.json');
    const open = (secret: string | undefined) => () => profileSide(profile, { name: 'p.json', secret });
    expect(open(SECRET)).not.toThrow();
    expect(open(undefined)).toThrow(expect.objectContaining({ code: 'PROFILE_KEY_MISSING', exitCode: 2 }));
    expect(open('another secret, long enough')).toThrow(
      expect.objectContaining({ code: 'PROFILE_KEY_INVALID', exitCode: 2 }),
    );
    expect(() => createLevelHasher('short')).toThrow(
      expect.objectContaining({ code: 'PROFILE_KEY_INVALID' }),
    );
  });
});
