import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hellinger,
  jensenShannon,
  kullbackLeibler,
  totalVariation,
} from '../../../../src/core/drift/statistics/distances.ts';
import { binCounts, decileEdges, psi, psiOfSamples } from '../../../../src/core/drift/statistics/psi.ts';
import {
  energyDistance,
  robustUnit,
  robustWasserstein,
  wasserstein,
  weightedWasserstein,
} from '../../../../src/core/drift/statistics/transport.ts';
import { expectClose } from './closeness.ts';
import { fixtures, scipyCases, sorted } from './fixtures.ts';
import { tiedSample } from './samples.ts';

const numbers = (...values: number[]): Float64Array => Float64Array.from(values);
const uniform = (values: readonly number[]): Float64Array => Float64Array.from(values, () => 1);

/** Shares as whole counts. */
const twoSides = fc
  .array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 8 })
  .filter((pairs) => pairs.some(([x]) => x > 0) && pairs.some(([, y]) => y > 0))
  .map((pairs) => ({ p: pairs.map(([x]) => x), q: pairs.map(([, y]) => y) }));

describe('distances of shares', () => {
  for (const { p, q, ...expected } of fixtures.distances) {
    it(`have the fixture's values for ${JSON.stringify([p, q])}`, () => {
      expectClose(jensenShannon(p, q).nat, expected.js_nat, 1e-12);
      expectClose(jensenShannon(p, q).base2, expected.js_base2, 1e-12);
      expectClose(hellinger(p, q), expected.hellinger, 1e-12);
      expectClose(totalVariation(p, q), expected.tvd, 1e-12);
      if (expected.kl_pq !== undefined) expectClose(kullbackLeibler(p, q), expected.kl_pq, 1e-12);
    });
  }

  it("have the fixtures' Jensen-Shannon values for contingency tables", () => {
    const tables = fixtures.contingency.filter(({ js_nat: nat }) => nat !== undefined);
    expect(tables.length).toBe(6);
    for (const { table, js_nat: nat, js_base2: base2 } of tables) {
      expectClose(jensenShannon(table[0], table[1]).nat, nat ?? NaN, 1e-12);
      expectClose(jensenShannon(table[0], table[1]).base2, base2 ?? NaN, 1e-12);
    }
  });

  it('have the values of scipy for random tables', () => {
    // scipy subtracts near numbers where shares are alike.
    for (const { table, js_base2: base2, kl } of scipyCases.contingency) {
      expectClose(jensenShannon(table[0], table[1]).base2, base2, 1e-10);
      expectClose(kullbackLeibler(table[0], table[1]), kl, 1e-9);
    }
  });

  it('keep their digits for shares that are nearly the same', () => {
    // p ln(p/q) with q = p + d is d^2 / p / 2 on either side.
    const d = 1e-7;
    expectClose(kullbackLeibler([0.5, 0.5], [0.5 + d, 0.5 - d]), 2 * d * d, 1e-6);
    expectClose(jensenShannon([0.5, 0.5], [0.5 + d, 0.5 - d]).nat, Math.sqrt(0.5) * d, 1e-6);
  });

  it('are symmetric, 0 for the same shares and ordered: H^2 <= TVD <= sqrt2 H', () => {
    fc.assert(
      fc.property(twoSides, ({ p, q }) => {
        const tvd = totalVariation(p, q);
        const h = hellinger(p, q);
        expect(totalVariation(q, p)).toBeCloseTo(tvd, 14);
        expect(hellinger(q, p)).toBeCloseTo(h, 14);
        expect(jensenShannon(q, p).base2).toBeCloseTo(jensenShannon(p, q).base2, 12);
        expect(h * h).toBeLessThanOrEqual(tvd + 1e-12);
        expect(tvd).toBeLessThanOrEqual(Math.SQRT2 * h + 1e-12);
        expect(jensenShannon(p, q).base2).toBeLessThanOrEqual(1);
        // Pinsker.
        expect(2 * tvd * tvd).toBeLessThanOrEqual(kullbackLeibler(p, q) + 1e-12);
        const tripled = p.map((count) => 3 * count);
        for (const distance of [totalVariation, hellinger, kullbackLeibler]) {
          expect(distance(p, tripled)).toBeLessThan(1e-7);
        }
      }),
    );
  });

  it('know no divergence for a level that the current side has not', () => {
    expect(kullbackLeibler([1, 1], [1, 0])).toBe(Infinity);
    expect(kullbackLeibler([1, 0], [1, 1])).toBeCloseTo(Math.LN2, 15);
  });

  it('refuse different levels and empty sides', () => {
    expect(() => totalVariation([1], [1, 2])).toThrow(RangeError);
    expect(() => hellinger([0, 0], [1, 2])).toThrow(RangeError);
    expect(() => kullbackLeibler([], [])).toThrow(RangeError);
  });
});

