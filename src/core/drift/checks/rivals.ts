import { type Distribution, shareOf } from '../distribution.ts';

/** Below this share of the pooled rows the rivals are not counted but bounded. */
const LEAST_SHARE = 1e-3;

/**
 * How many values (the given one among them) come at least half as often as a value with this share of the pooled rows.
 *
 * The most frequent value of a small sample is the luckiest one of so many, which is what its p value has to be multiplied by. Where a side
 * is a profile, or the share is tiny, the answer is the most that there can be, 2 / share.
 */
export function countRivals(share: number, reference: Distribution, current: Distribution): number {
  const bound = Math.max(1, Math.floor(2 / share));
  if (share < LEAST_SHARE || reference.error > 0 || current.error > 0) return bound;
  const total = reference.rows + current.rows;
  const needed = (share * total) / 2;
  // A value that is so frequent in the pool has half of it on one side, and cannot hide between places that far apart.
  const stride = Math.max(1, Math.floor(needed / 2));
  const candidates = new Set<number>();
  for (const { values } of [reference, current]) {
    for (let place = stride - 1; place < values.length; place += stride)
      candidates.add(values[place] as number);
  }
  let rivals = 0;
  for (const value of candidates) {
    const rows =
      shareOf(reference, value).most * reference.rows + shareOf(current, value).most * current.rows;
    if (rows >= needed * (1 - 1e-9)) rivals += 1;
  }
  return Math.min(bound, Math.max(1, rivals));
}
