import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chiSquareSf,
  chiSquareUpperQuantile,
  deviance,
  stirlingRemainder,
  upperGamma,
} from '../../../../src/core/drift/statistics/gamma.ts';
import {
  exceedanceP,
  hypergeometricMeanDeviation,
  hypergeometricPmf,
  outOfRangeP,
} from '../../../../src/core/drift/statistics/hypergeometric.ts';
import { kolmogorovCritical, kolmogorovSf } from '../../../../src/core/drift/statistics/kolmogorov.ts';
import {
  normalSf,
  normalTwoSided,
  normalUpperQuantile,
} from '../../../../src/core/drift/statistics/normal.ts';
import { expectClose } from './closeness.ts';
import { fixtures, scipyCases } from './fixtures.ts';
import { divisions } from './samples.ts';

describe('normalSf', () => {
  it('has the values of the fixtures', () => {
    // At 20 scipy is 3e-14 off.
    for (const [z, p] of Object.entries(fixtures.special.norm_sf))
      expectClose(normalSf(Number(z)), p, 5e-14, z);
  });

  it('has the values of scipy between -9 and 37', () => {
    // scipy's own error grows with z * z; see the next test.
    for (const [z, p] of scipyCases.norm_sf) expectClose(normalSf(z), p, 1e-12, `sf(${z})`);
  });

  it('keeps its digits far out in the tail', () => {
    // By mpmath with 40 digits.
    expectClose(normalSf(6), 9.86587645037698e-10, 2e-15);
    expectClose(normalSf(20), 2.7536241186062337e-89, 2e-15);
    expectClose(normalSf(30.5), 1.3029379131780763e-204, 2e-15);
    expectClose(normalSf(37), 5.725571222524577e-300, 2e-15);
  });

  it('falls from 1 to 0 and mirrors at 0', () => {
    expect([normalSf(-Infinity), normalSf(0), normalSf(Infinity)]).toEqual([1, 0.5, 0]);
    fc.assert(
      fc.property(fc.double({ min: -40, max: 40, noNaN: true }), (z) => {
        expectClose(normalSf(z) + normalSf(-z), 1, 1e-15);
        expect(normalSf(z + 0.01)).toBeLessThanOrEqual(normalSf(z));
        expectClose(normalTwoSided(z), 2 * normalSf(Math.abs(z)), 1e-15);
      }),
    );
  });
});

describe('normalUpperQuantile', () => {
  it('undoes normalSf', () => {
    expectClose(normalUpperQuantile(0.025), 1.959963984540054, 1e-15);
    expectClose(normalUpperQuantile(0.005), 2.5758293035489004, 1e-15);
    fc.assert(
      fc.property(fc.double({ min: -5, max: 37, noNaN: true }), (z) => {
        const tail = normalSf(z);
        expectClose(normalSf(normalUpperQuantile(tail)), tail, 1e-12);
      }),
    );
  });

  it('refuses what is no tail probability', () => {
    for (const tail of [0, 1, -0.1, NaN]) expect(() => normalUpperQuantile(tail)).toThrow(RangeError);
  });
});

describe('kolmogorovSf', () => {
  it('has the values of the fixtures', () => {
    for (const [x, p] of Object.entries(fixtures.special.kolmogorov_sf)) {
      expectClose(kolmogorovSf(Number(x)), p, 1e-14, `Q(${x})`);
    }
  });

  it('has no seam where its two series meet', () => {
    expectClose(kolmogorovSf(1.18 - 1e-12), kolmogorovSf(1.18 + 1e-12), 1e-11);
  });

  it('is 1 at 0 and never rises', () => {
    expect(kolmogorovSf(0)).toBe(1);
    expect(kolmogorovSf(-1)).toBe(1);
    expect(kolmogorovSf(1e-6)).toBe(1);
    expect(kolmogorovSf(100)).toBe(0);
    let before = 1;
    for (let x = 0.05; x < 4; x += 0.01) {
      const now = kolmogorovSf(x);
      expect(now).toBeLessThanOrEqual(before);
      before = now;
    }
  });

  it('gives back alpha at its critical values', () => {
    expectClose(kolmogorovCritical(0.05), 1.3580986393225505, 1e-9);
    expectClose(kolmogorovCritical(0.01), 1.6276236115189504, 1e-9);
    for (const alpha of [1e-12, 0.01, 0.05, 0.4, 0.9]) {
      expectClose(kolmogorovSf(kolmogorovCritical(alpha)), alpha, 1e-12);
    }
    expect(() => kolmogorovCritical(0)).toThrow(RangeError);
  });
});