describe('psi', () => {
  it("is the fixture's, but for the smoothing, which vanishes with many rows", () => {
    const [example] = fixtures.distances.filter(({ psi: expected }) => expected !== undefined);
    const scale = (shares: readonly number[]): number[] => shares.map((share) => Math.round(share * 1e9));
    expectClose(psi(scale(example?.p ?? []), scale(example?.q ?? [])).psi, example?.psi ?? NaN, 1e-7);
  });

  it('smooths both sides by half a row a bin', () => {
    const { psi: value, bins } = psi([9, 0], [4, 4]);
    const [before, after] = [
      [9.5 / 10, 0.5 / 10],
      [4.5 / 9, 4.5 / 9],
    ] as const;
    const expected = before.reduce((sum, r, bin) => {
      const c = after[bin] as number;
      return sum + (c - r) * Math.log(c / r);
    }, 0);
    expectClose(value, expected);
    expect(bins).toBe(2);
  });

  it('is 0 for the same counts and symmetric', () => {
    fc.assert(
      fc.property(twoSides, ({ p, q }) => {
        expect(psi(p, p).psi).toBe(0);
        expect(psi(p, q).psi).toBeGreaterThanOrEqual(0);
        expectClose(psi(q, p).psi, psi(p, q).psi, 1e-10);
      }),
    );
  });

  it('gives the 95 % value without drift: .338 for 100 and 100 rows in 10 bins, .0338 for 1000', () => {
    const even = (rows: number): number[] => Array.from({ length: 10 }, () => rows / 10);
    expectClose(psi(even(100), even(100)).null95, 0.33838, 1e-4);
    expectClose(psi(even(1000), even(1000)).null95, 0.033838, 1e-4);
    expectClose(psi(even(5000), even(100)).null95, 0.17257, 1e-4);
    expect(psi([7], [9]).null95).toBe(0);
  });

  it('refuses different bins and empty sides', () => {
    expect(() => psi([1], [1, 2])).toThrow(RangeError);
    expect(() => psi([0, 0], [1, 2])).toThrow(RangeError);
  });
});

describe('bins of deciles', () => {
  it('hold a tenth of the reference each', () => {
    const reference = Float64Array.from({ length: 1000 }, (_, index) => index);
    const edges = decileEdges(reference);
    expect(edges.length).toBe(9);
    expect([...binCounts(reference, edges)]).toEqual(Array.from({ length: 10 }, () => 100));
  });

  it('are fewer where values repeat, and none is empty in the reference', () => {
    const reference = sorted([0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    const counts = binCounts(reference, decileEdges(reference));
    expect(Math.min(...counts)).toBeGreaterThan(0);
    fc.assert(
      fc.property(tiedSample(60), tiedSample(60), (a, b) => {
        const edges = decileEdges(sorted(a));
        const ofReference = binCounts(sorted(a), edges);
        expect(ofReference.reduce((x, y) => x + y)).toBe(a.length);
        expect(binCounts(sorted(b), edges).reduce((x, y) => x + y)).toBe(b.length);
        expect(Math.min(...ofReference)).toBeGreaterThan(0);
      }),
    );
  });

  it('count a value at an edge below it', () => {
    expect([...binCounts(numbers(1, 2, 2, 3, 9), numbers(2, 3))]).toEqual([3, 1, 1]);
  });

  it('calls a sample no change from itself, also where only one value is below all deciles', () => {
    const reference = Float64Array.from({ length: 100 }, (_, row) => (row === 0 ? 0 : 1));
    const moved = Float64Array.from({ length: 100 }, (_, row) => (row < 50 ? 0 : 1));

    expect(psiOfSamples(reference, reference).psi).toBe(0);
    expect(psiOfSamples(reference, moved).psi).toBeGreaterThan(1);
  });

  it('set a constant reference apart from all other values, on either side', () => {
    const reference = numbers(5, 5, 5, 5);
    expect(psiOfSamples(reference, numbers(5, 5, 5)).psi).toBeLessThan(0.01);
    const above = psiOfSamples(reference, numbers(6, 6, 6, 6));
    const below = psiOfSamples(reference, numbers(4, 4, 4, 4));
    expect(above).toEqual(below);
    expect(above).toMatchObject({ bins: 2 });
    expect(above.psi).toBeGreaterThan(1);
  });
});

describe('wasserstein', () => {
  it('has the published values', () => {
    expectClose(wasserstein(numbers(0, 1, 3), numbers(5, 6, 8)), 5);
    expectClose(wasserstein(numbers(0, 1, 2), numbers(1, 2, 3)), 1);
    const weighted = (values: number[], weights: readonly number[]) => ({
      values: Float64Array.from(values),
      weights: Float64Array.from(weights),
    });
    expectClose(weightedWasserstein(weighted([0, 1], [3, 1]), weighted([0], [1])), 0.25);
    const distance = weightedWasserstein(
      weighted([3.4, 3.9, 7.5, 7.8], [1.4, 0.9, 3.1, 7.2]),
      weighted([4.5, 1.4], [3.2, 3.5]),
    );
    expectClose(distance, 4.0781331438, 1e-10);
  });

  it("has the fixtures' and scipy's values, as has the energy distance", () => {
    for (const { a, b, ...expected } of fixtures.two_sample) {
      if (expected.wasserstein === undefined || expected.energy === undefined) continue;
      expectClose(wasserstein(sorted(a), sorted(b)), expected.wasserstein, 1e-12);
      expectClose(energyDistance(sorted(a), sorted(b)), expected.energy, 1e-12);
    }
    for (const { a, b, ...expected } of scipyCases.two_sample) {
      expectClose(wasserstein(sorted(a), sorted(b)), expected.wasserstein, 1e-12);
      expectClose(energyDistance(sorted(a), sorted(b)), expected.energy, 1e-12);
    }
  });

  it('is the mean distance of the sorted pairs where both sides have as many', () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(pairs, (both) => {
        const a = sorted(both.map(([x]) => x));
        const b = sorted(both.map(([, y]) => y));
        const mean =
          a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] as number)), 0) / a.length;
        expect(wasserstein(a, b)).toBeCloseTo(mean, 10);
      }),
    );
  });

  it('is symmetric, scales with the values, and is the weighted one with equal weights', () => {
    fc.assert(
      fc.property(tiedSample(30), tiedSample(30), (a, b) => {
        const distance = wasserstein(sorted(a), sorted(b));
        expect(wasserstein(sorted(b), sorted(a))).toBeCloseTo(distance, 12);
        const scaled = (values: readonly number[]): Float64Array =>
          sorted(values.map((value) => 7 - 3 * value));
        expect(wasserstein(scaled(a), scaled(b))).toBeCloseTo(3 * distance, 10);
        const weighted = (values: number[]) => ({
          values: Float64Array.from(values),
          weights: uniform(values),
        });
        expect(weightedWasserstein(weighted(a), weighted(b))).toBeCloseTo(distance, 10);
      }),
    );
  });

  it('weighs a value as often as it is repeated', () => {
    const twice = wasserstein(numbers(1, 1, 4), numbers(2, 7));
    const weighted = weightedWasserstein(
      { values: numbers(4, 1), weights: numbers(1, 2) },
      { values: numbers(7, 2), weights: numbers(5, 5) },
    );
    expectClose(weighted, twice);
  });

  it('refuses what has no values or no weight', () => {
    expect(() => wasserstein(numbers(), numbers(1))).toThrow(RangeError);
    const one = { values: numbers(1), weights: numbers(1) };
    expect(() => weightedWasserstein(one, { values: numbers(1), weights: numbers(0) })).toThrow(RangeError);
    expect(() => weightedWasserstein(one, { values: numbers(1), weights: numbers(1, 2) })).toThrow(
      RangeError,
    );
  });
});

