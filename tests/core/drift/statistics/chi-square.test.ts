import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excessTvd, homogeneity } from '../../../../src/core/drift/statistics/chi-square.ts';
import { totalVariation } from '../../../../src/core/drift/statistics/distances.ts';
import { chiSquareSf } from '../../../../src/core/drift/statistics/gamma.ts';
import { expectClose } from './closeness.ts';
import { fixtures, scipyCases } from './fixtures.ts';

const counts = (max = 60) => fc.array(fc.tuple(fc.nat(max), fc.nat(max)), { minLength: 1, maxLength: 8 });
const sides = (pairs: readonly (readonly [number, number])[]): [number[], number[]] => [
  pairs.map(([x]) => x),
  pairs.map(([, y]) => y),
];
const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);

describe('homogeneity', () => {
  for (const { id, table, chi2, df, p, tvd } of fixtures.contingency) {
    if (chi2 === undefined || df === undefined || p === undefined) continue;
    it(`has R's chi-square for ${id}`, () => {
      const [reference, current] = table;
      const test = homogeneity(reference, current);
      expect(totalVariation(reference, current)).toBeCloseTo(tvd ?? NaN, 14);
      if (id === 'zero_cell') {
        // 2.5 rows are expected of the last level: it is pooled with the rarest of the others.
        expect(test).toMatchObject({ method: 'chi2', pooled: 2, groups: 3, df: 2 });
        const asPooled = homogeneity([50, 30, 20], [45, 35, 20]);
        expectClose(test.chi2, asPooled.chi2);
        expectClose(test.p, asPooled.p);
        return;
      }
      expect(test).toMatchObject({ method: 'chi2', df, pooled: 0, groups: df + 1 });
      expectClose(test.chi2, chi2);
      expectClose(test.p, p);
    });
  }

  it('has the values of scipy for random tables', () => {
    for (const { table, chi2, df, p } of scipyCases.contingency) {
      const test = homogeneity(table[0], table[1]);
      expect(test).toMatchObject({ method: 'chi2', df, pooled: 0 });
      expectClose(test.chi2, chi2, 1e-11);
      expectClose(test.p, p, 1e-11);
    }
  });

  it('pools levels of which fewer than 5 rows are expected in the smaller sample', () => {
    // 2000 and 200 rows: of the levels 30 + 1, 20 + 2 and 10 + 0 about 3, 2 and 1 are expected in the smaller one.
    const test = homogeneity([1000, 940, 30, 20, 10], [90, 107, 1, 2, 0]);
    expect(test).toMatchObject({ method: 'chi2', pooled: 3, groups: 3, df: 2 });
    expectClose(test.chi2, homogeneity([1000, 940, 60], [90, 107, 3]).chi2);
  });

  it('lets the rarest remaining level join a pool that is still rare, but not the last one', () => {
    expect(homogeneity([500, 300, 2, 1], [480, 320, 2, 0])).toMatchObject({
      pooled: 3,
      groups: 2,
      method: 'chi2',
    });
    expect(homogeneity([990, 2, 1], [991, 1, 1])).toMatchObject({ pooled: 2, groups: 2, method: 'fisher' });
  });

  it('tests two levels by Fisher where few rows are expected', () => {
    const test = homogeneity([3, 1], [1, 3]);
    expect(test.method).toBe('fisher');
    expectClose(test.p, 0.48571428571428565);
    expect(homogeneity([10, 20], [30, 40]).method).toBe('chi2');
  });

  it('compares nothing where all levels are rare, one is there, or a side is empty', () => {
    const ids = Array.from({ length: 300 }, () => 1);
    expect(homogeneity(ids, ids)).toEqual({ chi2: 0, df: 0, p: 1, method: 'none', pooled: 300, groups: 1 });
    expect(homogeneity([5, 0], [7, 0])).toMatchObject({ p: 1, method: 'none', pooled: 0, groups: 1 });
    expect(homogeneity([], [])).toMatchObject({ p: 1, method: 'none', groups: 0 });
    expect(homogeneity([5, 8], [0, 0])).toMatchObject({ p: 1, method: 'none' });
  });

  it('divides chi-square by the design effect where rows depend on one another', () => {
    const [reference, current] = [
      [500, 300, 200],
      [400, 350, 250],
    ];
    const independent = homogeneity(reference, current);
    const dependent = homogeneity(reference, current, { reference: 250, current: 250 });
    expectClose(dependent.chi2, independent.chi2 / 4);
    expectClose(dependent.p, chiSquareSf(independent.chi2 / 4, 2));
    expect(homogeneity(reference, current, { reference: 1000, current: 9999 })).toEqual(independent);
  });

  it('is symmetric and a probability, whatever the order of levels', () => {
    fc.assert(
      fc.property(counts(), (pairs) => {
        const [reference, current] = sides(pairs);
        const test = homogeneity(reference, current);
        expect(test.p).toBeGreaterThanOrEqual(0);
        expect(test.p).toBeLessThanOrEqual(1);
        const swapped = homogeneity(current, reference);
        expect(swapped).toMatchObject({ method: test.method, groups: test.groups, pooled: test.pooled });
        expectClose(swapped.p, test.p, 1e-10);
      }),
    );
  });

  it('refuses sides that count different levels', () => {
    expect(() => homogeneity([1, 2], [1])).toThrow(RangeError);
  });
});

