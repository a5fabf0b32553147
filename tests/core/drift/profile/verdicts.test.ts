import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEVERITIES, type Severity } from '../../../../src/core/drift/report.ts';
import type { Side } from '../../../../src/core/drift/side.ts';
import { columnOf, compare } from '../support/compare.ts';
import { type Cell, column, memorySide, type MemoryColumn } from '../support/memory-side.ts';
import { Random } from '../support/random.ts';
import { profiled } from './support/profiles.ts';

/** A column of the reference and of the current data. */
type Pair = readonly [before: MemoryColumn, after: MemoryColumn];

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

/** Of the data set, of every column and of every check. */
async function severities(reference: Side, current: Side): Promise<Map<string, number>> {
  const report = await compare(reference, current);
  const found = new Map([['data set', rank(report.severity)]]);
  for (const { column: name, checks, severity } of report.columns) {
    found.set(name, rank(severity));
    for (const check of checks) found.set(`${name}: ${check.check}`, rank(check.severity));
  }
  return found;
}

/** Whatever side is a profile, nothing is more severe than between the rows themselves. */
async function expectNoMore(pairs: readonly Pair[], minCount: number): Promise<void> {
  const before = () => memorySide(pairs.map(([reference]) => reference));
  const after = () => memorySide(pairs.map(([, current]) => current));
  const raw = await severities(before(), after());
  for (const [reference, current] of [
    [await profiled(before(), { minCount }), after()],
    [before(), await profiled(after(), { minCount })],
    [await profiled(before(), { minCount }), await profiled(after(), { minCount })],
  ] as const) {
    for (const [what, severity] of await severities(reference, current)) {
      const most = raw.get(what) ?? 0;
      expect(`${what} ${SEVERITIES[Math.max(severity, most)]}`).toBe(`${what} ${SEVERITIES[most]}`);
    }
  }
}

const oneOf = <Item>(random: Random, items: readonly Item[]): Item =>
  items[random.whole(items.length)] as Item;
/** Mostly none, sometimes up to 20. */
const someMinCount = (random: Random): number => (random.next() < 0.3 ? 1 + random.whole(20) : 1);

const CHANGES: readonly ((random: Random) => (value: number) => number)[] = [
  () => (value) => value,
  () => (value) => value + 0.3,
  () => (value) => value * 1.5,
  () => (value) => value * 2 - 1,
  (random) => (value) => (random.next() < 0.06 ? 0 : value),
  (random) => (value) => (random.next() < 0.03 ? value * 1000 : value),
  (random) => (value) => (random.next() < 0.02 ? value - 40 : value),
];

const SHAPES: readonly ((random: Random) => number)[] = [
  (random) => random.normal(),
  (random) => Math.exp(random.normal(0, 1.5)),
  (random) => Math.round(random.normal(0, 2)),
  (random) => Math.round(random.normal() * 10) / 10,
  (random) => (random.next() < 0.6 ? 0 : random.normal()),
  // Half of the values are equal, so that an interquartile range is 0 or nearly so.
  (random) => (random.next() < 0.502 ? 3 : random.next() < 0.5 ? 3 - random.next() : 3 + random.next()),
  (random) => (random.next() < 0.93 ? 1 : random.normal()),
  (random) => random.normal() / Math.max(1e-9, random.next()),
];

const DAY = 86_400_000;
const sizes = fc.constantFrom(2, 5, 30, 120, 500, 1500);
const scene = fc.record({ seed: fc.nat(1e9), n: sizes, m: sizes });

