import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fisherExact, type Share } from '../../../../src/core/drift/statistics/fisher.ts';
import { compareShares, zTest } from '../../../../src/core/drift/statistics/proportions.ts';
import { expectClose } from './closeness.ts';
import { fixtures, scipyCases } from './fixtures.ts';

const share = ([count, others]: readonly number[]): Share => ({
  count: count as number,
  rows: (count as number) + (others as number),
});

/** Fisher's p from whole-number binomials. */
function bruteFisher(reference: Share, current: Share): number {
  const choose = (n: number, k: number): bigint => {
    let result = 1n;
    for (let i = 1; i <= k; i += 1) result = (result * BigInt(n - k + i)) / BigInt(i);
    return result;
  };
  const marked = reference.count + current.count;
  const ways = (x: number): bigint =>
    x > reference.rows || marked - x > current.rows
      ? 0n
      : choose(reference.rows, x) * choose(current.rows, marked - x);
  let likely = 0n;
  let all = 0n;
  for (let x = 0; x <= marked; x += 1) {
    all += ways(x);
    if (ways(x) <= ways(reference.count)) likely += ways(x);
  }
  return Number((likely * 10n ** 40n) / all) / 1e40;
}

const shares = fc
  .tuple(fc.nat(40), fc.nat(40))
  .filter(([count, others]) => count + others > 0)
  .map(share);

describe('fisherExact', () => {
  for (const { id, table, p_fisher: p } of fixtures.contingency) {
    if (p === undefined) continue;
    it(`has R's p for ${id} ${JSON.stringify(table)}`, () => {
      expectClose(fisherExact(share(table[0]), share(table[1])), p, 1e-13);
    });
  }

  it('has the values of scipy for random tables of up to 200,000 rows', () => {
    // scipy's own probabilities are up to 1e-10 off in the large ones.
    for (const { table, p } of scipyCases.fisher) {
      expectClose(fisherExact(share(table[0]), share(table[1])), p, 1e-9, JSON.stringify(table));
    }
  });

  it('keeps its digits with many rows', () => {
    // By mpmath with 40 digits.
    const p = fisherExact(share([17425, 40849]), share([17572, 41159]));
    expectClose(p, 0.9490900982634726, 1e-11);
  });

  it('has the p of whole-number arithmetic, is symmetric and at most 1', () => {
    fc.assert(
      fc.property(shares, shares, (reference, current) => {
        const p = fisherExact(reference, current);
        expectClose(p, bruteFisher(reference, current), 1e-11);
        expectClose(fisherExact(current, reference), p, 1e-11);
        const others = ({ count, rows }: Share): Share => ({ count: rows - count, rows });
        expectClose(fisherExact(others(reference), others(current)), p, 1e-11);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is 1 where no other table is possible', () => {
    expect(fisherExact({ count: 0, rows: 5 }, { count: 0, rows: 9 })).toBe(1);
    expect(fisherExact({ count: 5, rows: 5 }, { count: 9, rows: 9 })).toBe(1);
  });
});

describe('compareShares', () => {
  it('says which way a share moved, by how much, and tests by Fisher', () => {
    const comparison = compareShares({ count: 8, rows: 10 }, { count: 1, rows: 6 });
    expect(comparison.method).toBe('fisher');
    expect(comparison.difference).toBeCloseTo(1 / 6 - 0.8, 15);
    expectClose(comparison.p, 0.034965034965034975);
  });

  it('goes over to the z test where both agree', () => {
    // The reference count has a standard deviation just below and just above 10,000.
    const before = compareShares({ count: 3.9e8, rows: 7.8e8 }, { count: 3.90029e8, rows: 7.8e8 });
    const after = compareShares({ count: 4.1e8, rows: 8.2e8 }, { count: 4.10029e8, rows: 8.2e8 });
    expect([before.method, after.method]).toEqual(['fisher', 'z']);
    const z = zTest({ count: 3.9e8, rows: 7.8e8 }, { count: 3.90029e8, rows: 7.8e8 });
    expectClose(before.p, z, 1e-3);
    expect(after.p).toBeGreaterThan(0.1);
    expect(after.p).toBeLessThan(0.2);
  });

  it('takes Fisher for a few rows out of hundreds of millions', () => {
    const comparison = compareShares({ count: 0, rows: 3e8 }, { count: 8, rows: 1e8 });
    expect(comparison.method).toBe('fisher');
    expectClose(comparison.p, 0.25 ** 8, 1e-5);
  });

  it('scales the counts to the effective sizes', () => {
    const reference = { count: 100, rows: 1000 };
    const current = { count: 160, rows: 1000 };
    const scaled = compareShares(reference, current, { reference: 100, current: 5000 });
    expectClose(scaled.p, fisherExact({ count: 10, rows: 100 }, current));
    expect(scaled.difference).toBeCloseTo(0.06, 15);
    expect(compareShares(reference, current, { reference: 0.2, current: 1000 }).p).toBe(1);
  });

  it('has nothing to say where a side is empty', () => {
    const nothing = { difference: 0, p: 1, method: 'fisher' };
    expect(compareShares({ count: 0, rows: 0 }, { count: 3, rows: 4 })).toEqual(nothing);
    expect(compareShares({ count: 3, rows: 4 }, { count: 0, rows: 0 })).toEqual(nothing);
  });
});

describe('zTest', () => {
  it('is the square root of chi-square for a 2 x 2 table', () => {
    expectClose(zTest({ count: 10, rows: 30 }, { count: 30, rows: 70 }), 0.37299848361348686);
  });

  it('is 1 where all or none are counted', () => {
    expect(zTest({ count: 0, rows: 5 }, { count: 0, rows: 5 })).toBe(1);
    expect(zTest({ count: 5, rows: 5 }, { count: 5, rows: 5 })).toBe(1);
  });
});
