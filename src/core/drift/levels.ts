import type { CategoricalSummary } from './summary.ts';

/** Rows of the same levels on both sides, level by level. */
export interface AlignedLevels {
  /** null for all rows of levels that a side did not count one by one, which is always the last one. */
  readonly labels: readonly (string | null)[];
  readonly reference: Float64Array;
  readonly current: Float64Array;
  /** How many levels there may be behind that last one; 0 where every level was counted. */
  readonly hidden: number;
}

/** Two sides whose levels are written the same way. */
export interface ComparableLevels {
  readonly reference: CategoricalSummary;
  readonly current: CategoricalSummary;
  /** A level as people know it: of hashed levels those that one side has in plain are shown so. */
  readonly shown: (level: string) => string;
}

/** Both sides with hashed levels where one of them hashed its own; undefined where they hashed them differently. */
export function comparableLevels(
  reference: CategoricalSummary,
  current: CategoricalSummary,
): ComparableLevels | undefined {
  const before = reference.hasher;
  const after = current.hasher;
  if (before === undefined && after === undefined) return { reference, current, shown: (level) => level };
  if (before !== undefined && after !== undefined) {
    const isSame = before.scheme.scheme === after.scheme.scheme && before.scheme.key === after.scheme.key;
    return isSame ? { reference, current, shown: (level) => level } : undefined;
  }
  const plain = new Map<string, string>();
  const hashed = (summary: CategoricalSummary): CategoricalSummary => {
    if (summary.hasher !== undefined) return summary;
    const hasher = before ?? after;
    const counts = new Map<string, number>();
    for (const [label, count] of summary.counts) {
      const hash = hasher?.hash(summary.name, label) ?? label;
      plain.set(hash, label);
      counts.set(hash, count);
    }
    return { ...summary, counts };
  };
  return {
    reference: hashed(reference),
    current: hashed(current),
    shown: (level) => plain.get(level) ?? level,
  };
}

/**
 * The levels of both sides, sorted by name: the order in which they were counted, which may be another one in each run, decides nothing.
 *
 * A level that one side lists and the other does not may be among the levels that the other one pooled. It is then counted with the pools of
 * both sides, so that every distance is at most that of the rows.
 */
export function alignLevels(reference: CategoricalSummary, current: CategoricalSummary): AlignedLevels {
  const added = [...current.counts.keys()].filter((label) => !reference.counts.has(label));
  const labels: (string | null)[] = [];
  const before: number[] = [];
  const after: number[] = [];
  const others = { reference: reference.pooled.rows, current: current.pooled.rows };
  let hidden = reference.pooled.levels + current.pooled.levels;
  for (const label of [...reference.counts.keys(), ...added].toSorted()) {
    const inReference = reference.counts.get(label);
    const inCurrent = current.counts.get(label);
    const isUnsure =
      (inReference === undefined && reference.pooled.levels > 0) ||
      (inCurrent === undefined && current.pooled.levels > 0);
    if (isUnsure) {
      others.reference += inReference ?? 0;
      others.current += inCurrent ?? 0;
      hidden += 1;
    } else {
      labels.push(label);
      before.push(inReference ?? 0);
      after.push(inCurrent ?? 0);
    }
  }
  if (others.reference + others.current > 0) {
    labels.push(null);
    before.push(others.reference);
    after.push(others.current);
  }
  return { labels, reference: Float64Array.from(before), current: Float64Array.from(after), hidden };
}
