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
  const low = Math.min(quantileOf(reference, TAIL), quantileOf(current, TAIL));
  const high = Math.max(quantileOf(reference, 1 - TAIL), quantileOf(current, 1 - TAIL));
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