describe('chiSquareSf', () => {
  it('has the values of the fixtures and of scipy', () => {
    // 3e-290 is the hardest of them; there scipy itself is 1.5e-11 off.
    for (const [x, df, p] of [...fixtures.special.chi2_sf, ...scipyCases.chi2_sf]) {
      expectClose(chiSquareSf(x, df), p, p < 1e-100 ? 1e-10 : 1e-12, `chi2.sf(${x}, ${df})`);
    }
  });

  it('keeps its digits with many degrees of freedom, far out in the tail', () => {
    // By mpmath with 40 digits.
    expectClose(chiSquareSf(28188.1774, 20_000), 2.0809302857996545e-290, 1e-12);
  });

  it('is exp(-x / 2) for two degrees of freedom and the normal tail for one', () => {
    for (const x of [0.01, 0.5, 3, 40, 700]) {
      expectClose(chiSquareSf(x, 2), Math.exp(-x / 2), 1e-13);
      expectClose(chiSquareSf(x, 1), normalTwoSided(Math.sqrt(x)), 1e-12);
    }
    expect([chiSquareSf(0, 3), chiSquareSf(-1, 3), chiSquareSf(Infinity, 3)]).toEqual([1, 1, 0]);
  });

  it('gives back the tail at its quantiles', () => {
    expectClose(chiSquareUpperQuantile(0.05, 1), 3.841458820694124, 1e-13);
    expectClose(chiSquareUpperQuantile(0.05, 9), 16.918977604620448, 1e-13);
    for (const df of [1, 4, 500]) {
      for (const tail of [0.99, 0.5, 0.01, 1e-9]) {
        expectClose(chiSquareSf(chiSquareUpperQuantile(tail, df), df), tail, 1e-11);
      }
    }
    expect(() => chiSquareUpperQuantile(1, 3)).toThrow(RangeError);
  });
});

describe('parts of the gamma function', () => {
  it("make Stirling's formula exact", () => {
    for (const [n, factorial] of [
      [1, 1],
      [2, 2],
      [5, 120],
      [20, 2432902008176640000],
    ] as const) {
      const exact = Math.sqrt(2 * Math.PI * n) * (n / Math.E) ** n * Math.exp(stirlingRemainder(n));
      expectClose(exact, factorial, 1e-13, `${n}!`);
    }
  });

  it('measure a deviance without cancellation', () => {
    expectClose(deviance(3, 7), 3 * Math.log(3 / 7) + 4, 1e-15);
    // d^2 / (2 mean) for a small difference d.
    expectClose(deviance(1e8 + 1, 1e8), 0.5e-8, 1e-8);
    expect(deviance(5, 5)).toBe(0);
  });

  it('have a recurrence', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 60, noNaN: true }),
        fc.double({ min: 0.01, max: 90, noNaN: true }),
        (a, x) => {
          const term = upperGamma(a + 1, x) - upperGamma(a, x);
          const density = Math.exp(-stirlingRemainder(a) - deviance(a, x)) / Math.sqrt(2 * Math.PI * a);
          expect(Math.abs(term - density)).toBeLessThan(1e-13);
        },
      ),
    );
  });
});

describe('hypergeometricPmf', () => {
  it('has the values of scipy', () => {
    // scipy's logarithms of beta functions lose digits in large populations; the next test has one of those.
    for (const [x, total, marked, draws, p] of scipyCases.hypergeometric) {
      expectClose(hypergeometricPmf(x, { total, marked, draws }), p, 1e-9, `${x} of ${total}`);
    }
  });

  it('keeps its digits in large populations', () => {
    // By mpmath with 40 digits.
    const population = { total: 1_000_000, marked: 892_801, draws: 817_934 };
    expectClose(hypergeometricPmf(730_010, population), 0.0004254511209957009, 1e-13);
  });

  it('adds up to 1 and has the mean absolute deviation of the closed form', () => {
    const whole = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), whole, whole, (total, someMarked, someDraws) => {
        const population = { total, marked: Math.min(someMarked, total), draws: Math.min(someDraws, total) };
        const mean = (population.marked * population.draws) / total;
        let sum = 0;
        let deviation = 0;
        for (let x = -1; x <= 41; x += 1) {
          const p = hypergeometricPmf(x, population);
          sum += p;
          deviation += p * Math.abs(x - mean);
        }
        expectClose(sum, 1, 1e-12);
        expect(Math.abs(hypergeometricMeanDeviation(population) - deviation)).toBeLessThan(1e-12);
      }),
    );
  });
});

describe('exceedanceP', () => {
  it('is the share of divisions of the pool in which the top x are all current', () => {
    // All of 1 current of 3 + 2: 2/5, both: 2/5 * 1/4.
    expectClose(exceedanceP(1, { reference: 3, current: 2 }), 0.4);
    expectClose(exceedanceP(2, { reference: 3, current: 2 }), 0.1);
    expect(exceedanceP(0, { reference: 3, current: 2 })).toBe(1);
    expect(exceedanceP(3, { reference: 3, current: 2 })).toBe(0);
  });

  it('has no seam between its product and its closed form', () => {
    for (const sizes of [
      { reference: 50, current: 5000 },
      { reference: 3, current: 1e8 },
    ]) {
      let product = 1;
      for (let x = 1; x <= 200; x += 1) {
        product *= (sizes.current - x + 1) / (sizes.reference + sizes.current - x + 1);
        expectClose(exceedanceP(x, sizes), product, 1e-11, `x = ${x}`);
      }
    }
  });
});

describe('outOfRangeP', () => {
  it('is the share of all divisions with so many current rows outside of the range of the reference', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }), (n, m) => {
        const ranks = Array.from({ length: n + m }, (_, rank) => rank);
        const outside = divisions(ranks, n).map(
          ([reference, current]) =>
            current.filter((rank) => rank < Math.min(...reference) || rank > Math.max(...reference)).length,
        );
        for (let x = 0; x <= m + 1; x += 1) {
          const share = outside.filter((count) => count >= x).length / outside.length;
          expectClose(outOfRangeP(x, { reference: n, current: m }), share, 1e-12, `${x} of ${n} + ${m}`);
        }
      }),
    );
  });
});
