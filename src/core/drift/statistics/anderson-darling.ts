import { checkBothHaveValues, eachPooledValue } from './pooled-values.ts';

export interface AndersonDarling {
  /** The standardised statistic of Scholz & Stephens, midrank version: about 0 +- 1 without drift. */
  readonly statistic: number;
  /** Between .001 and .25. */
  readonly p: number;
  /** `upper`: p is at least .25. `lower`: p is at most .001. The tabled values end there, as scipy's do. */
  readonly clipped: 'upper' | 'lower' | null;
}

/** The ends of the tabled critical values of two samples: .325 1.226 1.961 2.718 3.752 4.592 6.546 at .25 .1 .05 .025 .01 .005 .001. */
const LEAST_CRITICAL = 0.325;
const LARGEST_CRITICAL = 6.546;
/** ln p as a parabola of the statistic: least squares through the seven tabled points, lowest power first. */
const LOG_P = [-1.0777702798204873, -1.0082265644652506, 0.01819809457411126] as const;

/**
 * Two-sample Anderson-Darling test of sorted samples, ties by midranks: F. W. Scholz & M. A. Stephens, "K-sample Anderson-Darling tests",
 * JASA 82 (1987), equations 5 to 7. Needs four values in all, and two distinct ones: otherwise the statistic is 0 and p .25.
 */
export function andersonDarling(reference: Float64Array, current: Float64Array): AndersonDarling {
  checkBothHaveValues(reference, current);
  const n = reference.length;
  const m = current.length;
  const total = n + m;
  const deviation = Math.sqrt(nullVariance(n, m));
  if (total < 4 || !(deviation > 0)) return { statistic: 0, p: 0.25, clipped: 'upper' };
  const statistic = (midrankSum(reference, current) - 1) / deviation;
  if (statistic < LEAST_CRITICAL) return { statistic, p: 0.25, clipped: 'upper' };
  if (statistic > LARGEST_CRITICAL) return { statistic, p: 0.001, clipped: 'lower' };
  return { statistic, p: Math.exp(LOG_P[0] + statistic * (LOG_P[1] + statistic * LOG_P[2])), clipped: null };
}

/** A^2 of two samples, about 1 without drift. */
function midrankSum(reference: Float64Array, current: Float64Array): number {
  const n = reference.length;
  const m = current.length;
  const total = n + m;
  let i = 0;
  let j = 0;
  let referenceSum = 0;
  let currentSum = 0;
  eachPooledValue(reference, current, (_, inReference, inCurrent) => {
    const ties = inReference + inCurrent;
    const below = i + j + ties / 2;
    const spread = below * (total - below) - (total * ties) / 4;
    if (spread > 0) {
      referenceSum += (ties / total) * ((total * (i + inReference / 2) - below * n) ** 2 / spread);
      currentSum += (ties / total) * ((total * (j + inCurrent / 2) - below * m) ** 2 / spread);
    }
    i += inReference;
    j += inCurrent;
  });
  return ((referenceSum / n + currentSum / m) * (total - 1)) / total;
}

/** Variance of A^2 without drift for two samples. */
function nullVariance(n: number, m: number): number {
  const total = n + m;
  const sizes = 1 / n + 1 / m;
  let harmonic = 0;
  let tails = 0;
  // From the back: sum_{i=1}^{N-2} 1/(N-i) sum_{j=i+1}^{N-1} 1/j.
  for (let j = total - 1; j >= 2; j -= 1) {
    harmonic += 1 / j;
    tails += harmonic / (total - j + 1);
  }
  harmonic += 1;
  const k = 2;
  const a = (4 * tails - 6) * (k - 1) + (10 - 6 * tails) * sizes;
  const b =
    (2 * tails - 4) * k * k +
    8 * harmonic * k +
    (2 * tails - 14 * harmonic - 4) * sizes -
    8 * harmonic +
    4 * tails -
    6;
  const c =
    (6 * harmonic + 2 * tails - 2) * k * k +
    (4 * harmonic - 4 * tails + 6) * k +
    (2 * harmonic - 6) * sizes +
    4 * harmonic;
  const d = (2 * harmonic + 6) * k * k - 4 * harmonic * k;
  return (((a * total + b) * total + c) * total + d) / ((total - 1) * (total - 2) * (total - 3));
}
