import type { CategoricalSummary } from './summary.ts';

/** Rows of the same levels on both sides, level by level. */
export interface AlignedLevels {
  /** null for all rows of levels that a side did not count one by one, which is always the last one. */
  readonly labels: readonly (string | null)[];
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/**
 * The levels of both sides in one order: those of the reference in its order, then those that only the current data has.
 *
 * A level that one side lists and the other does not may be among the levels that the other one pooled. It is then counted with the pools of
 * both sides, so that every distance is at most that of the rows.
 */
export function alignLevels(reference: CategoricalSummary, current: CategoricalSummary): AlignedLevels {
  const labels: (string | null)[] = [];
  const before: number[] = [];
  const after: number[] = [];
  const others = { reference: reference.pooled.rows, current: current.pooled.rows };
  for (const [label, count] of reference.counts) {
    const now = current.counts.get(label);
    if (now === undefined && current.pooled.levels > 0) {
      others.reference += count;
    } else {
      labels.push(label);
      before.push(count);
      after.push(now ?? 0);
    }
  }
  for (const [label, count] of current.counts) {
    if (reference.counts.has(label)) continue;
    if (reference.pooled.levels > 0) {
      others.current += count;
    } else {
      labels.push(label);
      before.push(0);
      after.push(count);
    }
  }
  if (others.reference + others.current > 0) {
    labels.push(null);
    before.push(others.reference);
    after.push(others.current);
  }
  return { labels, reference: Float64Array.from(before), current: Float64Array.from(after) };
}
