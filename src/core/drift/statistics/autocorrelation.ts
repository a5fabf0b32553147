import { sortedCopy } from './sorting.ts';

/** Below this lag-1 autocorrelation rows count as independent. */
const NOTICEABLE = 0.1;

export interface Dependence {
  /** Lag-1 autocorrelation of the ranks in row order, -1 to 1; 0 for constant or fewer than 3 values. */
  readonly r: number;
  /** Independent rows that the rows are worth: n (1 - r) / (1 + r) where r > .1, else n; at least 1 for a row or more. */
  readonly effectiveRows: number;
  /** Whether effectiveRows was corrected. */
  readonly dependent: boolean;
}

/**
 * How much each row says about the next, from values in row order (finite). Ranks, so that outliers do not hide or fake it; ties share
 * their middle rank. The correction is that of an autoregressive process of order 1.
 */
export function dependence(values: Float64Array): Dependence {
  const n = values.length;
  const r = rankAutocorrelation(values);
  if (!(r > NOTICEABLE)) return { r, effectiveRows: n, dependent: false };
  return { r, effectiveRows: Math.max(1, (n * (1 - r)) / (1 + r)), dependent: true };
}

/** sum (R_i - R)(R_(i+1) - R) / sum (R_i - R)^2 of the ranks R_i. */
function rankAutocorrelation(values: Float64Array): number {
  const n = values.length;
  if (n < 3) return 0;
  const ranks = centredRanks(values);
  let products = 0;
  let squares = (ranks[0] as number) ** 2;
  for (let row = 1; row < n; row += 1) {
    const rank = ranks[row] as number;
    products += rank * (ranks[row - 1] as number);
    squares += rank * rank;
  }
  return squares > 0 ? products / squares : 0;
}

/** Midranks less their mean, in row order. */
function centredRanks(values: Float64Array): Float64Array {
  const n = values.length;
  const sorted = sortedCopy(values);
  return values.map((value) => {
    const below = firstAt(sorted, value);
    return (below + firstAbove(sorted, value, below)) / 2 - n / 2;
  });
}

/** How many sorted values are below value. */
function firstAt(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many sorted values are at most value, looking from `from` on in doubling steps, as most values are rare. */
function firstAbove(sorted: Float64Array, value: number, from: number): number {
  let low = from;
  let step = 1;
  while (low + step < sorted.length && (sorted[low + step] as number) <= value) {
    low += step;
    step *= 2;
  }
  let high = Math.min(sorted.length, low + step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
