import { sortedCopy } from '../statistics/sorting.ts';
import type { SharedColumn } from './columns.ts';

/** A column as a tree sees it. */
export interface BinnedColumn {
  readonly name: string;
  /** The bin of each row, those of the reference first; bin 0 for missing values. */
  readonly bins: Uint8Array;
  /** Bins that there are, at most 64. */
  readonly count: number;
  /** Whether neighbouring bins hold neighbouring values; levels have no order. */
  readonly ordered: boolean;
}

const NUMBER_BINS = 32;
const LEVEL_BINS = 63;

/** Numbers by quantiles of both sides together, levels by themselves if they are among the 62 most frequent of both sides. */
export function binColumn(column: SharedColumn): BinnedColumn {
  return column.kind === 'numbers' ? binNumbers(column) : binLevels(column);
}

function binNumbers({ name, reference, current }: Extract<SharedColumn, { kind: 'numbers' }>): BinnedColumn {
  const pooled = new Float64Array(reference.length + current.length);
  pooled.set(reference);
  pooled.set(current, reference.length);
  const sorted = sortedCopy(pooled.filter((value) => !Number.isNaN(value)));
  const edges: number[] = [];
  for (let bin = 1; bin < NUMBER_BINS; bin += 1) {
    const edge = sorted[Math.floor((sorted.length * bin) / NUMBER_BINS)];
    if (edge !== undefined && edge !== edges.at(-1)) edges.push(edge);
  }
  return {
    name,
    bins: Uint8Array.from(pooled, (value) => (Number.isNaN(value) ? 0 : 1 + edgesUpTo(edges, value))),
    count: edges.length + 2,
    ordered: true,
  };
}

function edgesUpTo(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function binLevels({ name, reference, current }: Extract<SharedColumn, { kind: 'levels' }>): BinnedColumn {
  const pooled = [...reference, ...current];
  const counts = new Map<string, number>();
  for (const level of pooled) if (level !== null) counts.set(level, (counts.get(level) ?? 0) + 1);
  const frequent = [...counts]
    .toSorted(([v, x], [w, y]) => y - x || (v < w ? -1 : 1))
    .slice(0, LEVEL_BINS - 1);
  const places = new Map(frequent.map(([level], place) => [level, place + 1]));
  const others = frequent.length + 1;
  return {
    name,
    bins: Uint8Array.from(pooled, (level) => (level === null ? 0 : (places.get(level) ?? others))),
    count: others + 1,
    ordered: false,
  };
}
