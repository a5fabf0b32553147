import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateAccuracy, estimatePerformance } from '../../../../src/core/drift/statistics/cbpe.ts';
import {
  differenceOf,
  standardErrors,
  widened,
  wilsonInterval,
} from '../../../../src/core/drift/statistics/intervals.ts';
import {
  accuracy,
  areaUnderRoc,
  f1,
  macroF1,
  rootMeanSquaredError,
} from '../../../../src/core/drift/statistics/performance.ts';
import { seeded } from '../support/report-fixtures.ts';
import { expectClose } from './closeness.ts';
import { scipyCases } from './fixtures.ts';

const numbers = (values: readonly number[]): Float64Array => Float64Array.from(values);

describe('wilsonInterval', () => {
  it('has the values of scipy', () => {
    for (const [count, rows, confidence, low, high] of scipyCases.wilson) {
      const interval = wilsonInterval(count, rows, confidence);
      expect(interval.low).toBeCloseTo(low, 12);
      expect(interval.high).toBeCloseTo(high, 12);
    }
  });

  it('refuses what is no share', () => {
    for (const [count, rows] of [
      [1, 0],
      [3, 2],
      [-1, 4],
      [NaN, 4],
    ] as const) {
      expect(() => wilsonInterval(count, rows)).toThrow(RangeError);
    }
    expect(() => standardErrors(1)).toThrow(RangeError);
  });
});

describe('differenceOf', () => {
  it("has Newcombe's interval for two shares, as statsmodels", () => {
    for (const [before, n, after, m, low, high] of scipyCases.newcombe) {
      const difference = differenceOf(wilsonInterval(before, n), wilsonInterval(after, m));
      expect(difference.value).toBeCloseTo(after / m - before / n, 14);
      expect(difference.low).toBeCloseTo(low, 10);
      expect(difference.high).toBeCloseTo(high, 10);
    }
  });
});

describe('widened', () => {
  it('stretches both sides of an interval, within the ends of its scale', () => {
    const { low, high } = widened({ value: 0.9, low: 0.8, high: 0.95 }, 1.5, [0, 1]);
    expect(low).toBeCloseTo(0.75, 12);
    expect(high).toBeCloseTo(0.975, 12);
    expect(widened({ value: 0.9, low: 0.8, high: 0.95 }, 20, [0, 1])).toMatchObject({ low: 0, high: 1 });
  });
});

describe('areaUnderRoc', () => {
  it("has scikit-learn's area and DeLong's interval on the logit scale", () => {
    for (const { positive, negative, auc } of scipyCases.ranking) {
      const area = areaUnderRoc(numbers(positive), numbers(negative));
      expectClose(area.value, auc[0]);
      expectClose(area.low, auc[1], 1e-10);
      expectClose(area.high, auc[2], 1e-10);
    }
  });

  it('has an interval where all positives are above, or there is one row a side', () => {
    const perfect = areaUnderRoc(numbers([3, 4, 5]), numbers([0, 1, 2]));
    expect(perfect).toMatchObject({ value: 1, high: 1 });
    expect(perfect.low).toBeGreaterThan(0.2);
    expect(perfect.low).toBeLessThan(0.9);
    const one = areaUnderRoc(numbers([1]), numbers([1]));
    expect(one.value).toBe(0.5);
    expect(one.low).toBeLessThan(0.1);
    expect(() => areaUnderRoc(numbers([]), numbers([1]))).toThrow(RangeError);
  });
});

