import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { andersonDarling } from '../../../../src/core/drift/statistics/anderson-darling.ts';
import { cramerLimitSf, cramerVonMises } from '../../../../src/core/drift/statistics/cramer-von-mises.ts';
import { mannWhitney } from '../../../../src/core/drift/statistics/mann-whitney.ts';
import { expectClose } from './closeness.ts';
import { fixtures, scipyCases, sorted } from './fixtures.ts';
import { divisions, tiedSample } from './samples.ts';

const steps = (count: number, by = 0): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => i + 1 + by);
const LABS = [
  [38.7, 41.5, 43.8, 44.5, 45.5, 46, 47.7, 58],
  [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8],
].map((values) => sorted(values)) as [Float64Array, Float64Array];
const CONOVER = [
  [7.6, 8.4, 8.6, 8.7, 9.3, 9.9, 10.1, 10.6, 11.2],
  [5.2, 5.7, 5.9, 6.5, 6.8, 8.2, 9.1, 9.8, 10.8, 11.3, 11.5, 12.3, 12.5, 13.4, 14.6],
].map((values) => sorted(values)) as [Float64Array, Float64Array];

describe('andersonDarling', () => {
  it('has the values of the fixtures and of scipy', () => {
    const published = fixtures.two_sample.filter(({ ad_midrank_stat: statistic }) => statistic !== undefined);
    expect(published.length).toBeGreaterThan(5);
    for (const { id, a, b, ad_midrank_stat: statistic, ad_p_clipped: p } of published) {
      const test = andersonDarling(sorted(a), sorted(b));
      expectClose(test.statistic, statistic ?? NaN, 1e-11, id);
      expectClose(test.p, p ?? NaN, 1e-9, id);
    }
    for (const { a, b, ad } of scipyCases.two_sample) {
      const test = andersonDarling(sorted(a), sorted(b));
      expectClose(test.statistic, ad[0], 1e-10);
      expectClose(test.p, ad[1], 1e-9);
    }
  });

  it('has the published statistics of a hundred values against shifted ones', () => {
    // The midrank statistics in the comments of scipy's own tests, which have them from R's kSamples.
    expect(andersonDarling(steps(100), steps(100, 0.5)).statistic).toBeCloseTo(-1.2944, 4);
    const moved = andersonDarling(steps(100), steps(100, 6));
    expect(moved.statistic).toBeCloseTo(0.63892, 5);
    expect(moved.p).toBeCloseTo(0.1798, 2);
    expect(andersonDarling(steps(100), steps(100, 40.5)).statistic).toBeCloseTo(41.235, 3);
  });

  it('says at which end p is cut off', () => {
    expect(andersonDarling(steps(50), steps(50, 0.5))).toMatchObject({ p: 0.25, clipped: 'upper' });
    expect(andersonDarling(steps(50), steps(50, 6)).clipped).toBeNull();
    expect(andersonDarling(steps(50), steps(50, 30))).toMatchObject({ p: 0.001, clipped: 'lower' });
  });

  it('has nothing to say of too few values or one single value', () => {
    const nothing = { statistic: 0, p: 0.25, clipped: 'upper' };
    expect(andersonDarling(Float64Array.of(1), Float64Array.of(2, 3))).toEqual(nothing);
    expect(andersonDarling(Float64Array.of(1, 1, 1), Float64Array.of(1, 1)).p).toBe(0.25);
  });

  it('is symmetric and the same after a rising transform', () => {
    fc.assert(
      fc.property(tiedSample(40), tiedSample(40), (a, b) => {
        const test = andersonDarling(sorted(a), sorted(b));
        expect(andersonDarling(sorted(b), sorted(a)).statistic).toBeCloseTo(test.statistic, 9);
        const bend = (values: readonly number[]): Float64Array =>
          sorted(values.map((value) => Math.exp(value)));
        expect(andersonDarling(bend(a), bend(b)).statistic).toBeCloseTo(test.statistic, 9);
      }),
    );
  });
});