describe('a profile never alerts where the rows would not', () => {
  it('for numbers', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ seed, n, m }) => {
        const random = new Random(seed);
        const pairs = ['x', 'y', 'z'].map((name): Pair => {
          const shape = oneOf(random, SHAPES);
          const change = oneOf(random, CHANGES)(random);
          return [column(name, random.numbers(n, shape)), column(name, random.numbers(m, shape).map(change))];
        });
        await expectNoMore(pairs, someMinCount(random));
      }),
      { numRuns: 60 },
    );
  });

  it('for numbers and times in the order of the rows', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ seed, n, m }) => {
        const random = new Random(seed);
        const start = random.next() < 0.5 ? n : random.whole(2 * n);
        const step = random.next() < 0.5 ? 1 : 1 + random.next();
        const counter = (from: number, rows: number): number[] =>
          Array.from({ length: rows }, (_, row) => (from + row) * step);
        let last = 0;
        const series = (rows: number, mean: number): number[] =>
          random.numbers(rows, () => (last = 0.9 * last + random.normal())).map((value) => value + mean);
        const times = (from: number, rows: number): Date[] =>
          Array.from({ length: rows }, (_, row) => new Date(1.7e12 + (from + row) * DAY + random.whole(DAY)));
        const later = times(start, m);
        await expectNoMore(
          [
            [column('id', counter(0, n)), column('id', counter(start, m))],
            [column('series', series(n, 0)), column('series', series(m, 2 * random.next()))],
            [column('at', times(0, n)), column('at', random.next() < 0.5 ? later : random.shuffled(later))],
          ],
          someMinCount(random),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('for levels, counted one by one or pooled', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ seed, n, m }) => {
        const random = new Random(seed);
        const shares = Array.from({ length: oneOf(random, [2, 5, 40, 300]) }, (_, level) => 1 / (level + 1));
        const now = shares.map((share) => share * (random.next() < 0.3 ? 0.3 + 2 * random.next() : 1));
        const then = shares.map((share, level) => (level > 0 && random.next() < 0.1 ? 0 : share));
        const holes = (cells: readonly string[], share: number): Cell[] =>
          cells.map((cell) => (random.next() < share ? null : cell));
        const flags = (rows: number, of: readonly number[]): boolean[] =>
          random.levels(rows, of).map((level) => level === 'level 0');
        await expectNoMore(
          [
            [
              column('plan', holes(random.levels(n, then), 0.05)),
              column('plan', holes(random.levels(m, now), 0.1 * random.next())),
            ],
            [column('flag', flags(n, then)), column('flag', flags(m, now))],
          ],
          random.next() < 0.5 ? 1 + random.whole(20) : 1,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('for texts', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ seed, n, m }) => {
        const random = new Random(seed);
        const text = (length: number, alphabet: string): string =>
          Array.from({ length: random.whole(length) }, () => alphabet[random.whole(alphabet.length)]).join(
            '',
          );
        const texts = (rows: number, length: number, alphabet: string): MemoryColumn =>
          column(
            'x',
            Array.from({ length: rows }, () => text(length, alphabet)),
            { type: 'text' },
          );
        const moved = random.next();
        const pair: Pair = [
          texts(n, 30, 'abc 1-'),
          texts(m, 30 + Math.floor(10 * moved), moved < 0.5 ? 'abc 1-' : 'abc 1-222'),
        ];
        await expectNoMore([pair], someMinCount(random));
      }),
      { numRuns: 40 },
    );
  });
});

describe('a profile finds what the rows show', () => {
  it.each([0.3, 0.5])(
    'in 19 of 20 cases at least, where means of 1000 rows moved by %s sd',
    async (moved) => {
      let byRows = 0;
      let byProfile = 0;
      for (let seed = 0; seed < 40; seed += 1) {
        const random = new Random(1000 + seed);
        const before = column('x', random.numbers(1000));
        const after = column(
          'x',
          random.numbers(1000, () => random.normal(moved)),
        );
        const raw = await compare([before], [after]);
        const kept = await compare(await profiled(memorySide([before])), [after]);
        if (columnOf(raw, 'x').verdict === 'drift') byRows += 1;
        if (columnOf(kept, 'x').verdict === 'drift') byProfile += 1;
      }
      expect(byRows).toBeGreaterThanOrEqual(36);
      expect(byProfile).toBeGreaterThanOrEqual(0.95 * byRows);
    },
  );

  it.each([10, 50])(
    'for pools of fewer than %s rows a level too, when common levels moved',
    async (minCount) => {
      const shares = Array.from({ length: 60 }, (_, level) => 1 / (level + 1));
      const moved = shares.map((share, level) => (level === 0 ? 2.5 * share : share));
      const random = new Random(77);
      const before = column('plan', random.levels(5000, shares));
      const after = column('plan', random.levels(1000, moved));
      const kept = await compare(await profiled(memorySide([before]), { minCount }), [after]);
      expect(columnOf(kept, 'plan').verdict).toBe('drift');
    },
  );
});
