import { greatestCommonDivisor } from './greatest-common-divisor.ts';
import { checkBothHaveValues, eachPooledValue } from './pooled-values.ts';

export interface CramerVonMises {
  /** T of Anderson (1962): the squared distance of the distribution functions, summed over the pooled sample and scaled. */
  readonly statistic: number;
  readonly p: number;
  readonly method: 'exact' | 'limit';
}

/** The exact distribution is computed up to this many rows a side, as in scipy. */
const EXACT_ROWS = 20;

/**
 * Two-sample Cramer-von Mises test of sorted samples, ties by midranks: T. W. Anderson, "On the distribution of the two-sample
 * Cramer-von Mises criterion", Ann. Math. Statist. 33 (1962).
 *
 * Up to 20 rows a side p is exact for samples without ties (Xiao, Gordon & Yakovlev 2006); beyond, T is scaled to the moments of its limit
 * and p is the limit's, with its digits kept far out in the tail.
 */
export function cramerVonMises(reference: Float64Array, current: Float64Array): CramerVonMises {
  checkBothHaveValues(reference, current);
  const n = reference.length;
  const m = current.length;
  const total = n + m;
  const u = rankSum(reference, current);
  const statistic = u / (n * m * total) - (4 * n * m - 1) / (6 * total);
  if (Math.max(n, m) <= EXACT_ROWS) return { statistic, p: exactP(u, n, m), method: 'exact' };
  const mean = (1 + 1 / total) / 6;
  const variance =
    ((total + 1) * (4 * n * m * total - 3 * (n * n + m * m) - 2 * n * m)) / (45 * total * total * 4 * n * m);
  return {
    statistic,
    p: cramerLimitSf(1 / 6 + (statistic - mean) / Math.sqrt(45 * variance)),
    method: 'limit',
  };
}

/**
 * P(W > x) of the limit of the Cramer-von Mises statistic, by Smirnov's formula (Anderson & Darling 1952):
 * (1/pi) sum_j (-1)^(j+1) times the integral over y from (2j-1)^2 pi^2 to (2j)^2 pi^2 of sqrt(-sqrt y / sin sqrt y) exp(-x y / 2) / y.
 *
 * With sqrt y = (2j - 1/2) pi + (pi/2) sin t the singular ends vanish and the midpoint rule converges geometrically. Relative accuracy about
 * 1e-12 in the upper half; 1 below x = .003, where P differs from 1 by less than 1e-15.
 */
export function cramerLimitSf(x: number): number {
  if (!(x >= 0.003)) return 1;
  let sum = 0;
  for (let j = 1; ; j += 1) {
    const term = smirnovIntegral(x, j);
    sum += j % 2 === 1 ? term : -term;
    if (term < 1e-17 * Math.abs(sum) || term < 1e-300) break;
  }
  return Math.min(1, Math.max(0, sum / Math.PI));
}

const NODES = 48;

function smirnovIntegral(x: number, j: number): number {
  const width = Math.PI / NODES;
  let sum = 0;
  for (let node = 0; node < NODES; node += 1) {
    const t = -Math.PI / 2 + (node + 0.5) * width;
    const s = (2 * j - 0.5) * Math.PI + (Math.PI / 2) * Math.sin(t);
    // -sin s = cos((pi/2) sin t) = sin((pi/2) (1 - |sin t|)), the last without cancellation at the ends.
    const negativeSine = Math.sin(Math.PI * Math.sin(Math.PI / 4 - Math.abs(t) / 2) ** 2);
    sum += Math.sqrt(s / negativeSine) * Math.exp((-x * s * s) / 2) * (2 / s) * (Math.PI / 2) * Math.cos(t);
  }
  return sum * width;
}

/** U of Anderson (1962): n sum (rank of the i-th reference value - i)^2 + m times the same of the current values. */
function rankSum(reference: Float64Array, current: Float64Array): number {
  let i = 0;
  let j = 0;
  let referenceSum = 0;
  let currentSum = 0;
  eachPooledValue(reference, current, (_, inReference, inCurrent) => {
    const rank = i + j + (inReference + inCurrent + 1) / 2;
    for (let left = inReference; left > 0; left -= 1) referenceSum += (rank - (i += 1)) ** 2;
    for (let left = inCurrent; left > 0; left -= 1) currentSum += (rank - (j += 1)) ** 2;
  });
  return reference.length * referenceSum + current.length * currentSum;
}

/** How many paths to a lattice point have each sum of squares below the observed one, ascending, and how many have reached it. */
interface PathSums {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
  readonly reached: number;
}

/** The share of all paths through an n x m lattice whose squared distances from the diagonal add up to the observed sum or more. */
function exactP(u: number, n: number, m: number): number {
  const divisor = greatestCommonDivisor(n, m);
  const a = m / divisor;
  const b = n / divisor;
  const nm = n * m;
  const observed = Math.floor(((a * n) ** 2 * (n + m) * (6 * u - nm * (4 * nm - 1))) / (6 * nm * nm));
  if (observed <= 0) return 1;
  const none: PathSums = { sums: new Float64Array(), counts: new Float64Array(), reached: 0 };
  const start: PathSums = { sums: new Float64Array(1), counts: new Float64Array([1]), reached: 0 };
  let row: PathSums[] = [];
  for (let i = 0; i <= n; i += 1) {
    const next: PathSums[] = [];
    for (let j = 0; j <= m; j += 1) {
      const left = i + j === 0 ? start : (next[j - 1] ?? none);
      next.push(step(row[j] ?? none, left, { square: (a * i - b * j) ** 2, observed }));
    }
    row = next;
  }
  const { counts, reached } = row[m] as PathSums;
  return reached / counts.reduce((sum, count) => sum + count, reached);
}

/** The paths of two neighbours together, after the step to a point with this squared distance. */
function step(
  x: PathSums,
  y: PathSums,
  { square, observed }: { square: number; observed: number },
): PathSums {
  const sums = new Float64Array(x.sums.length + y.sums.length);
  const counts = new Float64Array(sums.length);
  let reached = x.reached + y.reached;
  let size = 0;
  let i = 0;
  let j = 0;
  while (i < x.sums.length || j < y.sums.length) {
    const left = i < x.sums.length ? (x.sums[i] as number) : Infinity;
    const right = j < y.sums.length ? (y.sums[j] as number) : Infinity;
    let count = 0;
    if (left <= right) count += x.counts[i++] as number;
    if (right <= left) count += y.counts[j++] as number;
    const sum = Math.min(left, right) + square;
    if (sum >= observed) {
      reached += count;
    } else {
      sums[size] = sum;
      counts[size] = count;
      size += 1;
    }
  }
  return { sums: sums.subarray(0, size), counts: counts.subarray(0, size), reached };
}
