import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { csvParse } from 'd3-dsv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { homogeneity } from '../../../../src/core/drift/statistics/chi-square.ts';
import { totalVariation } from '../../../../src/core/drift/statistics/distances.ts';
import { ksDistance, ksLimitP, ksTest } from '../../../../src/core/drift/statistics/ks.ts';
import { expectClose } from './closeness.ts';
import { fixtures, scipyCases, sorted } from './fixtures.ts';
import { divisions, tiedSample } from './samples.ts';

const steps = (count: number, from: number, to: number): Float64Array =>
  Float64Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1));
const shifted = (values: Float64Array, by: number): Float64Array => values.map((value) => value + by);

/** D from its definition: both distribution functions at all values. */
function bruteDistance(a: readonly number[], b: readonly number[]): number {
  const shareUpTo = (values: readonly number[], x: number): number =>
    values.filter((value) => value <= x).length / values.length;
  return Math.max(...[...a, ...b].map((x) => Math.abs(shareUpTo(a, x) - shareUpTo(b, x))));
}

describe('ksTest', () => {
  for (const { id, a, b, ...expected } of fixtures.two_sample) {
    it(`has R's tie-aware p for ${id}`, () => {
      const test = ksTest(sorted(a), sorted(b));
      expectClose(test.d, expected.D, 1e-15);
      expect(test.method).toBe('exact');
      expectClose(test.p, expected.p_tie_exact, 1e-13);
      // R itself loses digits below 1e-14.
      if (expected.R_exact !== undefined && expected.R_exact > 1e-14)
        expectClose(test.p, expected.R_exact, 1e-12);
      if (expected.p_kolmogorov_limit !== undefined) {
        const limit = ksTest(sorted(a), sorted(b), { pairs: 0 });
        expect(limit.method).toBe('limit');
        expectClose(limit.p, expected.p_kolmogorov_limit, 1e-14);
      }
    });
  }

  it('has the p of scipy for random samples without ties', () => {
    const untied = scipyCases.two_sample.filter(({ p_exact: p }) => p !== null);
    expect(untied.length).toBeGreaterThan(4);
    for (const { a, b, D, p_exact: p } of untied) {
      const test = ksTest(sorted(a), sorted(b));
      expectClose(test.d, D, 1e-14);
      expectClose(test.p, p ?? NaN, 1e-12);
    }
  });

  it('has the published p of small samples', () => {
    const p = (a: number[], b: number[]): number => ksTest(sorted(a), sorted(b)).p;
    expect(p([0], [1])).toBe(1);
    expectClose(p([0.99, 1.99], [1, 2, 3]), 0.6);
    expectClose(p([1.01, 2.01], [1, 2, 3]), 1);
    expectClose(p([1.01, 2.01], [1, 2, 3, 4]), 14 / 15);
    expectClose(p([0.99, 1.99], [1, 2, 3, 4]), 6 / 15);
    expectClose(p([1, 2, 2, 3], [2, 3, 3, 4, 4]), 26 / 126);
  });

  it('has the published p of a hundred values and of ten thousand', () => {
    const hundred = steps(100, 1, 100);
    const expected: [Float64Array, Float64Array, number, number][] = [
      [hundred, shifted(hundred, 2.1), 0.03, 0.999999999996206],
      [hundred, shifted(steps(110, 1, 100), 20.1), 232 / 1100, 0.015739183865607],
      [hundred, shifted(steps(110, 1, 100), 19.9), 229 / 1100, 0.017803803861026],
    ];
    for (const [a, b, d, p] of expected) {
      const test = ksTest(a, b);
      expectClose(test.d, d, 1e-14);
      expectClose(test.p, p, 1e-11);
    }
    const quarter = 1 / 10_000 / 11_000 / 4;
    const large = ksTest(shifted(steps(10_000, 1, 200), -quarter), steps(11_000, 2, 200), { pairs: 2e8 });
    expectClose(large.d, 563 / 110_000, 1e-14);
    expectClose(large.p, 0.9990456491488628, 1e-12);
    const grid = Float64Array.from({ length: 20_000 }, (_, index) => index / 20_000);
    const bent = ksTest(
      grid,
      grid.map((value) => value ** 1.05),
      { pairs: 4e8 },
    );
    expectClose(bent.d, 0.01795, 1e-12);
    expectClose(bent.p, 0.003179320476, 1e-9);
  });

  it('has the published critical values', () => {
    // Smallest D that is significant at .05, .01 and .001 for n = m.
    const critical: [number, number, number, number][] = [
      [10, 0.7, 0.8, 0.9],
      [20, 0.45, 0.55, 0.65],
      [50, 0.28, 0.34, 0.4],
      [100, 0.2, 0.23, 0.28],
      [200, 0.14, 0.165, 0.195],
      [500, 0.086, 0.104, 0.124],
    ];
    for (const [n, ...distances] of critical) {
      const sample = steps(n, 1, n);
      const pOf = (count: number): number => {
        const test = ksTest(sample, shifted(sample, count - 0.5));
        expectClose(test.d, count / n, 1e-12);
        return test.p;
      };
      for (const [index, alpha] of [0.05, 0.01, 0.001].entries()) {
        const count = Math.round((distances[index] as number) * n);
        expect(pOf(count), `n ${n}, alpha ${alpha}`).toBeLessThanOrEqual(alpha);
        expect(pOf(count - 1), `n ${n}, alpha ${alpha}`).toBeGreaterThan(alpha);
      }
    }
  });

  it('is exact: p is the share of all divisions of the pooled values, ties and all', () => {
    fc.assert(
      fc.property(tiedSample(5), tiedSample(5), (a, b) => {
        const d = bruteDistance(a, b);
        const all = divisions([...a, ...b], a.length);
        const reached = all.filter(([x, y]) => bruteDistance(x, y) >= d - 1e-12).length;
        const test = ksTest(sorted(a), sorted(b));
        expectClose(test.d, d, 1e-14);
        expectClose(test.p, reached / all.length, 1e-12);
        expect(test.cells).toBeLessThanOrEqual((a.length + 1) * (b.length + 1));
      }),
      { numRuns: 150 },
    );
  });

  it('is symmetric, a probability, and the same after a rising transform', () => {
    fc.assert(
      fc.property(tiedSample(60), tiedSample(60), (a, b) => {
        const test = ksTest(sorted(a), sorted(b));
        const swapped = ksTest(sorted(b), sorted(a));
        expect(test.p).toBeGreaterThan(0);
        expect(test.p).toBeLessThanOrEqual(1);
        expect(swapped.d).toBe(test.d);
        expectClose(swapped.p, test.p, 1e-11);
        expect(swapped.sign + test.sign).toBe(0);
        const bend = (values: readonly number[]): Float64Array =>
          sorted(values.map((value) => Math.exp(value / 5) - 3));
        expect(ksTest(bend(a), bend(b))).toMatchObject({ d: test.d, p: test.p, sign: test.sign });
      }),
    );
  });

  it('takes the limit where the pairs, or the cells left of a budget, are too many', () => {
    const a = steps(200, 0, 1);
    const b = shifted(a, 0.0513);
    const exact = ksTest(a, b);
    expect(exact).toMatchObject({ method: 'exact' });
    expect(exact.cells).toBeGreaterThan(0);
    expect(ksTest(a, b, { pairs: 40_000 }).method).toBe('exact');
    expect(ksTest(a, b, { pairs: 39_999 })).toMatchObject({ method: 'limit', cells: 0 });
    expect(ksTest(a, b, { budget: exact.cells })).toEqual(exact);
    const limit = ksTest(a, b, { budget: exact.cells - 1 });
    expect(limit).toMatchObject({ method: 'limit', cells: 0, d: exact.d });
    expectClose(limit.p, ksLimitP(exact.d, { reference: 200, current: 200 }));
  });

  it('computes only the cells that paths can reach: a fraction of the pairs where samples are alike', () => {
    const a = steps(2000, 0, 1);
    expect(ksTest(a, shifted(a, 0.0101)).cells).toBeLessThan(0.05 * 2000 * 2000);
  });

  it('takes a limit below 1e-20 as it is', () => {
    const test = ksTest(steps(300, 0, 1), steps(300, 2, 3));
    expect(test).toMatchObject({ d: 1, method: 'limit', cells: 0 });
    expect(test.p).toBeLessThan(1e-20);
  });

  it('takes the limit with the effective sizes where rows depend on one another', () => {
    const a = steps(50, 0, 1);
    const b = shifted(a, 0.2);
    const test = ksTest(a, b, { effective: { reference: 10, current: 50 } });
    expect(test.method).toBe('limit');
    expectClose(test.p, ksLimitP(test.d, { reference: 10, current: 50 }));
    // Sizes as large as the samples say that rows are independent, larger ones say no more.
    expect(ksTest(a, b, { effective: { reference: 50, current: 500 } })).toEqual(ksTest(a, b));
  });

  it('refuses an empty side', () => {
    expect(() => ksTest(Float64Array.of(), Float64Array.of(1))).toThrow(RangeError);
    expect(() => ksTest(Float64Array.of(1), Float64Array.of())).toThrow(RangeError);
  });
});

