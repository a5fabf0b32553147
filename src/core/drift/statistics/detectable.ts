import type { SampleSizes } from './counts.ts';
import { chiSquareUpperQuantile } from './gamma.ts';
import { exceedanceP, outOfRangeP } from './hypergeometric.ts';
import { kolmogorovCritical } from './kolmogorov.ts';
import { compareShares } from './proportions.ts';

/**
 * The minimum detectable effects: the smallest observed effect that a check would call significant at level alpha and these (effective)
 * sizes. A true change of that size is found about every second time, a larger one more often. null where no effect could be
 * significant. A check that found nothing is `stable` only if this is at most the effect that matters.
 */
type DetectableEffect = number | null;

/** Of D: critical value of Kolmogorov's limit times sqrt((n + m) / (n m)); 1.628 sqrt((n + m) / (n m)) at .01. */
export function detectableKs({ reference, current }: SampleSizes, alpha: number): DetectableEffect {
  return withinOne(kolmogorovCritical(alpha) * Math.sqrt(1 / reference + 1 / current));
}

/**
 * Of a change of a share from `share` in the reference, by compareShares itself. Looked for in the direction of one half, where more of
 * a change is needed.
 */
export function detectableShareChange(share: number, sizes: SampleSizes, alpha: number): DetectableEffect {
  const n = Math.round(sizes.reference);
  const m = Math.round(sizes.current);
  if (n < 1 || m < 1) return null;
  // A fall from a large share is a rise of what is left.
  const count = Math.round(Math.min(share, 1 - share) * n);
  const reference = { count, rows: n };
  const significant = (x: number): boolean => compareShares(reference, { count: x, rows: m }).p <= alpha;
  const least = smallest(Math.ceil((count / n) * m), m, significant);
  return least === null ? null : least / m - count / n;
}

/**
 * Of the total variation distance by chi-square with df degrees of freedom, whatever the shape of the change: a distance d brings chi-square
 * at least 4 d^2 n m / (n + m) above its mean df (Cauchy & Schwarz), so sqrt((critical - df) (1/n + 1/m) / 4) is enough.
 */
export function detectableTvd(
  df: number,
  { reference, current }: SampleSizes,
  alpha: number,
): DetectableEffect {
  if (df < 1) return null;
  const above = chiSquareUpperQuantile(alpha, df) - df;
  return withinOne(Math.sqrt((Math.max(0, above) * (1 / reference + 1 / current)) / 4));
}

/** Of the share of current rows that are unseen (by exceedanceP), or outside of the range (sides 2, by outOfRangeP). */
export function detectableExceedance(sizes: SampleSizes, alpha: number, sides: 1 | 2): DetectableEffect {
  const reference = Math.round(sizes.reference);
  const current = Math.round(sizes.current);
  if (reference < 1 || current < 1) return null;
  const chance = sides === 1 ? exceedanceP : outOfRangeP;
  const least = smallest(1, current, (x) => chance(x, { reference, current }) <= alpha);
  return least === null ? null : least / current;
}

function withinOne(effect: number): DetectableEffect {
  return effect <= 1 ? effect : null;
}

/** The smallest whole number from low to high with the property, which all larger ones are taken to have; null if high has it not. */
function smallest(low: number, high: number, property: (x: number) => boolean): number | null {
  if (low > high || !property(high)) return null;
  let without = low - 1;
  let within = high;
  while (within - without > 1) {
    const middle = Math.floor((without + within) / 2);
    if (property(middle)) within = middle;
    else without = middle;
  }
  return within;
}
