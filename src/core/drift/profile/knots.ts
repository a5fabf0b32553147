import { countUpTo } from '../distribution.ts';
import { quantileKnots } from '../statistics/quantiles.ts';
import { numberText } from './number-list.ts';
import { PROFILE_SIZES } from './profile.ts';

export interface Knots {
  /** Ascending, at equal steps of share, the minimum (or less) first and the maximum (or more) last. */
  readonly knots: Float64Array;
  /** See {@link knotError}. */
  readonly error: number;
}

export interface KnotOptions {
  /** Of all values, where the sorted ones are a sample; else the first and the last of them. */
  readonly ends?: { readonly min: number; readonly max: number };
  /** At least so many values from one knot to the next, and at either end; 1 unless told. */
  readonly minCount?: number;
  /** Bytes that the text of the knots should not exceed. */
  readonly textLimit?: number;
}

/** A knot with a text of at most so many characters is kept as it is. */
const SHORT_TEXT = 8;
/** As a share of all values: further than this a knot is not moved as long as the text is short enough. */
const LEAST_SLACK = 1e-5;
const TEXT_LIMIT = 15_000;

/**
 * Quantile knots of sorted values (ascending, finite, not empty) with texts that keep a column at some 8 to 16 KB.
 *
 * A knot with a long text is moved to the number with the fewest digits that is one row away at most (of very many values a hundred-thousandth
 * of them): below the median downwards, above it upwards, so that no distance between quantiles becomes smaller. Should that not be enough, as for
 * long numbers that each come several times, more rows are allowed, up to a step between knots.
 */
export function shortKnots(sorted: Float64Array, options: KnotOptions = {}): Knots {
  const { minCount = 1, textLimit = TEXT_LIMIT, ends } = options;
  const most = minCount > 1 ? Math.max(2, Math.floor(sorted.length / minCount) + 1) : Infinity;
  const count = Math.min(PROFILE_SIZES.knots, most);
  const exact = quantileKnots(sorted, count);
  exact[0] = Math.min(ends?.min ?? Infinity, exact[0] as number);
  exact[count - 1] = Math.max(ends?.max ?? -Infinity, exact[count - 1] as number);
  if (minCount > 1) hideEnds(sorted, exact, minCount);
  let slack = Math.max(1, Math.floor(sorted.length * LEAST_SLACK));
  let knots = shortened(sorted, exact, slack);
  while (textLength(knots) > textLimit && slack * 2 <= sorted.length / (count - 1)) {
    slack *= 2;
    knots = shortened(sorted, exact, slack);
  }
  return { knots, error: knotError(sorted, knots) };
}

/**
 * How far a function may be from the distribution function of the sorted values that lies between j/k and (j + 1)/k from knot j up to knot j + 1, whatever
 * it does there: the largest of (j + 1)/k - F(q_j) and F(q_(j+1)-) - j/k over unequal neighbours. At most 1/k for quantiles of type 1. Rounded up to 7 digits, and
 * never 0.
 */
export function knotError(sorted: Float64Array, knots: Float64Array): number {
  const steps = knots.length - 1;
  const n = sorted.length;
  let largest = 0;
  for (let j = 0; j < steps; j += 1) {
    const low = knots[j] as number;
    const high = knots[j + 1] as number;
    if (low === high) continue;
    const reached = countUpTo(sorted, low) / n;
    const before = countBelow(sorted, high) / n;
    largest = Math.max(largest, (j + 1) / steps - reached, before - j / steps);
  }
  // The tolerance takes back what the divisions added in the last bits.
  return Math.min(1, Math.max(1e-6, Math.ceil(largest * 1e7 - 1e-5) / 1e7));
}

function shortened(sorted: Float64Array, exact: Float64Array, slack: number): Float64Array {
  const n = sorted.length;
  const last = exact.length - 1;
  const knots = exact.slice();
  for (let j = 1; j < last; j += 1) {
    const value = exact[j] as number;
    if (numberText(value).length <= SHORT_TEXT) continue;
    const rank = Math.ceil((n * j) / last);
    const down = j <= last / 2;
    const neighbour = sorted[down ? rank - 1 - slack : rank - 1 + slack];
    if (neighbour === undefined || neighbour === value) continue;
    const found = shortestBetween(value, neighbour);
    if (found !== undefined) knots[j] = found;
  }
  return knots;
}

/** The number with the fewest digits strictly between two unequal ones, if its text is shorter than that of the first. */
function shortestBetween(value: number, other: number): number | undefined {
  const low = Math.min(value, other);
  const high = Math.max(value, other);
  const middle = low / 2 + high / 2;
  for (let digits = 1; digits <= 15; digits += 1) {
    const candidate = Number(middle.toPrecision(digits));
    if (candidate > low && candidate < high) {
      const isShorter = numberText(candidate).length < numberText(value).length;
      // 0 has one digit and two signs.
      return isShorter ? candidate + 0 : undefined;
    }
  }
  return undefined;
}

function textLength(knots: Float64Array): number {
  let length = 0;
  let previous: number | undefined;
  for (const knot of knots) {
    if (knot !== previous) length += numberText(knot).length + 1;
    previous = knot;
  }
  return length;
}

/** Moves an end that fewer than `minCount` values share outwards to a multiple of a power of ten: a twentieth to a half of the range. */
function hideEnds(sorted: Float64Array, knots: Float64Array, minCount: number): void {
  const min = knots[0] as number;
  const max = knots.at(-1) as number;
  const width = max / 20 - min / 20;
  if (!(width > 0)) return;
  const unit = 10 ** Math.ceil(Math.log10(width));
  const outwards = (value: number, round: (value: number) => number): number => {
    const rounded = round(value / unit) * unit;
    return Number.isFinite(rounded) ? Number(rounded.toPrecision(15)) + 0 : value;
  };
  if (countUpTo(sorted, min) < minCount) knots[0] = Math.min(min, outwards(min, Math.floor));
  if (sorted.length - countBelow(sorted, max) < minCount)
    knots[knots.length - 1] = Math.max(max, outwards(max, Math.ceil));
}

function countBelow(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
