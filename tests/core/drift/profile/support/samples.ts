import fc from 'fast-check';
import { countUpTo } from '../../../../../src/core/drift/distribution.ts';

/** Values with ties, with long texts, of very different sizes, or all equal; at least one. */
export const sample = (most: number): fc.Arbitrary<number[]> => {
  const lengths = { minLength: 1, maxLength: most };
  return fc.oneof(
    fc.array(fc.integer({ min: -3, max: 3 }), lengths),
    fc.array(
      fc.integer({ min: -300, max: 300 }).map((value) => value / 100),
      lengths,
    ),
    fc.array(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value + 0),
      lengths,
    ),
    fc.array(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      lengths,
    ),
  );
};

/**
 * The largest distance between the distribution function of sorted values (or its limit from below) and any function that lies within
 * the steps of the knots.
 */
export function furthestFromStep(sorted: Float64Array, knots: Float64Array): number {
  const steps = knots.length - 1;
  let furthest = 0;
  const consider = (share: number, step: number): void => {
    furthest = Math.max(furthest, Math.abs(share - step / steps), Math.abs(share - (step + 1) / steps));
  };
  for (const value of new Set([...sorted, ...knots])) {
    const upTo = countUpTo(sorted, value) / sorted.length;
    const below = sorted.filter((each) => each < value).length / sorted.length;
    const step = countUpTo(knots, value) - 1;
    const stepBelow = knots.filter((knot) => knot < value).length - 1;
    if (step >= 0 && step < steps) consider(upTo, step);
    if (step === -1) furthest = Math.max(furthest, upTo);
    if (step === steps) furthest = Math.max(furthest, 1 - upTo);
    if (stepBelow >= 0 && stepBelow < steps) consider(below, stepBelow);
  }
  return furthest;
}
