import { type Distribution, quantileOf, shareBelow, shareUpTo } from './distribution.ts';
import type { Ecdf, Histogram } from './report.ts';

const MOST_BINS = 40;
const LEAST_BINS = 5;
/** Values beyond these shares go to the outer bins, so that one outlier does not leave all others in one. */
const TAIL = 0.005;

/** Both histograms over the same bins; null where a side has no values. */
export function histogramOf(reference: Distribution, current: Distribution): Histogram | null {
  if (reference.rows === 0 || current.rows === 0) return null;
  const edges = edgesOf(reference, current);
  return { edges, reference: binShares(reference, edges), current: binShares(current, edges) };
}

function edgesOf(reference: Distribution, current: Distribution): number[] {
  const { low, high } = rangeOf(reference, current);
  if (!(high > low)) return aroundOne(low);
  const wholes = Math.ceil(high) - Math.floor(low) + 1;
  if (isWhole(reference) && isWhole(current) && wholes <= MOST_BINS) {
    return Array.from({ length: wholes + 1 }, (_, bin) => Math.floor(low) + bin - 0.5);
  }
  const rows = Math.min(reference.rows, current.rows);
  // Rice's rule.
  const bins = Math.min(MOST_BINS, Math.max(LEAST_BINS, Math.ceil(2 * Math.cbrt(rows))));
  const edges = Array.from({ length: bins + 1 }, (_, edge) => between(low, high, edge / bins));
  return edges.filter((edge, index) => index === 0 || edge > (edges[index - 1] as number));
}

/**
 * The range of both sides without their tails, but no further than one width of the reference beyond it: a few values in another unit would
 * leave all others in one bin. What lies beyond is in the outer bins, and where all of the current data does, the picture has to go there.
 */
function rangeOf(reference: Distribution, current: Distribution): { low: number; high: number } {
  const before = { low: quantileOf(reference, TAIL), high: quantileOf(reference, 1 - TAIL) };
  const after = { low: quantileOf(current, TAIL), high: quantileOf(current, 1 - TAIL) };
  const width = before.high - before.low;
  const isElsewhere =
    quantileOf(current, 0.5) > before.high + width || quantileOf(current, 0.5) < before.low - width;
  const reach = width > 0 && Number.isFinite(width) && !isElsewhere ? width : Infinity;
  return {
    low: Math.min(before.low, Math.max(after.low, before.low - reach)),
    high: Math.max(before.high, Math.min(after.high, before.high + reach)),
  };
}

/** One bin around a single value. */
function aroundOne(value: number): number[] {
  const reach = Math.max(0.5, Math.abs(value) * 1e-6);
  return [Math.max(-Number.MAX_VALUE, value - reach), Math.min(Number.MAX_VALUE, value + reach)];
}

/** Without overflow, whatever the distance. */
function between(low: number, high: number, part: number): number {
  return part === 0 ? low : part === 1 ? high : low * (1 - part) + high * part;
}

/** Whether values drawn from all over the distribution are whole numbers. */
function isWhole({ values }: Distribution): boolean {
  const step = Math.max(1, Math.floor(values.length / 1000));
  for (let at = 0; at < values.length; at += step) if (!Number.isInteger(values[at])) return false;
  return true;
}

/** As exactly as a picture can show it. */
function drawable(share: number): number {
  return Math.round(share * 1e6) / 1e6;
}

function binShares(distribution: Distribution, edges: readonly number[]): number[] {
  const inner = edges.slice(1, -1).map((edge) => shareBelow(distribution, edge));
  return [...inner, 1].map((share, bin) => drawable(Math.max(0, share - (inner[bin - 1] ?? 0))));
}

const QUANTILES_A_SIDE = 25;

/** Both distribution functions at quantiles of either side; null where a side has no values. */
export function ecdfOf(reference: Distribution, current: Distribution): Ecdf | null {
  if (reference.rows === 0 || current.rows === 0) return null;
  const points = new Set<number>();
  for (let step = 0; step < QUANTILES_A_SIDE; step += 1) {
    const share = step / (QUANTILES_A_SIDE - 1);
    // -0 and 0 are one point.
    points.add(quantileOf(reference, share) + 0);
    points.add(quantileOf(current, share) + 0);
  }
  const values = [...points].toSorted((x, y) => x - y);
  return {
    values,
    reference: values.map((value) => drawable(shareUpTo(reference, value))),
    current: values.map((value) => drawable(shareUpTo(current, value))),
  };
}
