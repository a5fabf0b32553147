import { greatestCommonDivisor } from './greatest-common-divisor.ts';
import { kolmogorovSf } from './kolmogorov.ts';
import type { SampleSizes } from './counts.ts';

/** The largest distance between two empirical distribution functions, and where it is. */
export interface KsDistance {
  /** D, 0 to 1: the share of rows that would have to change. */
  readonly d: number;
  /** The smallest value at which the distance is D, in the values' unit. */
  readonly location: number;
  /** 1 where more of the reference than of the current rows is at or below `location`, -1 where less, 0 where D is 0. */
  readonly sign: 1 | 0 | -1;
  /** Share of the reference rows, and of the current rows, at or below `location`. */
  readonly referenceShare: number;
  readonly currentShare: number;
}

export interface KsTest extends KsDistance {
  /** Two-sided. */
  readonly p: number;
  /** `exact`: of all ways to divide the pooled values, ties and all. `limit`: Kolmogorov's limit, conservative for small samples. */
  readonly method: 'exact' | 'limit';
  /** Cells of the exact recursion that were computed, 0 for the limit: what to take off a budget that several tests share. */
  readonly cells: number;
}

export interface KsOptions {
  /** The exact p is tried up to this many pairs (rows of the reference x rows of the current data); 1e8 unless told. */
  readonly pairs?: number;
  /** And only if its recursion needs at most this many cells; it never needs more than there are pairs. */
  readonly budget?: number;
  /** Independent rows that the rows are worth. Where a size is smaller than the rows, only the limit is used, with these sizes. */
  readonly effective?: SampleSizes;
}

const PAIRS = 1e8;
/** Where even the conservative limit is smaller than this, the exact p would decide nothing, and its recursion is at its longest. */
const NO_DOUBT = 1e-20;

/**
 * Two-sample Kolmogorov-Smirnov test of two sorted samples (ascending, finite, -0 and 0 equal); a RangeError where one is empty.
 *
 * The exact p needs some 2 ns a cell, and with few ties about 2 D max(n, m) min(n, m) cells; many equal values need more. A limit below
 * 1e-20 is taken as it is.
 */
export function ksTest(reference: Float64Array, current: Float64Array, options: KsOptions = {}): KsTest {
  const distance = ksDistance(reference, current);
  const n = reference.length;
  const m = current.length;
  const { pairs = PAIRS, budget = Infinity, effective } = options;
  const sizes = {
    reference: Math.min(n, effective?.reference ?? n),
    current: Math.min(m, effective?.current ?? m),
  };
  const limit: KsTest = { ...distance, p: ksLimitP(distance.d, sizes), method: 'limit', cells: 0 };
  const dependent = sizes.reference < n || sizes.current < m;
  if (dependent || n * m > pairs || limit.p < NO_DOUBT) return limit;
  const lattice = latticeOf(reference, current);
  const cells = countCells(lattice);
  return cells > budget ? limit : { ...distance, p: exactP(lattice), method: 'exact', cells };
}

/** Kolmogorov's limit of P(distance > d) for the given numbers of independent rows; d below 0 counts as 0. */
export function ksLimitP(d: number, { reference, current }: SampleSizes): number {
  return kolmogorovSf(d * Math.sqrt((reference * current) / (reference + current)));
}

/** D of two sorted samples (ascending, finite), in O(n + m); a RangeError where one is empty. */
export function ksDistance(reference: Float64Array, current: Float64Array): KsDistance {
  const n = reference.length;
  const m = current.length;
  if (n === 0 || m === 0) throw new RangeError('a Kolmogorov-Smirnov distance needs values on both sides');
  let i = 0;
  let j = 0;
  let best = 0;
  let bestI = 0;
  let bestJ = 0;
  let location = Math.min(reference[0] as number, current[0] as number);
  while (i < n && j < m) {
    const x = reference[i] as number;
    const y = current[j] as number;
    const value = x < y ? x : y;
    while (i < n && reference[i] === value) i += 1;
    while (j < m && current[j] === value) j += 1;
    // Whole numbers, so that two places of the same distance compare as equal.
    const distance = Math.abs(i * m - j * n);
    if (distance > best) {
      best = distance;
      bestI = i;
      bestJ = j;
      location = value;
    }
  }
  if (best === 0) {
    const referenceShare = reference[0] === location ? countEqual(reference, location) / n : 0;
    return { d: 0, location, sign: 0, referenceShare, currentShare: referenceShare };
  }
  return {
    d: best / (n * m),
    location,
    sign: bestI * m > bestJ * n ? 1 : -1,
    referenceShare: bestI / n,
    currentShare: bestJ / m,
  };
}