describe('accuracy and f1', () => {
  it('have the values of scikit-learn', () => {
    for (const { labels, predicted, ...expected } of scipyCases.classification) {
      const count = (of: (label: number, prediction: number) => boolean): number =>
        labels.filter((label, row) => of(label, predicted[row] as number)).length;
      const right = count((label, prediction) => label === prediction);
      expectClose(accuracy(right, labels.length).value, expected.accuracy);
      const score = f1({
        truePositives: count((label, prediction) => label === 1 && prediction === 1),
        falsePositives: count((label, prediction) => label === 0 && prediction === 1),
        falseNegatives: count((label, prediction) => label === 1 && prediction === 0),
      });
      if (expected.f1 === null) expect(score).toBeNull();
      else expectClose(score?.value ?? NaN, expected.f1);
    }
  });

  it('leave f1 out where nothing is positive', () => {
    expect(f1({ truePositives: 0, falsePositives: 0, falseNegatives: 0 })).toBeNull();
    expect(f1({ truePositives: 0, falsePositives: 3, falseNegatives: 0 })).toMatchObject({
      value: 0,
      low: 0,
    });
  });
});

describe('macroF1', () => {
  const codes = (values: readonly number[]): Int32Array => Int32Array.from(values);

  it('has the values of scikit-learn', () => {
    for (const { labels, predicted, macro_f1: expected } of scipyCases.classes) {
      expectClose(macroF1(codes(labels), codes(predicted)).value, expected);
    }
  });

  it('takes the interval of the accuracy where all rows are right or all wrong', () => {
    const right = macroF1(codes([0, 1, 2, 0]), codes([0, 1, 2, 0]));
    expect(right).toEqual(accuracy(4, 4));
    expect(macroF1(codes([0, 1]), codes([1, 0]))).toEqual(accuracy(0, 2));
    expect(() => macroF1(codes([]), codes([]))).toThrow(RangeError);
  });
});

describe('rootMeanSquaredError', () => {
  it('has the values of scikit-learn and an interval around them', () => {
    for (const { labels, predicted, rmse } of scipyCases.regression) {
      const estimate = rootMeanSquaredError(
        numbers(labels.map((label, row) => (predicted[row] as number) - label)),
      );
      expectClose(estimate.value, rmse);
      expect(estimate.low).toBeLessThan(rmse);
      expect(estimate.high).toBeGreaterThan(rmse);
    }
    expect(rootMeanSquaredError(numbers([0, 0]))).toEqual({ value: 0, low: 0, high: 0 });
    expect(() => rootMeanSquaredError(numbers([]))).toThrow(RangeError);
  });
});

describe('estimatePerformance', () => {
  it('has the expectations by their definitions', () => {
    for (const { p, ...expected } of scipyCases.confidence_based) {
      const estimate = estimatePerformance(numbers(p));
      expectClose(estimate.accuracy.value, expected.accuracy);
      if (expected.f1 === null) expect(estimate.f1).toBeNull();
      else expectClose(estimate.f1?.value ?? NaN, expected.f1);
      if (expected.auc === null) expect(estimate.auc).toBeNull();
      else expectClose(estimate.auc?.value ?? NaN, expected.auc, 1e-10);
    }
  });

  it('takes the predictions and the order of the rows from elsewhere where they are given', () => {
    const p = numbers([0.9, 0.2, 0.6]);
    const turned = estimatePerformance(p, { predicted: [0, 1, 0], scores: numbers([1, 3, 2]) });
    expect(turned.truePositives).toBeCloseTo(0.2, 12);
    expect(turned.accuracy.value).toBeCloseTo((0.1 + 0.2 + 0.4) / 3, 12);
    const straight = estimatePerformance(p);
    expect((turned.auc?.value ?? NaN) + (straight.auc?.value ?? NaN)).toBeCloseTo(1, 12);
  });

  it('knows nothing of pairs where all rows are of one kind', () => {
    expect(estimatePerformance(numbers([0, 0]))).toMatchObject({ f1: null, auc: null });
    expect(estimatePerformance(numbers([1, 1])).auc).toBeNull();
    expect(() => estimatePerformance(numbers([]))).toThrow(RangeError);
    expect(() => estimatePerformance(numbers([1.2]))).toThrow(RangeError);
  });

  it('estimates the accuracy of many classes from the probability of the predicted one', () => {
    expect(estimateAccuracy(numbers([0.4, 0.8])).value).toBeCloseTo(0.6, 12);
  });

  it('adds its expected rows up to all rows', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(shares, (p) => {
        const { truePositives, falsePositives, falseNegatives, trueNegatives, auc } = estimatePerformance(
          numbers(p),
        );
        expect(truePositives + falsePositives + falseNegatives + trueNegatives).toBeCloseTo(p.length, 9);
        if (auc !== null) expect(auc.value).toBeGreaterThanOrEqual(0.5 - 1e-9);
      }),
    );
  });
});