describe('energyDistance', () => {
  it('is the mean distance across less the mean distances within', () => {
    const meanDistance = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, x) => sum + b.reduce((inner, y) => inner + Math.abs(x - y), 0), 0) /
      (a.length * b.length);
    fc.assert(
      fc.property(tiedSample(20), tiedSample(20), (a, b) => {
        const squared = 2 * meanDistance(a, b) - meanDistance(a, a) - meanDistance(b, b);
        expect(energyDistance(sorted(a), sorted(b)) ** 2).toBeCloseTo(squared, 10);
      }),
    );
  });
});

describe('robust units', () => {
  it('are about a standard deviation for normal values, whatever the outliers', () => {
    const steps = Float64Array.from({ length: 10_001 }, (_, index) => index);
    // Uniform on [0, 10000]: half of the values lie within 5000.
    expectClose(robustUnit(steps) ?? NaN, 5000 / 1.3489795003921634, 1e-12);
    const spoilt = steps.slice();
    spoilt[10_000] = 1e300;
    expect(robustUnit(spoilt)).toBe(robustUnit(steps));
  });

  it('take wider ranges where half, or four fifths, of the values are equal', () => {
    const zeros = (share: number): Float64Array =>
      Float64Array.from({ length: 1001 }, (_, index) => Math.max(0, index - 1000 * share));
    expectClose(robustUnit(zeros(0.78)) ?? NaN, 120 / (2 * 1.2815515655446004), 1e-9);
    expectClose(robustUnit(zeros(0.92)) ?? NaN, 30 / (2 * 1.6448536269514722), 1e-9);
    expect(robustUnit(zeros(0.97))).toBeNull();
    expect(robustUnit(numbers(3))).toBeNull();
  });

  it('divide the distance, or leave it out', () => {
    const reference = Float64Array.from({ length: 101 }, (_, index) => index);
    const moved = robustWasserstein(
      reference,
      reference.map((value) => value + 10),
    );
    expectClose(moved.distance ?? NaN, (10 * 1.3489795003921634) / 50, 1e-12);
    const constant = robustWasserstein(numbers(1, 1), numbers(2, 3));
    expect(constant).toEqual({ distance: null, unit: null });
  });
});
