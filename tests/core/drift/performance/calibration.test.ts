import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calibrationError,
  isotonicCorrection,
  worthwhileCorrection,
} from '../../../../src/core/drift/performance/calibration.ts';
import { Random } from '../support/random.ts';

const outcomes = (pairs: readonly (readonly [number, number])[]) => ({
  probabilities: Float64Array.from(pairs, ([p]) => p),
  labels: Uint8Array.from(pairs, ([, label]) => label),
});

describe('isotonicCorrection', () => {
  it('pools neighbours that fall', () => {
    // By hand: .2 -> 0, then 1, 0 and 0 pooled to 1/3, then 1.
    const correct = isotonicCorrection(
      outcomes([
        [0.2, 0],
        [0.3, 1],
        [0.4, 0],
        [0.5, 0],
        [0.9, 1],
      ]),
    );
    expect([0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 1].map(correct)).toEqual([0, 0, 1 / 3, 1 / 3, 1 / 3, 1, 1]);
    expect(correct(0.7)).toBeCloseTo(1 / 3 + (2 / 3) * 0.5, 12);
  });

  it('gives rows of one probability one value', () => {
    const correct = isotonicCorrection(
      outcomes([
        [0.5, 1],
        [0.5, 0],
        [0.5, 0],
        [0.5, 0],
      ]),
    );
    expect(correct(0.5)).toBe(0.25);
  });

  it('rises, keeps the sum of the labels, and is better than any other rising steps by its own squares', () => {
    const pair = fc.tuple(
      fc.integer({ min: 0, max: 20 }).map((p) => p / 20),
      fc.constantFrom(0, 1),
    );
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 40 }), (pairs) => {
        const correct = isotonicCorrection(outcomes(pairs));
        const fitted = pairs.map(([p]) => correct(p));
        const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);
        expect(sum(fitted)).toBeCloseTo(sum(pairs.map(([, label]) => label)), 9);
        let before = 0;
        for (let p = 0; p <= 1; p += 0.01) {
          expect(correct(p)).toBeGreaterThanOrEqual(before - 1e-12);
          before = correct(p);
        }
        const squares = (predict: (p: number) => number): number =>
          sum(pairs.map(([p, label]) => (predict(p) - label) ** 2));
        expect(squares(correct)).toBeLessThanOrEqual(squares((p) => p) + 1e-9);
        expect(squares(correct)).toBeLessThanOrEqual(squares((p) => (p < 0.5 ? 0 : 1)) + 1e-9);
      }),
    );
  });
});

describe('calibrationError', () => {
  it('is the mean distance of probability and share over ten bins', () => {
    const rows = Array.from({ length: 100 }, (_, row): [number, number] => [row < 50 ? 0.2 : 0.8, row % 2]);
    expect(calibrationError(outcomes(rows))).toBeCloseTo(0.3, 12);
    expect(calibrationError(outcomes([]))).toBe(0);
  });
});

describe('worthwhileCorrection', () => {
  const random = new Random(3);
  const drawn = (belief: (p: number) => number, rows: number) =>
    outcomes(
      random.numbers(rows, (r) => r.next()).map((p) => [belief(p), random.next() < p ? 1 : 0] as const),
    );

  it('leaves calibrated probabilities and few rows as they are', () => {
    let corrected = 0;
    for (let run = 0; run < 40; run += 1) {
      if (worthwhileCorrection(drawn((p) => p, 400)) !== undefined) corrected += 1;
    }
    expect(corrected).toBeLessThanOrEqual(3);
    expect(worthwhileCorrection(drawn((p) => p ** 4, 99))).toBeUndefined();
  });

  it('corrects probabilities that are wrong', () => {
    const correct = worthwhileCorrection(drawn((p) => p ** 3, 3000));
    expect(correct?.(0.5 ** 3)).toBeCloseTo(0.5, 1);
  });
});
