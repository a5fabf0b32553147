import { dependence, type Dependence } from './statistics/autocorrelation.ts';
import { median as medianOf, quantile } from './statistics/quantiles.ts';
import { isSorted, sortedCopy } from './statistics/sorting.ts';

/** The distribution of one side's finite values, as raw values or as the knots of a profile. */
export interface Distribution {
  /** Ascending, finite, without -0: the values themselves, or quantile knots at equal steps of share (type 1). */
  readonly values: Float64Array;
  /** How far the distribution function drawn through `values` may be from that of the rows: 0 unless `values` are knots. */
  readonly error: number;
  /** Values that were compared: what a test may call the sample's size. 0 where there are none. */
  readonly rows: number;
  /** Finite values in the whole data set; more than `rows` where a sample was taken. */
  readonly total: number;
  /** Independent rows that `rows` are worth, at most `rows`. */
  readonly effective: number;
  /** Lag-1 autocorrelation of ranks in row order; null where it is not known or says nothing. */
  readonly r: number | null;
  /** The rows lie in the order of this very column, so that neither `r` nor `effective` can be told from them. */
  readonly ordered: boolean;
  /** Over all rows; null where there are no values. */
  readonly min: number | null;
  readonly max: number | null;
  /** The most frequent values with their share of `total`, most frequent first; at least one where there are values. */
  readonly top: readonly ValueShare[];
  /** Of a profile: the largest share that a value which is not in `top` may have; the last one of `top` unless told. */
  readonly others?: number | undefined;
}

export interface ValueShare {
  readonly value: number;
  readonly share: number;
}

export interface RawValues {
  /** Finite, in any order. */
  readonly values: Float64Array;
  /** Values of neighbouring rows, in row order; `values` itself where all were kept. */
  readonly consecutive: Float64Array;
  readonly total: number;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly top?: ValueShare | undefined;
}

/** Rows that the dependence is measured on: r is known to 1 / sqrt of it, .014, and a ranking of them takes half a millisecond. */
const DEPENDENCE_ROWS = 5000;
const BLOCKS = 4;

/** @param raw of which `values` become those of the distribution where they are sorted already */
export function distributionOf(raw: RawValues): Distribution {
  const values = isSorted(raw.values) ? raw.values : sortedCopy(raw.values);
  joinZeros(values);
  const rows = values.length;
  const blocks = evenBlocks(raw.consecutive);
  const ordered = isOrdered(blocks);
  const measured = ordered ? null : dependence(blocks);
  return {
    values,
    error: 0,
    rows,
    total: raw.total,
    effective: effectiveRows(
      rows,
      raw.total,
      measured !== null && isDependent(measured, blocks.length) ? measured.r : 0,
    ),
    r: measured === null || blocks.length < 3 ? null : measured.r,
    ordered,
    min: raw.min ?? values[0] ?? null,
    max: raw.max ?? values[rows - 1] ?? null,
    top: raw.top === undefined ? mostFrequent(values) : [raw.top],
  };
}

/** r of independent rows is about 0 +- 1 / sqrt(rows): of few rows a larger one may be chance. */
function isDependent({ r, dependent }: Dependence, rows: number): boolean {
  return dependent && r > 2 / Math.sqrt(rows);
}

/** Parts from the start to the end of the rows, so that a file whose end is unlike its start is measured as a whole. */
function evenBlocks(values: Float64Array): Float64Array {
  if (values.length <= DEPENDENCE_ROWS) return values;
  const size = DEPENDENCE_ROWS / BLOCKS;
  const blocks = new Float64Array(DEPENDENCE_ROWS);
  for (let block = 0; block < BLOCKS; block += 1) {
    const from = Math.floor(((values.length - size) * block) / (BLOCKS - 1));
    blocks.set(values.subarray(from, from + size), block * size);
  }
  return blocks;
}

/** Fewer values may lie in order by chance. */
const ORDERED_FROM = 10;