/** How often each interval holds the truth when labels are drawn again and again. */
describe('intervals, by simulation', () => {
  const RUNS = 400;
  // 95 % of 400, less four standard errors of such a count.
  const LEAST = 0.95 * RUNS - 4 * Math.sqrt(RUNS * 0.95 * 0.05);
  const random = seeded(20_261_201);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

  it('hold the true area, error and mean F1 in about 95 % of samples', () => {
    const held = { area: 0, error: 0, macro: 0 };
    // Scores a standard deviation apart: the area is the chance that a normal value exceeds -1 / sqrt 2.
    const trueArea = 0.7602499389065233;
    const trueMacro = 0.6;
    for (let run = 0; run < RUNS; run += 1) {
      const area = areaUnderRoc(
        Float64Array.from({ length: 40 }, () => normal() + 1),
        Float64Array.from({ length: 60 }, normal),
      );
      if (area.low <= trueArea && trueArea <= area.high) held.area += 1;
      const error = rootMeanSquaredError(Float64Array.from({ length: 150 }, () => 3 * normal()));
      if (error.low <= 3 && 3 <= error.high) held.error += 1;
      const labels = Int32Array.from({ length: 300 }, () => Math.floor(3 * random()));
      // Right in 60 % of the rows, and wrong evenly: each class has an F1 of .6.
      const predictions = labels.map((label) =>
        random() < 0.6 ? label : (label + 1 + Math.floor(2 * random())) % 3,
      );
      const macro = macroF1(labels, predictions);
      if (macro.low <= trueMacro && trueMacro <= macro.high) held.macro += 1;
    }
    expect(held.area).toBeGreaterThan(LEAST);
    expect(held.error).toBeGreaterThan(LEAST);
    expect(held.macro).toBeGreaterThan(LEAST);
  });

  it('of estimates without labels hold what the labels then show in about 95 % of draws', () => {
    const p = Float64Array.from({ length: 200 }, () => random() ** 1.5);
    const estimate = estimatePerformance(p);
    const held = { accuracy: 0, f1: 0, auc: 0 };
    for (let run = 0; run < RUNS; run += 1) {
      const labels = p.map((share) => (random() < share ? 1 : 0));
      const count = (of: (label: number, share: number) => boolean): number =>
        labels.filter((label, row) => of(label, p[row] as number)).length;
      const truePositives = count((label, share) => label === 1 && share >= 0.5);
      const right = truePositives + count((label, share) => label === 0 && share < 0.5);
      const score = f1({
        truePositives,
        falsePositives: count((label, share) => label === 0 && share >= 0.5),
        falseNegatives: count((label, share) => label === 1 && share < 0.5),
      });
      const area = areaUnderRoc(
        p.filter((_, row) => labels[row] === 1),
        p.filter((_, row) => labels[row] === 0),
      );
      const within = (value: number, interval: { low: number; high: number } | null): number =>
        interval !== null && interval.low <= value && value <= interval.high ? 1 : 0;
      held.accuracy += within(right / p.length, estimate.accuracy);
      held.f1 += within(score?.value ?? NaN, estimate.f1);
      held.auc += within(area.value, estimate.auc);
    }
    expect(held.accuracy).toBeGreaterThan(LEAST);
    expect(held.f1).toBeGreaterThan(LEAST);
    expect(held.auc).toBeGreaterThan(LEAST);
  });
});
