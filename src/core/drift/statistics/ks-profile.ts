import { ksLimitP } from './ks.ts';
import type { SampleSizes } from './counts.ts';

/** What a profile keeps of a sample's distribution. */
export interface QuantileProfile {
  /** At least 2 ascending quantiles at equal steps of share, the minimum first and the maximum last: quantileKnots() of the sample. */
  readonly knots: Float64Array;
  /** Rows of the sample. */
  readonly rows: number;
  /** How far the line through the knots may be from the sample's distribution function: 1/(knots-1) for quantileKnots(). */
  readonly error: number;
}

export interface KsProfileTest {
  /** A lower bound of the distance between the samples: the profile's distance less its error, at least 0. */
  readonly d: number;
  /** The largest distance between the line through the knots and the current distribution function. */
  readonly profileDistance: number;
  /** Where that is, in the values' unit. */
  readonly location: number;
  /** 1 where more of the reference than of the current rows is at or below `location` (or below it), -1 where less, 0 where D is 0. */
  readonly sign: 1 | 0 | -1;
  readonly referenceShare: number;
  readonly currentShare: number;
  /** Kolmogorov's limit at `d`: not smaller than that of the samples themselves. */
  readonly p: number;
  readonly method: 'limit';
}

/**
 * Kolmogorov-Smirnov test of a profile of the reference against a sorted current sample (ascending, finite, not empty).
 *
 * The distance of the samples is at least that of the profile less its error, and the limit falls with the distance: p is never smaller than the
 * limit for the raw reference would be, so a profile gives no alert that the data would not.
 */
export function ksProfile(
  profile: QuantileProfile,
  current: Float64Array,
  effective?: SampleSizes,
): KsProfileTest {
  if (current.length === 0) throw new RangeError('a Kolmogorov-Smirnov distance needs values on both sides');
  const widest = widestGap(profile.knots, current);
  const d = Math.max(0, Math.abs(widest.gap) - profile.error);
  const p = ksLimitP(d, {
    reference: Math.min(profile.rows, effective?.reference ?? profile.rows),
    current: Math.min(current.length, effective?.current ?? current.length),
  });
  return {
    d,
    profileDistance: Math.abs(widest.gap),
    location: widest.location,
    sign: Math.sign(widest.gap) as 1 | 0 | -1,
    referenceShare: widest.referenceShare,
    currentShare: widest.currentShare,
    p,
    method: 'limit',
  };
}

/**
 * The current function is constant between its values and the profile rises, so the widest gap is at one of the current values: at it
 * or just before it.
 */
function widestGap(knots: Float64Array, current: Float64Array) {
  const m = current.length;
  let widest = { gap: 0, location: current[0] as number, referenceShare: 0, currentShare: 0 };
  const consider = (location: number, referenceShare: number, currentShare: number): void => {
    const gap = referenceShare - currentShare;
    if (Math.abs(gap) > Math.abs(widest.gap)) widest = { gap, location, referenceShare, currentShare };
  };
  let knot = 0;
  for (let j = 0; j < m;) {
    const value = current[j] as number;
    while (knot < knots.length && (knots[knot] as number) < value) knot += 1;
    consider(value, shareUpTo(knots, knot, value), j / m);
    while (j < m && current[j] === value) j += 1;
    while (knot < knots.length && (knots[knot] as number) <= value) knot += 1;
    consider(value, shareUpTo(knots, knot, value), j / m);
  }
  return widest;
}

/** The share of the profile up to value, where `next` is the first knot above it, or the first not below it for the share before value. */
function shareUpTo(knots: Float64Array, next: number, value: number): number {
  if (next === 0) return 0;
  if (next === knots.length) return 1;
  const low = knots[next - 1] as number;
  const high = knots[next] as number;
  return (next - 1 + fraction(value, low, high)) / (knots.length - 1);
}

/** Where value lies between low and high, 0 to 1, also where their difference is larger than any double. */
function fraction(value: number, low: number, high: number): number {
  const width = high - low;
  return width === Infinity ? (value / 2 - low / 2) / (high / 2 - low / 2) : (value - low) / width;
}
