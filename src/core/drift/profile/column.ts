import type { Distribution } from '../distribution.ts';
import type {
  CategoricalSummary,
  ColumnSummary,
  NumericSummary,
  PinnedColumn,
  TextSummary,
} from '../summary.ts';
import { frequentValues } from './frequent.ts';
import { shortKnots } from './knots.ts';
import type { LevelHasher } from './level-hash.ts';
import { PROFILE_SIZES, type ProfileColumn } from './profile.ts';

export interface ColumnOptions {
  /** Hides what fewer rows have; 1 hides nothing. */
  readonly minCount: number;
  /** Undefined: levels are written as they are. */
  readonly hasher: LevelHasher | undefined;
}

/** What a profile keeps of a column whose rows were summarised. */
export function profileColumn(
  summary: ColumnSummary,
  { pin, pinned }: { pin: PinnedColumn; pinned: boolean },
  options: ColumnOptions,
): ProfileColumn {
  const common = { name: pin.name, pin, pinned, skipped: undefined, characters: 0 };
  switch (summary.type) {
    case 'numeric':
    case 'datetime':
      return { ...common, summary: withKnots(summary, options) };
    case 'categorical':
    case 'boolean':
      return { ...common, summary: withFewLevels(summary, options) };
    case 'text':
      return {
        ...common,
        summary: withKnots(summary, options),
        characters: sumOf(summary.distribution.values),
      };
  }
}

function withKnots<S extends NumericSummary | TextSummary>(summary: S, { minCount }: ColumnOptions): S {
  return { ...summary, unparsableExamples: [], distribution: withoutRows(summary.distribution, minCount) };
}

function withoutRows(distribution: Distribution, minCount: number): Distribution {
  const { values, min, max } = distribution;
  if (values.length === 0 || min === null || max === null)
    return { ...distribution, values: new Float64Array(0), top: [] };
  const { knots, error } = shortKnots(values, { minCount, ends: { min, max } });
  return {
    ...distribution,
    ...frequentValues(distribution, minCount),
    values: knots,
    error,
    min: knots[0] as number,
    max: knots.at(-1) as number,
  };
}

/**
 * The most frequent levels, sorted by name; the others are pooled: those beyond the limit, too long ones, and those of fewer than `minCount` rows,
 * with as many more as the pool needs to have `minCount` rows itself.
 */
function withFewLevels(summary: CategoricalSummary, { minCount, hasher }: ColumnOptions): CategoricalSummary {
  const { name, type, counts } = summary;
  const ranked = [...counts].toSorted(([x, before], [y, after]) => after - before || (x < y ? -1 : 1));
  const isShown = ([label, rows]: [string, number]): boolean =>
    rows >= minCount && label.length <= PROFILE_SIZES.levelLength;
  const shown = ranked.filter(isShown);
  const kept = shown.slice(0, PROFILE_SIZES.levels);
  const hidden = [...ranked.filter((entry) => !isShown(entry)), ...shown.slice(kept.length)];
  const pool = { ...summary.pooled };
  const join = (rows: number): void => {
    pool.levels += 1;
    pool.rows += rows;
  };
  for (const [, rows] of hidden) join(rows);
  while (pool.rows > 0 && pool.rows < minCount && kept.length > 0) join(kept.pop()?.[1] ?? 0);
  const named = kept.map(([label, count]): [string, number] => [
    hasher === undefined || type === 'boolean' ? label : hasher.hash(name, label),
    count,
  ]);
  return {
    ...summary,
    unparsableExamples: [],
    counts: new Map(named.toSorted(([x], [y]) => (x < y ? -1 : 1))),
    pooled: pool,
    ...(hasher === undefined || type === 'boolean' ? {} : { hasher }),
  };
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
