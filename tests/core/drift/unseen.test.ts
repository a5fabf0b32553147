import { describe, expect, test } from 'vitest';
import { compareUnseen } from '../../../src/core/drift/checks/unseen.ts';
import { DEFAULT_LIMITS } from '../../../src/core/drift/policy/limits.ts';
import type { CategoricalSummary } from '../../../src/core/drift/summary.ts';
import { Random } from './support/random.ts';

function summary(levels: readonly string[]): CategoricalSummary {
  const counts = new Map<string, number>();
  for (const level of levels) counts.set(level, (counts.get(level) ?? 0) + 1);
  return {
    name: 'c',
    type: 'categorical',
    rows: levels.length,
    nulls: 0,
    unparsable: 0,
    unparsableExamples: [],
    counts,
    distinct: counts.size,
    distinctExact: true,
    pooled: { levels: 0, rows: 0 },
  };
}

function unseen(reference: readonly string[], current: readonly string[]) {
  const sides = { reference: summary(reference), current: summary(current), shown: (level: string) => level };
  return compareUnseen(sides, { alpha: 0.01, limits: DEFAULT_LIMITS.unseenShare });
}

const rowsUnseen = (reference: readonly string[], current: readonly string[]): number => {
  const known = new Set(reference);
  return current.filter((level) => !known.has(level)).length;
};

describe('the chance of rows of unseen levels', () => {
  test('is at least the share of random divisions with as many', () => {
    const random = new Random(1);
    for (const [pool, n] of [
      [[...Array(30).fill('a'), ...Array(5).fill('b'), 'c', 'd', 'e', 'f'], 20],
      [Array.from({ length: 60 }, (_, row) => `level ${row % 25}`), 40],
      [Array.from({ length: 80 }, (_, row) => `level ${Math.floor(Math.sqrt(row))}`), 70],
    ] as const) {
      const divisions = Array.from({ length: 4000 }, () => {
        const mixed = random.shuffled(pool);
        return rowsUnseen(mixed.slice(0, n), mixed.slice(n));
      });
      for (let attempt = 0; attempt < 40; attempt += 1) {
        const mixed = random.shuffled(pool);
        const [reference, current] = [mixed.slice(0, n), mixed.slice(n)];
        const finding = unseen(reference, current);
        if (finding === undefined || finding.p === null) continue;
        const rows = rowsUnseen(reference, current);
        const share = divisions.filter((each) => each >= rows).length / divisions.length;
        expect(finding.p).toBeGreaterThanOrEqual(share - 4 * Math.sqrt((share * (1 - share)) / 4000) - 1e-9);
      }
    }
  });

  test('is small where the levels are new and not merely rare', () => {
    const random = new Random(2);
    const known = random.levels(
      2000,
      Array.from({ length: 40 }, (_, level) => 1 / (level + 1)),
    );
    const current = random.levels(
      1000,
      Array.from({ length: 40 }, (_, level) => 1 / (level + 1)),
    );
    const three = current.map((level, row) => (row < 30 ? `new ${row % 3}` : level));
    expect(unseen(known, three)?.p).toBeLessThan(1e-10);
    expect(unseen(known, three)?.effects[0]?.value).toBeCloseTo(0.03, 3);
  });

  test('of several new levels is close to that of their rows all falling on one side', () => {
    const finding = unseen(Array(100).fill('a'), [
      ...Array(90).fill('a'),
      ...Array(6).fill('b'),
      ...Array(4).fill('c'),
    ]);
    const fall = (rows: number): number =>
      Array.from({ length: rows }, (_, row) => (100 - row) / (200 - row)).reduce(
        (product, factor) => product * factor,
        1,
      );
    expect(finding?.p).toBeGreaterThan(fall(10));
    expect(finding?.p).toBeLessThan(3 * fall(6) * fall(4));
  });

  test('is not asked where nothing is unseen', () => {
    expect(unseen(['a', 'b'], ['a', 'a'])).toBeUndefined();
  });
});
