import type { Limits } from '../policy/limits.ts';
import type { ComparableLevels } from '../levels.ts';
import type { CategoricalSummary } from '../summary.ts';
import type { SampleSizes } from '../statistics/counts.ts';
import { detectableExceedance } from '../statistics/detectable.ts';
import { exceedanceP } from '../statistics/hypergeometric.ts';
import { percent, quoted } from '../text-of.ts';
import { presentCells } from '../summary.ts';
import { type Finding, untested, withEnoughRows } from './finding.ts';

export interface UnseenRule {
  readonly alpha: number;
  readonly limits: Limits;
}

/**
 * Rows of levels that the reference does not have. A column of many rare levels has such rows without any drift, so the effect is their
 * share less the share that chance leads to expect, and p is that of at least so many rows.
 *
 * undefined where there are none: nothing was to be tested.
 */
export function compareUnseen(
  { reference, current, shown }: ComparableLevels,
  { alpha, limits }: UnseenRule,
): Finding | undefined {
  const sizes = { reference: presentCells(reference), current: presentCells(current) };
  const unseen = unseenLevels(reference, current);
  if (unseen.rows === 0 || sizes.reference === 0) return undefined;
  if (reference.pooled.levels > 0) {
    const reason = `the reference has ${reference.pooled.levels} more levels than it lists, so that none can be called unseen`;
    return { ...untested('unseen-categories', 'exceedance', reason), untold: true };
  }
  const chance = chanceOf(unseen.rows, { reference, current, sizes });
  const share = unseen.rows / sizes.current;
  const finding: Finding = {
    check: 'unseen-categories',
    test: 'exceedance',
    statistic: unseen.rows,
    p: chance.p,
    effects: [{ kind: 'share', value: Math.max(0, share - chance.expected / sizes.current), limits }],
    detectable: detectableExceedance(sizes, alpha, 1),
    detail: describe(
      { ...unseen, first: shown(unseen.first) },
      { share, expected: chance.expected / sizes.current },
    ),
    reason: null,
  };
  return withEnoughRows(finding, sizes);
}

interface Unseen {
  levels: number;
  rows: number;
  /** The most frequent of them. */
  first: string;
}

function unseenLevels(reference: CategoricalSummary, current: CategoricalSummary): Unseen {
  const unseen = { levels: 0, rows: 0, first: '' };
  let most = 0;
  for (const [label, count] of current.counts) {
    if (reference.counts.has(label)) continue;
    unseen.levels += 1;
    unseen.rows += count;
    if (count > most || (count === most && label < unseen.first)) {
      most = count;
      unseen.first = label;
    }
  }
  return unseen;
}

function describe(
  { levels, rows, first }: Unseen,
  { share, expected }: { share: number; expected: number },
): string {
  const what =
    levels === 1 ? `the unseen level ${quoted(first)}` : `${levels} unseen levels such as ${quoted(first)}`;
  const chance = expected >= 0.001 ? ` (chance leads to expect ${percent(expected)})` : '';
  return `${rows} rows, ${percent(share)}, of ${what}${chance}`;
}

interface Sides {
  reference: CategoricalSummary;
  current: CategoricalSummary;
  sizes: SampleSizes;
}

/** Levels by their rows on both sides together: how many have so many, and the chance that all those rows are current ones. */
interface Group {
  rows: number;
  levels: number;
  chance: number;
}

/**
 * How many rows of unseen levels the pooled rows lead to expect if they are divided at random, and an upper bound of the chance of at
 * least `rows` of them.
 *
 * A level of c rows is unseen with the chance prod_{i<c} (m - i) / (n + m - i). Either a level of more than `rows` rows is (their chances are added),
 * or those of at most `rows` rows together make up the sum, which Chernoff's bound limits: min over t of exp(-t rows) prod (1 - p + p exp(t c)); that one row
 * is drawn makes it less likely that another one is, so that the product holds. For one level it is its chance, without loss.
 */
function chanceOf(rows: number, sides: Sides): { p: number; expected: number } {
  const groups = groupsOf(sides);
  let expected = 0;
  let larger = 0;
  const small: Group[] = [];
  for (const group of groups) {
    expected += group.levels * group.rows * group.chance;
    if (group.rows > rows) larger += group.levels * group.chance;
    else if (group.chance > 0) small.push(group);
  }
  const p = rows <= expected ? 1 : Math.min(1, larger + Math.exp(lowest((t) => logBound(t, rows, small))));
  return { p, expected };
}

function groupsOf({ reference, current, sizes }: Sides): Group[] {
  const levels = new Map<number, number>();
  const add = (rows: number): void => {
    if (rows > 0) levels.set(rows, (levels.get(rows) ?? 0) + 1);
  };
  for (const [label, count] of reference.counts) add(count + (current.counts.get(label) ?? 0));
  for (const [label, count] of current.counts) if (!reference.counts.has(label)) add(count);
  // Rare levels of the current data that were counted together: as if all were unseen, and equally frequent.
  const { pooled } = current;
  if (pooled.levels > 0) {
    const rows = Math.max(1, Math.floor(pooled.rows / pooled.levels));
    levels.set(rows, (levels.get(rows) ?? 0) + Math.ceil(pooled.rows / rows));
  }
  // In one order, so that sums are the same in each run.
  const sorted = [...levels].toSorted(([x], [y]) => x - y);
  return sorted.map(([rows, count]) => ({ rows, levels: count, chance: exceedanceP(rows, sizes) }));
}

function logBound(t: number, rows: number, groups: readonly Group[]): number {
  let sum = -t * rows;
  for (const { rows: size, levels, chance } of groups) {
    // ln(1 - p + p e^x), without overflow for large x.
    const x = t * size;
    sum +=
      levels *
      (x > 30 ? x + Math.log(chance + (1 - chance) * Math.exp(-x)) : Math.log1p(chance * Math.expm1(x)));
  }
  return sum;
}

/** The lowest value of a convex function from 0 on, where it is 0 (to three digits, which is all that a bound deserves). */
function lowest(valueAt: (t: number) => number): number {
  let low = 0;
  let high = 1e-2;
  let best = 0;
  for (let next = valueAt(high); next < best - 1e-6 && high < 1e6; next = valueAt(high)) {
    best = next;
    low = high / 2;
    high *= 2;
  }
  for (let step = 0; step < 40; step += 1) {
    const left = low + (high - low) / 3;
    const right = high - (high - low) / 3;
    if (valueAt(left) <= valueAt(right)) high = right;
    else low = left;
  }
  return Math.min(0, best, valueAt(low), valueAt(high));
}
