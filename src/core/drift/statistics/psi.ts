import { checkSameLevels, sumOf, type Counts } from './counts.ts';
import { chiSquareUpperQuantile } from './gamma.ts';
import { quantileKnots } from './quantiles.ts';

export interface Psi {
  /** Sum of (c - r) ln(c / r) over the bins, in nats. */
  readonly psi: number;
  /** What PSI stays below in 95 % of comparisons without drift, at these sizes and this number of bins. */
  readonly null95: number;
  readonly bins: number;
}

/**
 * Population stability index of counts (bin by bin, equally long, whole numbers). A RangeError where a side is empty.
 *
 * Shares are smoothed, (n_i + 1/2) / (n + B/2), so that an empty bin costs what its sampling error allows and not infinity. Without drift
 * PSI / (1/n + 1/m) is about chi-square with B - 1 degrees of freedom (Yurdakul 2018), which gives `null95`: the usual cut-offs .1 and .25
 * mean something only above it.
 */
export function psi(reference: Counts, current: Counts): Psi {
  checkSameLevels(reference, current);
  const bins = reference.length;
  const n = sumOf(reference);
  const m = sumOf(current);
  if (n === 0 || m === 0) throw new RangeError('a stability index needs rows on both sides');
  let sum = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    const before = ((reference[bin] as number) + 0.5) / (n + 0.5 * bins);
    const after = ((current[bin] as number) + 0.5) / (m + 0.5 * bins);
    sum += (after - before) * Math.log(after / before);
  }
  const null95 = bins > 1 ? chiSquareUpperQuantile(0.05, bins - 1) * (1 / n + 1 / m) : 0;
  return { psi: sum, null95, bins };
}

/**
 * The upper edges of bins that hold about a tenth of the reference each: its deciles .1 to .9, values of the sample itself (type 1) without
 * repetitions, so fewer than nine where values repeat, and no bin is empty in the reference. Sorted reference, not empty.
 */
export function decileEdges(sortedReference: Float64Array): Float64Array {
  const edges: number[] = [];
  for (const edge of quantileKnots(sortedReference, 11).subarray(1, 10)) {
    if (edge !== edges.at(-1)) edges.push(edge);
  }
  // A bin above the maximum would hold no reference row; what exceeds it belongs to the last bin that does.
  if (edges.at(-1) === sortedReference.at(-1)) edges.pop();
  return Float64Array.from(edges);
}

/** How many of the sorted values lie in each bin: up to the first edge and at it, ... above the last edge. One more bin than edges. */
export function binCounts(sorted: Float64Array, edges: Float64Array): Float64Array {
  const counts = new Float64Array(edges.length + 1);
  let before = 0;
  for (let bin = 0; bin < edges.length; bin += 1) {
    const upTo = countUpTo(sorted, edges[bin] as number);
    counts[bin] = upTo - before;
    before = upTo;
  }
  counts[edges.length] = sorted.length - before;
  return counts;
}

/**
 * PSI of two sorted samples, not empty, over the deciles of the reference. Where all of them are its largest value, as in a constant reference,
 * there is one bin for that value and one for all others.
 */
export function psiOfSamples(reference: Float64Array, current: Float64Array): Psi {
  const edges = decileEdges(reference);
  if (edges.length === 0) {
    const split = (values: Float64Array): number[] => {
      const same = values.filter((value) => value === reference.at(-1)).length;
      return [same, values.length - same];
    };
    return psi(split(reference), split(current));
  }
  return psi(binCounts(reference, edges), binCounts(current, edges));
}

/** How many sorted values are at most `value`. */
function countUpTo(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
