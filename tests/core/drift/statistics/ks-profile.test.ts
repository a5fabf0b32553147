import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ksDistance, ksLimitP } from '../../../../src/core/drift/statistics/ks.ts';
import { ksProfile, type QuantileProfile } from '../../../../src/core/drift/statistics/ks-profile.ts';
import { quantileKnots } from '../../../../src/core/drift/statistics/quantiles.ts';
import { expectClose } from './closeness.ts';
import { sorted } from './fixtures.ts';
import { tiedSample } from './samples.ts';

const profileOf = (values: readonly number[], knots: number): QuantileProfile => ({
  knots: quantileKnots(sorted(values), knots),
  rows: values.length,
  error: 1 / (knots - 1),
});

describe('ksProfile', () => {
  it('never finds a larger distance or a smaller p than the rows themselves have, nor a distance much smaller', () => {
    const knots = fc.integer({ min: 2, max: 40 });
    fc.assert(
      fc.property(tiedSample(80), tiedSample(80), knots, (reference, current, count) => {
        const profile = profileOf(reference, count);
        const test = ksProfile(profile, sorted(current));
        const raw = ksDistance(sorted(reference), sorted(current)).d;
        expect(Math.abs(test.profileDistance - raw)).toBeLessThanOrEqual(profile.error + 1e-12);
        expect(test.d).toBeLessThanOrEqual(raw + 1e-12);
        const rawP = ksLimitP(raw, { reference: reference.length, current: current.length });
        expect(test.p).toBeGreaterThanOrEqual(rawP * (1 - 1e-9));
      }),
      { numRuns: 500 },
    );
  });

  it('finds the distance, its place and its side', () => {
    const reference = Array.from({ length: 1000 }, (_, index) => index);
    const test = ksProfile(profileOf(reference, 1001), sorted(reference.map((value) => value + 250)));
    expect(Math.abs(test.profileDistance - 0.25)).toBeLessThanOrEqual(0.001 + 1e-12);
    expectClose(test.d, test.profileDistance - 0.001);
    expect(test.sign).toBe(1);
    expect(test.referenceShare - test.currentShare).toBeCloseTo(test.profileDistance, 12);
    expectClose(test.p, ksLimitP(test.d, { reference: 1000, current: 1000 }));
  });

  it('is 0 where the error covers the distance', () => {
    const test = ksProfile(profileOf([1, 2, 3], 5), sorted([1, 2, 3]));
    expect(test).toMatchObject({ d: 0, p: 1 });
  });

  it('takes effective sizes smaller than the rows', () => {
    const profile = profileOf([1, 2, 3, 4, 5, 6, 7, 8], 9);
    const current = sorted([11, 12, 13, 14]);
    const test = ksProfile(profile, current, { reference: 2, current: 100 });
    expectClose(test.p, ksLimitP(test.d, { reference: 2, current: 4 }));
  });

  it('interpolates between knots whose difference is larger than any double', () => {
    const profile: QuantileProfile = { knots: Float64Array.of(-1.5e308, 1.5e308), rows: 10, error: 0 };
    const test = ksProfile(profile, Float64Array.of(0));
    expect(test).toMatchObject({ profileDistance: 0.5, referenceShare: 0.5 });
  });

  it('refuses an empty side', () => {
    expect(() => ksProfile(profileOf([1, 2], 3), Float64Array.of())).toThrow(RangeError);
  });
});