describe('ksDistance', () => {
  it('says where the distance is, on which side, and what is below', () => {
    const distance = ksDistance(sorted([1, 2, 3, 4]), sorted([3, 4, 5, 6]));
    expect(distance).toEqual({ d: 0.5, location: 2, sign: 1, referenceShare: 0.5, currentShare: 0 });
    const mirrored = ksDistance(sorted([3, 4, 5, 6]), sorted([1, 2, 3, 4]));
    expect(mirrored).toEqual({ d: 0.5, location: 2, sign: -1, referenceShare: 0, currentShare: 0.5 });
  });

  it('is 0 without a sign for the same shares of the same values, -0 and 0 being one', () => {
    const distance = ksDistance(Float64Array.of(-0, 1), Float64Array.of(0, 0, 1, 1));
    expect(distance).toEqual({ d: 0, location: -0, sign: 0, referenceShare: 0.5, currentShare: 0.5 });
  });

  it('holds values as far apart as doubles go', () => {
    const distance = ksDistance(Float64Array.of(-1e308, 1e308), Float64Array.of(1e308, 1.7e308));
    expect(distance).toMatchObject({ d: 0.5, location: -1e308, sign: 1 });
  });
});

describe('real data: seattle-weather of vega-datasets', () => {
  const read = (name: string) =>
    csvParse(
      readFileSync(fileURLToPath(new URL(`../data/${name}`, import.meta.resolve('vega-datasets'))), 'utf8'),
    );
  const rows = read('seattle-weather.csv');
  const year = (wanted: number) => rows.filter(({ date }) => date?.startsWith(`${wanted}-`));
  const months = (...wanted: string[]) =>
    rows.filter(({ date = '' }) => /^201[23]/.test(date) && wanted.includes(date.slice(5, 7)));
  const both = read('weather.csv');
  const columns = ['temp_max', 'temp_min', 'wind', 'precipitation'] as const;
  // D, and scipy's exact p where given: it takes no ties, so the tie-aware p is smaller.
  const comparisons: {
    name: string;
    sides: [typeof rows | ReturnType<typeof year>, ReturnType<typeof year>];
    d: number[];
    p: (number | null)[];
    weather: [chi2: number, p: number | null, tvd: number];
  }[] = [
    {
      name: 'even and odd rows',
      sides: [rows.filter((_, index) => index % 2 === 0), rows.filter((_, index) => index % 2 === 1)],
      d: [0.02427, 0.019433, 0.034704, 0.02644],
      p: [0.977, 0.9985, 0.752, 0.952],
      weather: [1.45795, 0.834, 0.00966],
    },
    {
      name: '2012 and 2013',
      sides: [year(2012), year(2013)],
      d: [0.09068, 0.11542, 0.146171, 0.100614],
      p: [0.0928, 0.0142, 0.000727, 0.043],
      weather: [38.34136, 9.53e-8, 0.18174],
    },
    {
      name: '2012 and 2015',
      sides: [year(2012), year(2015)],
      d: [0.152541, 0.11804, 0.076203, 0.094857],
      p: [3.16e-4, 0.0112, 0.2175, 0.066],
      weather: [88.41939, 2.85e-18, 0.25024],
    },
    {
      name: 'winter and summer',
      sides: [months('01', '02'), months('07', '08')],
      d: [1, 1, 0.318379, 0.509623],
      p: [2.913e-72, null, 5.71e-6, 5.8e-15],
      weather: [83.49152, 3.17e-17, 0.55774],
    },
    {
      name: 'Seattle and New York',
      sides: [
        both.filter(({ location }) => location === 'Seattle'),
        both.filter(({ location }) => location === 'New York'),
      ],
      d: [0.125941, 0.256674, 0.422313, 0.104723],
      p: [1.6e-10, null, null, null],
      weather: [125.08238, null, 0.17659],
    },
  ];

  for (const { name, sides, d, p, weather } of comparisons) {
    it(`has the published values for ${name}`, () => {
      const [reference, current] = sides;
      for (const [index, column] of columns.entries()) {
        const numbers = (side: ReturnType<typeof year>) => sorted(side.map((row) => Number(row[column])));
        const test = ksTest(numbers(reference), numbers(current));
        expect(test.d).toBeCloseTo(d[index] as number, 6);
        const untied = p[index];
        if (untied === null || untied === undefined) continue;
        if (untied > 1e-20) expect(test.p).toBeLessThanOrEqual(untied * 1.001);
        expect(test.p).toBeGreaterThan(0.3 * untied ** 1.2);
      }
      const levels = ['drizzle', 'fog', 'rain', 'snow', 'sun'];
      const counts = (side: ReturnType<typeof year>) =>
        levels.map((level) => side.filter((row) => row['weather'] === level).length);
      const [chi2, chi2P, tvd] = weather;
      // Rare levels are not pooled in the published value.
      expect(pearson(counts(reference), counts(current))).toBeCloseTo(chi2, 4);
      expect(totalVariation(counts(reference), counts(current))).toBeCloseTo(tvd, 5);
      const pooled = homogeneity(counts(reference), counts(current));
      if (pooled.pooled === 0) {
        expect(pooled.chi2).toBeCloseTo(chi2, 4);
        if (chi2P !== null) expectClose(pooled.p, chi2P, 5e-3);
      }
    });
  }
});

function pearson(reference: readonly number[], current: readonly number[]): number {
  const sum = (counts: readonly number[]): number => counts.reduce((x, y) => x + y, 0);
  const n = sum(reference);
  const m = sum(current);
  let chi2 = 0;
  for (const [level, count] of reference.entries()) {
    const pooled = (count + (current[level] as number)) / (n + m);
    if (pooled === 0) continue;
    chi2 +=
      (count - n * pooled) ** 2 / (n * pooled) +
      ((current[level] as number) - m * pooled) ** 2 / (m * pooled);
  }
  return chi2;
}