/** Whether (nearly) every step between unequal neighbours goes the same way: a sorted file, or a counter. */
function isOrdered(values: Float64Array): boolean {
  let up = 0;
  let down = 0;
  for (let row = 1; row < values.length; row += 1) {
    const step = (values[row] as number) - (values[row - 1] as number);
    if (step > 0) up += 1;
    else if (step < 0) down += 1;
  }
  const steps = up + down;
  return values.length >= ORDERED_FROM && steps >= 2 && Math.min(up, down) <= steps / 1000;
}

/**
 * What `rows` of `total` dependent rows are worth: the variance of a mean over them is that of the whole series, total (1 - r) / (1 + r)
 * independent rows, and what drawing a part of it adds.
 */
function effectiveRows(rows: number, total: number, r: number): number {
  if (rows === 0 || r <= 0) return rows;
  const series = Math.max(1, (total * (1 - r)) / (1 + r));
  const drawn = 1 / rows - 1 / Math.max(rows, total);
  return Math.min(rows, Math.max(1, 1 / (1 / series + drawn)));
}

/** Radix order puts -0 before 0; comparisons by === need no more, but JSON and people see one zero. */
function joinZeros(sorted: Float64Array): void {
  for (let at = countUpTo(sorted, -Number.MIN_VALUE); at < sorted.length && sorted[at] === 0; at += 1) {
    if (!Object.is(sorted[at], -0)) return;
    sorted[at] = 0;
  }
}

function mostFrequent(sorted: Float64Array): ValueShare[] {
  let best = 0;
  let value = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to += 1;
    if (to - from > best) {
      best = to - from;
      value = sorted[from] as number;
    }
    from = to;
  }
  return best === 0 ? [] : [{ value, share: best / sorted.length }];
}

/** How many sorted values are at most `value`. */
export function countUpTo(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many sorted values are below `value`. */
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

/** Share of the values at or below `value`, within `error`. */
export function shareUpTo({ values, error, min, max }: Distribution, value: number): number {
  if (error === 0) return values.length === 0 ? 0 : countUpTo(values, value) / values.length;
  if (min === null || max === null || value < min) return 0;
  if (value >= max) return 1;
  return Math.max(0, (countUpTo(values, value) - 1) / (values.length - 1));
}

/** Share of the values below `value`, within `error`. */
export function shareBelow({ values, error, min, max }: Distribution, value: number): number {
  if (error === 0) return values.length === 0 ? 0 : countBelow(values, value) / values.length;
  if (min === null || max === null || value <= min) return 0;
  if (value > max) return 1;
  return Math.max(0, (countBelow(values, value) - 1) / (values.length - 1));
}

/** The least and the largest share that one value may have: the same number where the values themselves are known. */
export function shareOf(distribution: Distribution, value: number): { least: number; most: number } {
  const { values, error, top, others, min, max } = distribution;
  if (error === 0) {
    const share =
      values.length === 0 ? 0 : (countUpTo(values, value) - countBelow(values, value)) / values.length;
    return { least: share, most: share };
  }
  const listed = top.find((entry) => entry.value === value);
  if (listed !== undefined) return { least: listed.share, most: listed.share };
  if (min === null || max === null || value < min || value > max) return { least: 0, most: 0 };
  // Whatever is not listed is at most as frequent as the last that is.
  return { least: 0, most: others ?? top.at(-1)?.share ?? 1 };
}

/**
 * Between what the first and the last value lie: of a profile, whose ends may lie further out to hide single rows, between its ends and the knots
 * next to them. There must be values.
 */
export function endsOf({ values, error }: Distribution): {
  first: { least: number; most: number };
  last: { least: number; most: number };
} {
  const end = values.length - 1;
  const inner = error > 0 ? 1 : 0;
  return {
    first: { least: values[0] as number, most: values[inner] as number },
    last: { least: values[end - inner] as number, most: values[end] as number },
  };
}

/** null where there are no values. */
export function medianValue({ values, rows }: Distribution): number | null {
  return rows === 0 ? null : medianOf(values);
}

/** Quantile at share p; the distribution must have values. */
export function quantileOf({ values }: Distribution, p: number): number {
  return quantile(values, p);
}

/** Whether all values are one and the same. */
export function isConstant({ min, max, rows }: Distribution): boolean {
  return rows > 0 && min === max;
}
