import type { Distribution, ValueShare } from '../distribution.ts';
import { PROFILE_SIZES } from './profile.ts';

export interface FrequentValues {
  /** The most frequent first; of equally frequent ones the smallest. */
  readonly top: readonly ValueShare[];
  /** Share that a value which is not listed has at most. */
  readonly others: number;
}

interface Run {
  value: number;
  rows: number;
}

/** The values that come most often among the compared ones, each at least `minCount` times. Of values that all differ the smallest alone. */
export function frequentValues({ values, top }: Distribution, minCount: number): FrequentValues {
  const most: Run[] = [];
  const limit = PROFILE_SIZES.frequent + 1;
  for (let from = 0; from < values.length;) {
    let to = from + 1;
    while (to < values.length && values[to] === values[from]) to += 1;
    const rows = to - from;
    if (rows > (most.length < limit ? 0 : (most.at(-1)?.rows ?? 0)))
      insert(most, { value: values[from] as number, rows }, limit);
    from = to;
  }
  preferFirst(most, top[0]?.value);
  const listed = most
    .slice(0, PROFILE_SIZES.frequent)
    .filter(({ rows }, index) => rows >= Math.max(minCount, index === 0 ? 1 : 2));
  const next = most[listed.length];
  const share = (rows: number): number => rows / values.length;
  return {
    top: listed.map(({ value, rows }) => ({ value, share: share(rows) })),
    others: next === undefined ? 0 : share(next.rows),
  };
}

function insert(most: Run[], run: Run, limit: number): void {
  let at = most.length;
  while (at > 0 && (most[at - 1] as Run).rows < run.rows) at -= 1;
  most.splice(at, 0, run);
  if (most.length > limit) most.pop();
}

/** Of equally frequent values the one comes first that counting all rows found, where only a sample of them is kept. */
function preferFirst(most: Run[], value: number | undefined): void {
  const at = most.findIndex((run) => run.value === value);
  const run = most[at];
  if (run === undefined || run.rows !== most[0]?.rows) return;
  most.splice(at, 1);
  most.unshift(run);
}
