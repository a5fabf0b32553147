import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dependence } from '../../../../src/core/drift/statistics/autocorrelation.ts';
import { benjaminiHochberg } from '../../../../src/core/drift/statistics/benjamini-hochberg.ts';
import { homogeneity } from '../../../../src/core/drift/statistics/chi-square.ts';
import {
  detectableExceedance,
  detectableKs,
  detectableShareChange,
  detectableTvd,
} from '../../../../src/core/drift/statistics/detectable.ts';
import { exceedanceP, outOfRangeP } from '../../../../src/core/drift/statistics/hypergeometric.ts';
import { ksLimitP } from '../../../../src/core/drift/statistics/ks.ts';
import { compareShares } from '../../../../src/core/drift/statistics/proportions.ts';
import { expectClose } from './closeness.ts';
import { fixtures, scipyCases } from './fixtures.ts';

describe('benjaminiHochberg', () => {
  it('has the q of R and scipy', () => {
    for (const { p, q } of [fixtures.special.bh, ...scipyCases.bh]) {
      for (const [index, value] of benjaminiHochberg(p).entries()) expectClose(value, q[index] ?? NaN, 1e-12);
    }
  });

  it('is at least p, at most 1, and in the order of p', () => {
    const family = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(family, (p) => {
        const q = benjaminiHochberg(p);
        expect(q.length).toBe(p.length);
        for (const [i, value] of q.entries()) {
          expect(value).toBeGreaterThanOrEqual(p[i] as number);
          expect(value).toBeLessThanOrEqual(1);
          for (const [j, other] of q.entries()) {
            if ((p[i] as number) < (p[j] as number)) expect(value).toBeLessThanOrEqual(other);
          }
        }
      }),
    );
  });

  it('refuses what is no probability', () => {
    for (const p of [-0.1, 1.1, NaN]) expect(() => benjaminiHochberg([0.5, p])).toThrow(RangeError);
  });
});

describe('dependence', () => {
  it('has the lag-1 autocorrelation of the ranks', () => {
    for (const { values, r } of scipyCases.autocorrelation) {
      expect(dependence(Float64Array.from(values)).r).toBeCloseTo(r, 12);
    }
  });

  it('counts dependent rows as n (1 - r) / (1 + r), and independent ones as they are', () => {
    const rising = dependence(Float64Array.from({ length: 100 }, (_, index) => index));
    expect(rising.dependent).toBe(true);
    expectClose(rising.effectiveRows, Math.max(1, (100 * (1 - rising.r)) / (1 + rising.r)));
    const alternating = dependence(Float64Array.from({ length: 100 }, (_, index) => index % 2));
    expect(alternating).toMatchObject({ dependent: false, effectiveRows: 100 });
    expect(alternating.r).toBeLessThan(-0.9);
  });

  it('is 0 where there is no variation or no order', () => {
    expect(dependence(Float64Array.of(7, 7, 7, 7))).toEqual({ r: 0, effectiveRows: 4, dependent: false });
    expect(dependence(Float64Array.of(1, 2)).r).toBe(0);
    expect(dependence(Float64Array.of()).effectiveRows).toBe(0);
  });

  it('does not change under a rising transform', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 3, maxLength: 50 }), (values) => {
        const { r } = dependence(Float64Array.from(values));
        expect(dependence(Float64Array.from(values, (value) => Math.exp(value / 4))).r).toBeCloseTo(r, 12);
        expect(Math.abs(r)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('minimum detectable effects', () => {
  const sizes = fc.record({
    reference: fc.integer({ min: 2, max: 5000 }),
    current: fc.integer({ min: 2, max: 5000 }),
  });
  const alphas = fc.constantFrom(0.05, 0.01, 1e-4);

  it('are 1.628 sqrt((n + m) / (n m)) for D at .01: .23 for 100 and 100 rows', () => {
    expect(detectableKs({ reference: 100, current: 100 }, 0.01)).toBeCloseTo(0.2302, 4);
    expect(detectableKs({ reference: 1000, current: 1000 }, 0.05)).toBeCloseTo(0.0607, 4);
    expect(detectableKs({ reference: 3, current: 3 }, 0.01)).toBeNull();
  });

  it('are just significant for D', () => {
    fc.assert(
      fc.property(sizes, alphas, (rows, alpha) => {
        const least = detectableKs(rows, alpha);
        if (least === null) expect(ksLimitP(1, rows)).toBeGreaterThan(alpha);
        else expectClose(ksLimitP(least, rows), alpha, 1e-9);
      }),
    );
  });

  it('are the smallest significant change of a share, and one row less is not', () => {
    fc.assert(
      fc.property(sizes, alphas, fc.double({ min: 0, max: 1, noNaN: true }), (rows, alpha, share) => {
        const least = detectableShareChange(share, rows, alpha);
        const count = Math.round(Math.min(share, 1 - share) * rows.reference);
        const reference = { count, rows: rows.reference };
        const pOf = (x: number): number => compareShares(reference, { count: x, rows: rows.current }).p;
        if (least === null) {
          expect(pOf(rows.current)).toBeGreaterThan(alpha);
          return;
        }
        const x = Math.round((least + count / rows.reference) * rows.current);
        expect(pOf(x)).toBeLessThanOrEqual(alpha);
        if (x > Math.ceil((count / rows.reference) * rows.current)) expect(pOf(x - 1)).toBeGreaterThan(alpha);
      }),
      { numRuns: 60 },
    );
  });

  it('are the smallest significant share beyond the reference, and one row less is not', () => {
    fc.assert(
      fc.property(sizes, alphas, fc.constantFrom(1 as const, 2 as const), (rows, alpha, sides) => {
        const least = detectableExceedance(rows, alpha, sides);
        const pOf = (x: number): number => (sides === 1 ? exceedanceP : outOfRangeP)(x, rows);
        if (least === null) {
          expect(pOf(rows.current)).toBeGreaterThan(alpha);
          return;
        }
        const x = Math.round(least * rows.current);
        expect(pOf(x)).toBeLessThanOrEqual(alpha);
        if (x > 1) expect(pOf(x - 1)).toBeGreaterThan(alpha);
      }),
    );
  });

  it('are enough for a significant chi-square, however the change is spread over the levels', () => {
    const changes = fc.array(fc.integer({ min: -10, max: 10 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 200, max: 3000 }), (steps, rows) => {
        const levels = steps.length;
        const change = steps.map((step, level) => step - (steps[(level + 1) % levels] ?? 0));
        const scale = change.reduce((sum, step) => sum + Math.abs(step), 0) / 2;
        const alpha = 0.01;
        const least = detectableTvd(levels - 1, { reference: rows * levels, current: rows * levels }, alpha);
        if (scale === 0 || least === null) return;
        // Even levels, changed by a distance of 1.5 times the least plus what the mean of chi-square adds.
        const distance = 1.5 * least + Math.sqrt((levels - 1) / (2 * rows * levels));
        const before = steps.map(() => rows);
        const after = change.map((step) => Math.round(rows + (step / scale) * distance * rows * levels));
        if (Math.min(...after) < 5) return;
        expect(homogeneity(before, after).p).toBeLessThanOrEqual(alpha);
      }),
    );
    expect(detectableTvd(0, { reference: 100, current: 100 }, 0.01)).toBeNull();
    expect(detectableTvd(3, { reference: 4, current: 4 }, 0.01)).toBeNull();
  });

  it('are null without rows', () => {
    const nobody = { reference: 0, current: 100 };
    expect(detectableShareChange(0.1, nobody, 0.05)).toBeNull();
    expect(detectableExceedance(nobody, 0.05, 1)).toBeNull();
  });
});