describe('excessTvd', () => {
  it('takes off exactly what chance makes of the distance, by all divisions of the rows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (totals, draws) => {
          const rows = totals.flatMap((count, level) => Array.from({ length: count }, () => level));
          fc.pre(draws < rows.length);
          let distances = 0;
          let splits = 0;
          for (let mask = 0; mask < 1 << rows.length; mask += 1) {
            const reference = totals.map(() => 0);
            const current = totals.map(() => 0);
            for (const [row, level] of rows.entries()) {
              const side = (mask >> row) & 1 ? reference : current;
              side[level] = (side[level] as number) + 1;
            }
            if (sum(reference) !== draws) continue;
            distances += totalVariation(reference, current);
            splits += 1;
          }
          const reference = totals.map(() => 0);
          for (const level of rows.slice(0, draws)) reference[level] = (reference[level] as number) + 1;
          const current = totals.map((count, level) => count - (reference[level] as number));
          const { tvd, expected, excess } = excessTvd(reference, current);
          expectClose(expected, distances / splits, 1e-11);
          expectClose(tvd, totalVariation(reference, current), 1e-11);
          expect(excess).toBe(Math.max(0, tvd - expected));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has for large counts the expectation of the normal approximation', () => {
    const [reference, current] = [
      [50_000, 30_000, 20_000],
      [4100, 3500, 2400],
    ];
    const rows = [100_000, 10_000] as const;
    const approximation = sum(
      reference.map((count, level) => {
        const p = (count + (current[level] as number)) / 110_000;
        return Math.sqrt((p * (1 - p) * (1 / rows[0] + 1 / rows[1])) / (2 * Math.PI));
      }),
    );
    expectClose(excessTvd(reference, current).expected, approximation, 1e-3);
  });

  it('sees no drift in identifiers that never repeat', () => {
    const [reference, current] = [
      [1, 1, 1, 0, 0, 0],
      [0, 0, 0, 1, 1, 1],
    ];
    const { tvd, excess } = excessTvd(reference, current);
    expect(tvd).toBeCloseTo(1, 12);
    expect(excess).toBeLessThan(1e-12);
  });

  it('takes off more where rows depend on one another, and nothing where a side is empty', () => {
    const [reference, current] = [
      [500, 300, 200],
      [400, 350, 250],
    ];
    const independent = excessTvd(reference, current);
    const dependent = excessTvd(reference, current, { reference: 250, current: 250 });
    expectClose(dependent.expected, 2 * independent.expected);
    expect(excessTvd([], [])).toEqual({ tvd: 0, expected: 0, excess: 0 });
    expect(excessTvd([3], [0])).toEqual({ tvd: 0, expected: 0, excess: 0 });
  });
});
