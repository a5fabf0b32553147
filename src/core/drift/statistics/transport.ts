import { normalUpperQuantile } from './normal.ts';
import { checkBothHaveValues } from './pooled-values.ts';
import { quantile } from './quantiles.ts';

/** Values with weights: equally long, weights not negative with a sum above 0. */
export interface Weighted {
  readonly values: Float64Array;
  readonly weights: Float64Array;
}

/** Wasserstein-1 (earth mover's) distance of two sorted samples, in the values' unit: the area between their distribution functions. */
export function wasserstein(reference: Float64Array, current: Float64Array): number {
  return areaBetween(reference, current).absolute;
}

/** Energy distance of two sorted samples, sqrt(2 times the integral of (F - G)^2), as scipy's: in the square root of the values' unit. */
export function energyDistance(reference: Float64Array, current: Float64Array): number {
  return Math.sqrt(2 * areaBetween(reference, current).squared);
}

/** Wasserstein-1 distance of two weighted samples in any order. */
export function weightedWasserstein(reference: Weighted, current: Weighted): number {
  const points = [...weightedPoints(reference, 1), ...weightedPoints(current, -1)];
  points.sort((x, y) => x.value - y.value);
  let area = 0;
  let gap = 0;
  for (const [index, point] of points.entries()) {
    gap += point.weight;
    const next = points[index + 1];
    if (next) area += Math.abs(gap) * (next.value - point.value);
  }
  return area;
}

export interface RobustWasserstein {
  /** Wasserstein-1 distance in standard deviations of a normal distribution as wide as the reference; null without a unit. */
  readonly distance: number | null;
  /** The unit, in the values' unit; null where the reference has none. */
  readonly unit: number | null;
}

/** Wasserstein-1 distance of two sorted samples in robust units of the reference. */
export function robustWasserstein(reference: Float64Array, current: Float64Array): RobustWasserstein {
  const unit = robustUnit(reference);
  return { unit, distance: unit === null ? null : wasserstein(reference, current) / unit };
}

/** The shares beyond which values are left out for a robust unit, one after the other where the ones before leave no width. */
export const UNIT_TAILS = [0.25, 0.1, 0.05] as const;

/**
 * What a standard deviation is for sorted values if outliers are not to count: the interquartile range / 1.349. Where that is 0, as half of the
 * values are equal, the range from quantile .1 to .9 / 2.563, and where that is 0 from .05 to .95 / 3.290. null beyond: of values nine tenths
 * of which are equal no width can be told, and the point mass, D and the out-of-range share speak for them.
 */
export function robustUnit(sorted: Float64Array): number | null {
  for (const tail of UNIT_TAILS) {
    const width = quantile(sorted, 1 - tail) - quantile(sorted, tail);
    if (width > 0 && width < Infinity) return width / (2 * normalUpperQuantile(tail));
  }
  return null;
}

/** The integrals of |F - G| and (F - G)^2 over all values. A plain loop: it sees millions of values a column. */
function areaBetween(reference: Float64Array, current: Float64Array): { absolute: number; squared: number } {
  checkBothHaveValues(reference, current);
  const n = reference.length;
  const m = current.length;
  let absolute = 0;
  let squared = 0;
  let i = 0;
  let j = 0;
  let previous = 0;
  let gap = 0;
  while (i < n || j < m) {
    const x = i < n ? (reference[i] as number) : Infinity;
    const y = j < m ? (current[j] as number) : Infinity;
    const value = x < y ? x : y;
    // The height before the step first: the difference of two huge values times 0 is not a number.
    if (gap > 0) {
      const width = value - previous;
      absolute += gap * width;
      squared += gap * gap * width;
    }
    while (i < n && reference[i] === value) i += 1;
    while (j < m && current[j] === value) j += 1;
    gap = Math.abs(i / n - j / m);
    previous = value;
  }
  return { absolute, squared };
}

function weightedPoints({ values, weights }: Weighted, sign: 1 | -1) {
  let total = 0;
  for (const weight of weights) total += weight;
  if (values.length !== weights.length || !(total > 0)) {
    throw new RangeError('weighted values need as many weights, with a sum above 0');
  }
  return Array.from(values, (value, index) => ({
    value,
    weight: (sign * (weights[index] as number)) / total,
  }));
}
