import { hypergeometricPmf, type Hypergeometric } from './hypergeometric.ts';

/** A 2 x 2 table as shares are compared: `count` of `rows` in each of two data sets. Whole numbers, 0 <= count <= rows. */
export interface Share {
  readonly count: number;
  readonly rows: number;
}

/** Outcomes whose probability is within this factor of the observed one count as equally likely, as in R. */
const RELATIVE_SLACK = 1 + 1e-7;

/**
 * Two-sided p of Fisher's exact test for two shares: the probability, with both margins fixed, of all tables that are at most as likely
 * as the observed one (the rule of R's fisher.test and scipy's fisher_exact).
 *
 * Takes time proportional to the standard deviation of the count, not to the rows: both tails are summed from their inner ends by the
 * ratio of neighbours until nothing is added. Relative accuracy about 1e-12.
 */
export function fisherExact(reference: Share, current: Share): number {
  const table: Hypergeometric = {
    total: reference.rows + current.rows,
    marked: reference.count + current.count,
    draws: reference.rows,
  };
  const { total, marked, draws } = table;
  const lowest = Math.max(0, draws - (total - marked));
  const highest = Math.min(marked, draws);
  if (lowest === highest) return 1;
  const observed = reference.count;
  const limit = hypergeometricPmf(observed, table) * RELATIVE_SLACK;
  const mode = Math.min(highest, Math.max(lowest, Math.floor(((marked + 1) * (draws + 1)) / (total + 2))));
  // The probability rises up to the mode and falls after it, so on either side the likely outcomes are the inner ones.
  const lowerEnd = lastUnlikely(lowest - 1, mode, (x) => hypergeometricPmf(x, table) <= limit);
  const upperEnd = lastUnlikely(highest + 1, mode, (x) => hypergeometricPmf(x, table) <= limit);
  if (lowerEnd >= upperEnd) return 1;
  const p = tailSum(lowerEnd, -1, table) + tailSum(upperEnd, 1, table);
  return Math.min(1, p);
}

/** From `outside`, which counts as unlikely, towards the mode: the innermost outcome that is still unlikely. */
function lastUnlikely(outside: number, mode: number, unlikely: (x: number) => boolean): number {
  if (unlikely(mode)) return mode;
  let without = outside;
  let within = mode;
  while (Math.abs(within - without) > 1) {
    const middle = without + Math.trunc((within - without) / 2);
    if (unlikely(middle)) without = middle;
    else within = middle;
  }
  return without;
}

/** Sum of the probabilities of from, from + step, from + 2 step ... */
function tailSum(from: number, step: 1 | -1, table: Hypergeometric): number {
  const { total, marked, draws } = table;
  let term = hypergeometricPmf(from, table);
  let sum = 0;
  for (let x = from; term > sum * 1e-18 && term > 0; x += step) {
    sum += term;
    term *=
      step === 1
        ? ((marked - x) * (draws - x)) / ((x + 1) * (total - marked - draws + x + 1))
        : (x * (total - marked - draws + x)) / ((marked - x + 1) * (draws - x + 1));
  }
  return sum;
}
