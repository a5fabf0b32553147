import { normalSf } from './normal.ts';
import { checkBothHaveValues, eachPooledValue } from './pooled-values.ts';

export interface MannWhitney {
  /** U of the reference: pairs in which its value is larger, ties counted as half. */
  readonly u: number;
  /** U / (n m): the chance that a reference value exceeds a current one; .5 without drift. */
  readonly superiority: number;
  /** Two-sided. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
}

/** Exact where one side has at most 8 rows (as in scipy), the other at most 300, and no values are tied. */
const EXACT_SMALLER = 8;
const EXACT_LARGER = 300;

/**
 * Two-sided Mann-Whitney U test of two sorted samples. The normal approximation is corrected for ties and continuity
 * (Hollander & Wolfe, Nonparametric Statistical Methods, 4.1). Where all values are equal, p is 1.
 */
export function mannWhitney(reference: Float64Array, current: Float64Array): MannWhitney {
  checkBothHaveValues(reference, current);
  const n = reference.length;
  const m = current.length;
  const total = n + m;
  let doubled = 0;
  let j = 0;
  let tieSum = 0;
  eachPooledValue(reference, current, (_, inReference, inCurrent) => {
    doubled += inReference * (2 * j + inCurrent);
    j += inCurrent;
    const ties = inReference + inCurrent;
    tieSum += ties * (ties - 1) * (ties + 1);
  });
  const u = doubled / 2;
  const superiority = u / (n * m);
  if (tieSum === 0 && Math.min(n, m) <= EXACT_SMALLER && Math.max(n, m) <= EXACT_LARGER) {
    return { u, superiority, p: exactP(Math.min(u, n * m - u), n, m), method: 'exact' };
  }
  const variance = ((n * m) / 12) * (total + 1 - tieSum / (total * (total - 1)));
  if (!(variance > 0)) return { u, superiority, p: 1, method: 'normal' };
  const z = (Math.abs(u - (n * m) / 2) - 0.5) / Math.sqrt(variance);
  return { u, superiority, p: Math.min(1, 2 * normalSf(z)), method: 'normal' };
}

/** Twice the chance that U is at most the given value, by the recursion over the largest pooled value: it is one of n or one of m. */
function exactP(u: number, n: number, m: number): number {
  const fewer = Math.min(n, m);
  const more = Math.max(n, m);
  const size = u + 1;
  // distributions[i][k] = P(U = k) for i and j values, j growing.
  const distributions = Array.from({ length: fewer + 1 }, () => {
    const atZero = new Float64Array(size);
    atZero[0] = 1;
    return atZero;
  });
  for (let j = 1; j <= more; j += 1) {
    for (let i = 1; i <= fewer; i += 1) {
      const before = distributions[i - 1] as Float64Array;
      const now = distributions[i] as Float64Array;
      // The largest is one of i: it exceeds all j of the others.
      for (let k = Math.min(u, i * j); k >= 0; k -= 1) {
        const shifted = k >= j ? (before[k - j] as number) : 0;
        now[k] = (i * shifted + j * (now[k] as number)) / (i + j);
      }
    }
  }
  let sum = 0;
  for (const probability of distributions[fewer] as Float64Array) sum += probability;
  return Math.min(1, 2 * sum);
}