describe('cramerVonMises', () => {
  it('has the values of the fixtures and of scipy', () => {
    const published = fixtures.two_sample.filter(({ cvm_T: statistic }) => statistic !== undefined);
    expect(published.length).toBeGreaterThan(5);
    for (const { id, a, b, cvm_T: statistic, cvm_p_auto: p } of published) {
      const test = cramerVonMises(sorted(a), sorted(b));
      expectClose(test.statistic, statistic ?? NaN, 1e-10, id);
      // scipy takes p from 1 less the distribution function, so that it has an absolute error.
      expect(Math.abs(test.p - (p ?? NaN)), id).toBeLessThan(1e-9);
    }
    for (const { a, b, cvm } of scipyCases.two_sample) {
      const test = cramerVonMises(sorted(a), sorted(b));
      expectClose(test.statistic, cvm[0], 1e-10);
      expect(Math.abs(test.p - cvm[1])).toBeLessThan(1e-9);
    }
  });

  it("has the published exact p of Conover's samples and of two laboratories", () => {
    const conover = cramerVonMises(...CONOVER);
    expectClose(conover.statistic, 0.2615740741, 1e-9);
    expect(conover.method).toBe('exact');
    expectClose(conover.p, 0.186754304, 1e-8);
    const labs = cramerVonMises(...LABS);
    expectClose(labs.statistic, 0.4375, 1e-12);
    expectClose(labs.p, 0.0643356643, 1e-8);
  });

  it('is exact for values without ties: p is the share of all divisions that are as far apart', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 3, maxLength: 10 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (values, part) => {
          const first = Math.max(1, Math.min(values.length - 1, Math.round(part * values.length)));
          const test = cramerVonMises(sorted(values.slice(0, first)), sorted(values.slice(first)));
          const all = divisions(values, first);
          const reached = all.filter(
            ([x, y]) => cramerVonMises(sorted(x), sorted(y)).statistic >= test.statistic - 1e-9,
          ).length;
          expectClose(test.p, reached / all.length, 1e-12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has the limit of scipy, with digits left where it is small', () => {
    for (const [x, p] of scipyCases.cvm_limit_sf) expect(Math.abs(cramerLimitSf(x) - p)).toBeLessThan(1e-9);
    // Critical values of Anderson & Darling (1952), table 1.
    expect(cramerLimitSf(0.46136)).toBeCloseTo(0.05, 5);
    expect(cramerLimitSf(0.74346)).toBeCloseTo(0.01, 5);
    expect(cramerLimitSf(1.16786)).toBeCloseTo(0.001, 6);
    let before = 1;
    for (let x = 0; x < 20; x += 0.05) {
      const now = cramerLimitSf(x);
      expect(now).toBeLessThanOrEqual(before);
      before = now;
    }
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(1e-40);
  });
});

describe('mannWhitney', () => {
  it('has the values of the fixtures and of scipy', () => {
    const published = fixtures.two_sample.filter(({ mannwhitney_p_two_sided: p }) => p !== undefined);
    expect(published.length).toBeGreaterThan(5);
    for (const { id, a, b, mannwhitney_p_two_sided: p } of published) {
      expectClose(mannWhitney(sorted(a), sorted(b)).p, p ?? NaN, 1e-10, id);
    }
    for (const { a, b, mw } of scipyCases.two_sample) {
      const test = mannWhitney(sorted(a), sorted(b));
      expectClose(test.u, mw[0], 1e-12);
      expectClose(test.p, mw[1], 1e-10);
    }
  });

  it('is exact for few values without ties', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 3, maxLength: 9 }),
        (values) => {
          const first = Math.ceil(values.length / 2);
          const test = mannWhitney(sorted(values.slice(0, first)), sorted(values.slice(first)));
          expect(test.method).toBe('exact');
          const middle = (first * (values.length - first)) / 2;
          const away = Math.abs(test.u - middle);
          const all = divisions(values, first);
          const reached = all.filter(
            ([x, y]) => Math.abs(mannWhitney(sorted(x), sorted(y)).u - middle) >= away - 1e-9,
          ).length;
          expectClose(test.p, Math.min(1, away === 0 ? 1 : reached / all.length), 1e-12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says how often a reference value exceeds a current one, ties counted as half', () => {
    expect(mannWhitney(sorted([1, 2]), sorted([2, 3])).superiority).toBe(0.125);
    expect(mannWhitney(sorted([5, 6]), sorted([1, 2])).superiority).toBe(1);
    expect(mannWhitney(sorted([4, 4]), sorted([4, 4, 4]))).toMatchObject({ superiority: 0.5, p: 1 });
  });
});
