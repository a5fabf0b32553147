import type { CategoricalSummary } from '../summary.ts';
import { PROFILE_SIZES } from './profile.ts';

/**
 * The levels of all shards. A level that one shard lists and another may have pooled joins the pool, so that every listed count is exact. How many
 * different levels pools have in common can't be known: then `distinct` is a lower bound.
 */
export function mergeLevels(
  shards: readonly CategoricalSummary[],
): Pick<CategoricalSummary, 'counts' | 'distinct' | 'distinctExact' | 'pooled'> {
  const listed = new Map<string, { rows: number; shards: number }>();
  for (const { counts } of shards) {
    for (const [label, rows] of counts) {
      const known = listed.get(label) ?? { rows: 0, shards: 0 };
      listed.set(label, { rows: known.rows + rows, shards: known.shards + 1 });
    }
  }
  const pools = shards.filter(({ pooled }) => pooled.levels > 0);
  const kept: [string, number][] = [];
  let pooledRows = pools.reduce((sum, { pooled }) => sum + pooled.rows, 0);
  let joined = 0;
  for (const [label, { rows }] of listed) {
    // Whoever pooled levels must list this one, or may have it in the pool.
    if (pools.every(({ counts }) => counts.has(label))) kept.push([label, rows]);
    else {
      pooledRows += rows;
      joined += 1;
    }
  }
  kept.sort(([x, before], [y, after]) => after - before || (x < y ? -1 : 1));
  for (const [, rows] of kept.splice(PROFILE_SIZES.levels)) {
    pooledRows += rows;
    joined += 1;
  }
  const largestPool = Math.max(0, ...pools.map(({ pooled }) => pooled.levels));
  const pooledLevels = pooledRows === 0 ? 0 : Math.max(joined, largestPool);
  const distinct = kept.length + pooledLevels;
  return {
    counts: new Map(kept.toSorted(([x], [y]) => (x < y ? -1 : 1))),
    distinct: Math.max(distinct, ...shards.map((shard) => shard.distinct)),
    distinctExact: pools.length === 0 && shards.every(({ distinctExact }) => distinctExact),
    pooled: { levels: pooledLevels, rows: pooledRows },
  };
}