function countEqual(sorted: Float64Array, value: number): number {
  let count = 0;
  while (count < sorted.length && sorted[count] === value) count += 1;
  return count;
}

/**
 * The pooled sample as a lattice of paths: point (i, j) says that i reference and j current values have been passed. A split of the pool
 * is a path from (0, 0) to (n, m), and its distance is the largest |a i - b j| at the ends of tie groups.
 */
interface Lattice {
  readonly n: number;
  readonly m: number;
  /** m and n without their common divisor, so that |a i - b j| are small whole numbers. */
  readonly a: number;
  readonly b: number;
  /** The observed distance in the same unit. */
  readonly h: number;
  /** 1 at k if a tie group ends after k pooled values. */
  readonly ends: Uint8Array;
}

function latticeOf(reference: Float64Array, current: Float64Array): Lattice {
  const n = reference.length;
  const m = current.length;
  const divisor = greatestCommonDivisor(n, m);
  const a = m / divisor;
  const b = n / divisor;
  const ends = new Uint8Array(n + m + 1);
  let i = 0;
  let j = 0;
  let h = 0;
  while (i < n || j < m) {
    const x = i < n ? (reference[i] as number) : Infinity;
    const y = j < m ? (current[j] as number) : Infinity;
    const value = x < y ? x : y;
    while (i < n && reference[i] === value) i += 1;
    while (j < m && current[j] === value) j += 1;
    ends[i + j] = 1;
    h = Math.max(h, Math.abs(a * i - b * j));
  }
  return { n, m, a, b, h, ends };
}

/**
 * The i on one diagonal i + j = k at which a path may still have stayed within the distance; at all others it has not.
 * Moves [low, high] from diagonal k - 1 to k.
 */
function advance(band: { low: number; high: number }, k: number, { n, m, a, b, h, ends }: Lattice): void {
  band.low = Math.max(band.low, k - m);
  band.high = Math.min(band.high + 1, n, k);
  if (ends[k] === 1) {
    band.low = Math.max(band.low, Math.floor((b * k - h) / (a + b)) + 1);
    band.high = Math.min(band.high, Math.ceil((b * k + h) / (a + b)) - 1);
  }
}

function countCells(lattice: Lattice): number {
  const band = { low: 0, high: 0 };
  let cells = 0;
  for (let k = 1; k <= lattice.n + lattice.m; k += 1) {
    advance(band, k, lattice);
    if (band.low > band.high) break;
    cells += band.high - band.low + 1;
  }
  return cells;
}

/**
 * P(distance >= the observed one) over all divisions of the pooled values into n and m, given their ties (Schroeer & Trenkler 1995).
 *
 * u(i, j), the chance that a path to (i, j) has reached the distance at the end of a tie group, is 1 where it is reached there and
 * otherwise (i u(i-1, j) + j u(i, j-1)) / (i + j). It is computed along diagonals: cells of one diagonal do not depend on one another,
 * a tie group ends on whole diagonals, and outside of [low, high] u is 1. Only averages of numbers in [0, 1] are formed, so that
 * small p keep their digits.
 */
function exactP(lattice: Lattice): number {
  const { n, m, h } = lattice;
  if (h === 0) return 1;
  const u = new Float64Array(n + 1).fill(1);
  u[0] = 0;
  const band = { low: 0, high: 0 };
  for (let k = 1; k <= n + m; k += 1) {
    const { low: before } = band;
    const last = Math.min(band.high + 1, n, k);
    advance(band, k, lattice);
    const { low, high } = band;
    if (low > high) return 1;
    for (let i = high; i > low; i -= 1) {
      u[i] = (i * (u[i - 1] as number) + (k - i) * (u[i] as number)) / k;
    }
    if (low > 0) u[low] = (low * (u[low - 1] as number) + (k - low) * (u[low] as number)) / k;
    u.fill(1, before, low);
    if (last > high) u.fill(1, high + 1, last + 1);
  }
  return Math.min(1, u[n] as number);
}
