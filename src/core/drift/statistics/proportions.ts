import type { SampleSizes } from './counts.ts';
import { fisherExact, type Share } from './fisher.ts';
import { normalTwoSided } from './normal.ts';

export interface ShareComparison {
  /** Share of the current rows less share of the reference rows, -1 to 1. */
  readonly difference: number;
  /** Two-sided. */
  readonly p: number;
  readonly method: 'fisher' | 'z';
}

/**
 * From this standard deviation of the reference count (both margins fixed) on, the z test takes over from Fisher's: there the steps of
 * the exact distribution are less than 1e-4 of its width, and z differs from it by less than that near p = .01.
 */
const LARGEST_EXACT_DEVIATION = 10_000;

/**
 * Whether two shares differ: Fisher's exact test, or the pooled z test where the counts are so large (see above) that it is the same.
 *
 * With `effective` sizes smaller than the rows, both counts are scaled to them and rounded, as dependent rows say less.
 * Where a side has no rows, p is 1 and the difference 0.
 */
export function compareShares(reference: Share, current: Share, effective?: SampleSizes): ShareComparison {
  if (reference.rows === 0 || current.rows === 0) return { difference: 0, p: 1, method: 'fisher' };
  const difference = current.count / current.rows - reference.count / reference.rows;
  const before = scaled(reference, effective?.reference);
  const after = scaled(current, effective?.current);
  const total = before.rows + after.rows;
  const share = (before.count + after.count) / total;
  const deviation = Math.sqrt((share * (1 - share) * before.rows * after.rows) / total);
  if (deviation <= LARGEST_EXACT_DEVIATION)
    return { difference, p: fisherExact(before, after), method: 'fisher' };
  return { difference, p: zTest(before, after), method: 'z' };
}

/** Two-sided p of the pooled z test for two shares, without continuity correction; 1 where all rows, or none, are counted. */
export function zTest(reference: Share, current: Share): number {
  const total = reference.rows + current.rows;
  const share = (reference.count + current.count) / total;
  const variance = share * (1 - share) * (1 / reference.rows + 1 / current.rows);
  if (!(variance > 0)) return 1;
  return normalTwoSided(
    (current.count / current.rows - reference.count / reference.rows) / Math.sqrt(variance),
  );
}

function scaled(share: Share, effectiveRows: number | undefined): Share {
  if (effectiveRows === undefined || effectiveRows >= share.rows) return share;
  const rows = Math.max(1, Math.round(effectiveRows));
  return { rows, count: Math.round((share.count / share.rows) * rows) };
}
