import { checkSameLevels, sumOf, type Counts } from './counts.ts';
import { deviance } from './gamma.ts';

/**
 * Distances between two sets of shares over the same levels. Arguments are counts or shares, level by level, equally long, not negative;
 * each side is divided by its sum. A RangeError where lengths differ or a side sums to 0.
 */
type Levels = Counts;

/** Total variation distance: half the sum of |p - q|, 0 to 1. */
export function totalVariation(reference: Levels, current: Levels): number {
  let sum = 0;
  eachShare(reference, current, (p, q) => {
    sum += Math.abs(p - q);
  });
  return Math.min(1, sum / 2);
}

/** Hellinger distance: sqrt(sum (sqrt p - sqrt q)^2) / sqrt 2, 0 to 1. */
export function hellinger(reference: Levels, current: Levels): number {
  let sum = 0;
  eachShare(reference, current, (p, q) => {
    sum += (Math.sqrt(p) - Math.sqrt(q)) ** 2;
  });
  return Math.min(1, Math.sqrt(sum / 2));
}

/** Kullback-Leibler divergence of the current shares from the reference's, sum p ln(p / q), in nats. Infinity where q is 0 and p is not. */
export function kullbackLeibler(reference: Levels, current: Levels): number {
  let sum = 0;
  eachShare(reference, current, (p, q) => {
    sum += divergence(p, q);
  });
  return sum;
}

export interface JensenShannon {
  /** Square root of the divergence in bits, 0 to 1 (scipy's jensenshannon with base=2). */
  readonly base2: number;
  /** Square root of the divergence in nats, 0 to sqrt(ln 2) = .8326 (scipy's default). */
  readonly nat: number;
}

/** Jensen-Shannon distance: the root of the mean divergence of both sides from their average. */
export function jensenShannon(reference: Levels, current: Levels): JensenShannon {
  let sum = 0;
  eachShare(reference, current, (p, q) => {
    const middle = (p + q) / 2;
    sum += divergence(p, middle) + divergence(q, middle);
  });
  return { base2: Math.min(1, Math.sqrt(sum / 2 / Math.LN2)), nat: Math.sqrt(sum / 2) };
}

/** p ln(p / q) + q - p: as both sides add up to 1, its sum is that of p ln(p / q), without cancellation between near shares. */
function divergence(p: number, q: number): number {
  if (p === 0) return q;
  return q === 0 ? Infinity : deviance(p, q);
}

function eachShare(reference: Levels, current: Levels, visit: (p: number, q: number) => void): void {
  checkSameLevels(reference, current);
  const n = sumOf(reference);
  const m = sumOf(current);
  if (!(n > 0 && m > 0)) throw new RangeError('shares need a sum above 0 on both sides');
  for (let level = 0; level < reference.length; level += 1) {
    visit((reference[level] as number) / n, (current[level] as number) / m);
  }
}
