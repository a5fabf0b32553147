import { describe, expect, test } from 'vitest';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { column, type MemoryColumn } from './support/memory-side.ts';
import { testPolicy } from './support/policy.ts';
import { Random } from './support/random.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2025, 0, 1);

const times = (ms: readonly number[]): MemoryColumn =>
  column(
    'at',
    ms.map((time) => new Date(time)),
  );

/** Times at random over some days from a day on, in the order of the rows unless shuffled. */
function during(seed: number, rows: number, { from = 0, days = 30, shuffled = true } = {}): number[] {
  const random = new Random(seed);
  const drawn = random.numbers(rows, (each) => START + Math.floor((from + each.next() * days) * DAY));
  return shuffled ? drawn : drawn.toSorted((x, y) => x - y);
}

describe('times as values', () => {
  test('times of the same span are stable', async () => {
    const report = await compare([times(during(1, 2000))], [times(during(2, 2000))]);
    expect(columnOf(report, 'at')).toMatchObject({ verdict: 'stable', severity: 'none', type: 'datetime' });
  });

  test('a part of the times in 1970 is drift below the range', async () => {
    const current = during(2, 2000).map((time, row) => (row % 20 === 0 ? 0 : time));
    const report = await compare([times(during(1, 2000))], [times(current)]);
    const below = checkOf(report, 'at', 'below-range');
    expect(below).toMatchObject({ verdict: 'drift', severity: 'high' });
    expect(below.message).toMatch(
      /^5 % of the values are below the reference's minimum 2025-01-01T\S+ \(down to 1970-01-01\)$/,
    );
  });

  test('earlier times are drift', async () => {
    const report = await compare([times(during(1, 2000))], [times(during(2, 2000, { from: -40 }))]);
    expect(columnOf(report, 'at')).toMatchObject({
      verdict: 'drift',
      severity: 'critical',
      shift: { direction: 'down' },
    });
    expect(checkOf(report, 'at', 'distribution').message).toContain('median 2025-01-1');
  });

  test('times of the year 50,000, as of a wrong unit, are drift', async () => {
    const report = await compare([times(during(1, 500))], [times(during(2, 500).map((time) => time * 900))]);
    expect(columnOf(report, 'at')).toMatchObject({ verdict: 'drift', severity: 'critical' });
  });
});

describe('times at which the rows came about', () => {
  test('a later batch is no drift, and the report says why', async () => {
    const report = await compare([times(during(1, 1000))], [times(during(2, 1000, { from: 30 }))]);
    expect(columnOf(report, 'at')).toMatchObject({ verdict: 'stable', severity: 'none' });
    expect(columnOf(report, 'at').notes).toContain(
      'the times of the current rows follow those of the reference: they are not held against one another',
    );
  });

  test('a batch that comes 70 years later is drift', async () => {
    const report = await compare([times(during(1, 1000))], [times(during(2, 1000, { from: 70 * 365 }))]);
    expect(columnOf(report, 'at')).toMatchObject({ verdict: 'drift', severity: 'critical' });
  });

  test('a batch of a day, half a year after another day, is no drift', async () => {
    const report = await compare(
      [times(during(1, 500, { days: 1 }))],
      [times(during(2, 500, { from: 180, days: 1 }))],
    );
    expect(columnOf(report, 'at').verdict).toBe('stable');
  });

  test('a window that moved on is no drift where both files are in the order of time', async () => {
    const reference = times(during(1, 1000, { shuffled: false }));
    const report = await compare([reference], [times(during(2, 1000, { from: 20, shuffled: false }))]);
    expect(columnOf(report, 'at').verdict).toBe('stable');
  });

  test('a later batch is compared where the type was set on purpose', async () => {
    const policy = testPolicy({ types: new Map([['at', 'datetime']]) });
    const report = await compare([times(during(1, 1000))], [times(during(2, 1000, { from: 30 }))], {
      policy,
    });
    expect(columnOf(report, 'at').severity).toBe('critical');
  });

  test('three days without rows are a gap', async () => {
    const holed = during(2, 2000, { from: 30 }).filter(
      (time) => time < START + 40 * DAY || time > START + 43 * DAY,
    );
    const report = await compare([times(during(1, 2000))], [times(holed)]);
    const gap = checkOf(report, 'at', 'gap');
    expect(gap).toMatchObject({ verdict: 'drift', severity: 'medium' });
    expect(gap.effect).toBeCloseTo(0.1, 2);
    expect(gap.message).toMatch(
      /^no rows for 3\.\d+ days from 2025-02-\S+ on, 1\d % of the time span \(the reference's longest gap is \S+ hours\)$/,
    );
  });

  test('nights without rows are no gap where the reference has them too', async () => {
    const byDay = (seed: number, from: number): number[] =>
      during(seed, 4000, { from, days: 10 }).filter((time) => new Date(time).getUTCHours() >= 8);
    const report = await compare([times(byDay(1, 0))], [times(byDay(2, 10))]);
    expect(checkOf(report, 'at', 'gap').verdict).toBe('stable');
  });

  test('a batch with fewer rows has longer gaps, which are none', async () => {
    const report = await compare([times(during(1, 20_000))], [times(during(2, 60, { from: 30 }))]);
    expect(checkOf(report, 'at', 'gap').verdict).not.toBe('drift');
  });

  test.each([1, 2, 3, 4, 5])('quiet years make no gap of a smaller batch (seed %i)', async (seed) => {
    // Ever more rows a day, the early ones far apart.
    const growing = (of: number, rows: number): number[] =>
      new Random(of).numbers(
        rows,
        (random) => START + Math.floor(1000 * DAY * Math.sqrt(Math.sqrt(random.next()))),
      );
    const report = await compare([times(growing(seed, 5000))], [times(growing(seed + 100, 300))]);
    expect(checkOf(report, 'at', 'gap').verdict).not.toBe('drift');
  });

  test('one and the same time on both sides is stable', async () => {
    const report = await compare([times(Array(100).fill(START))], [times(Array(100).fill(START))]);
    expect(columnOf(report, 'at')).toMatchObject({ verdict: 'stable' });
  });

  test('unparsable times are counted', async () => {
    const iso = during(1, 500).map((time) => new Date(time).toISOString());
    const broken = iso.map((time, row) => (row % 10 === 0 ? '31.02.2025' : time));
    const report = await compare([column('at', iso, { type: 'datetime' })], [column('at', broken)]);
    expect(checkOf(report, 'at', 'unparsable')).toMatchObject({
      verdict: 'drift',
      message: 'cells that are not datetime 0 % -> 10 % (such as "31.02.2025", "31.02.2025")',
    });
  });
});
