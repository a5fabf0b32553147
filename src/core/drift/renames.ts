import { compareCharacters } from './checks/texts.ts';
import type { Distribution } from './distribution.ts';
import { alignLevels } from './levels.ts';
import type { Rename } from './report.ts';
import { sumOf } from './statistics/counts.ts';
import { totalVariation } from './statistics/distances.ts';
import { ksDistance } from './statistics/ks.ts';
import { quantileKnots } from './statistics/quantiles.ts';
import { type CategoricalSummary, type ColumnSummary, hasLevels } from './summary.ts';
import { effectText } from './text-of.ts';

/** Columns of one side that the other one lacks, of which so many are kept for comparison. */
export const MOST_CANDIDATES = 50;
const KNOTS = 1001;
const MOST_LEVELS = 1000;
/** Up to this distance two columns hold the same values. */
const ALIKE = 0.05;

/** What is kept of a column that the other side lacks: little, as many may be kept at a time. */
export interface Candidate {
  readonly name: string;
  readonly summary: ColumnSummary;
}

export function candidateOf(summary: ColumnSummary): Candidate {
  const { name } = summary;
  if (hasLevels(summary)) return { name, summary: fewerLevels(summary) };
  return { name, summary: { ...summary, distribution: fewerValues(summary.distribution) } };
}

function fewerValues(distribution: Distribution): Distribution {
  const { values } = distribution;
  return values.length <= KNOTS ? distribution : { ...distribution, values: quantileKnots(values, KNOTS) };
}

function fewerLevels(summary: CategoricalSummary): CategoricalSummary {
  const { counts, pooled } = summary;
  if (counts.size <= MOST_LEVELS) return summary;
  const kept = [...counts].toSorted(([, x], [, y]) => y - x).slice(0, MOST_LEVELS);
  const keptRows = kept.reduce((sum, [, count]) => sum + count, 0);
  const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const levels = counts.size - kept.length + pooled.levels;
  return { ...summary, counts: new Map(kept), pooled: { levels, rows: pooled.rows + rows - keptRows } };
}

/**
 * Missing and added columns that look like one and the same: their names differ in case or punctuation only, or their type is the same and their values
 * are alike. Each column is named once, the nearest pairs first.
 */
export function findRenames(missing: readonly Candidate[], added: readonly Candidate[]): Rename[] {
  const pairs = missing
    .flatMap((from) => added.flatMap((to) => pairOf(from, to)))
    .toSorted((x, y) => x.distance - y.distance);
  const used = { from: new Set<string>(), to: new Set<string>() };
  return pairs.flatMap(({ from, to, reason }) => {
    if (used.from.has(from) || used.to.has(to)) return [];
    used.from.add(from);
    used.to.add(to);
    return [{ from, to, reason }];
  });
}

function pairOf(from: Candidate, to: Candidate): (Rename & { distance: number })[] {
  const pair = { from: from.name, to: to.name };
  const distance = distanceOf(from.summary, to.summary);
  if (plain(from.name) === plain(to.name) && plain(from.name) !== '') {
    return [
      {
        ...pair,
        distance: (distance?.value ?? 1) - 1,
        reason: 'the names differ in case or punctuation only',
      },
    ];
  }
  if (distance === null || distance.value >= ALIKE) return [];
  const reason = `of the same type, and the values are alike (${distance.kind}=${effectText(distance.value)})`;
  return [{ ...pair, distance: distance.value, reason }];
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[\p{P}\p{Z}\p{S}]/gu, '');
}

/** null where the types differ or a side has no values. */
function distanceOf(from: ColumnSummary, to: ColumnSummary): { kind: string; value: number } | null {
  if (from.type !== to.type) return null;
  if (hasLevels(from) && hasLevels(to)) {
    // The name of the column goes into the hashes of its levels.
    if (from.hasher !== undefined || to.hasher !== undefined) return null;
    const levels = alignLevels(from, to);
    if (sumOf(levels.reference) === 0 || sumOf(levels.current) === 0) return null;
    return { kind: 'TVD', value: totalVariation(levels.reference, levels.current) };
  }
  if (hasLevels(from) || hasLevels(to)) return null;
  if (from.distribution.rows === 0 || to.distribution.rows === 0) return null;
  const { d } = ksDistance(from.distribution.values, to.distribution.values);
  if (from.type === 'text' && to.type === 'text') {
    return { kind: 'D', value: Math.max(d, compareCharacters(from.classShares, to.classShares)) };
  }
  return { kind: 'D', value: d };
}
