import { type Distribution, endsOf } from '../distribution.ts';
import type { Limits } from '../policy/limits.ts';
import { percent, timeText } from '../text-of.ts';
import { type Finding, untested, withEnoughRows } from './finding.ts';

const SECOND = 1000;
const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['days', 86_400 * SECOND],
  ['hours', 3600 * SECOND],
  ['minutes', 60 * SECOND],
  ['seconds', SECOND],
];

/** A length of time for people: `3.5 days`. */
function durationText(ms: number): string {
  const [name, size] = UNITS.find((unit) => ms >= 2 * unit[1]) ?? ['ms', 1];
  return `${Number((ms / size).toPrecision(3))} ${name}`;
}

/** Rows that lie (nearly) in the order of their times. */
const IN_ORDER = 0.95;
const YEAR = 366 * 86_400 * SECOND;
/** A later batch does not come so many time spans (of both sides) and more than a year after the reference: a wrong unit or century does. */
const MOST_SPANS = 10;

/**
 * Whether a column of times is the time at which the rows came about, and the current data simply came later: then another distribution
 * and times beyond the reference's last are what one expects.
 *
 * That is so where the current data begins after the reference ends, or where both files are in the order of these times and the current
 * one ends last. Of a profile, whether it may be so.
 */
export function isTimeAxis(reference: Distribution, current: Distribution): boolean {
  if (reference.rows === 0 || current.rows === 0) return false;
  const before = endsOf(reference);
  const after = endsOf(current);
  if (after.last.most < before.last.least || after.first.most < before.first.least) return false;
  const spans = before.last.most - before.first.least + (after.last.most - after.first.least);
  const isNear = after.first.least - before.last.most <= Math.max(YEAR, MOST_SPANS * spans);
  if (after.first.most > before.last.least && isNear) return true;
  // A pause that is too long for sure.
  if (after.first.least > before.last.most) return false;
  return isInOrder(reference) && isInOrder(current);
}

function isInOrder({ ordered, r }: Distribution): boolean {
  return ordered || (r !== null && r > IN_ORDER);
}

export interface GapRule {
  readonly alpha: number;
  readonly limits: Limits;
}

/**
 * The longest time without a current row beyond the one that the reference leads to expect, as a share of the current time span.
 *
 * Evenly spread times leave a longest gap of about mean gap x ln rows. How much longer the reference's is (nights, weekends, quiet years)
 * is what the current one may be too, and it may be as long as the reference's in any case. p: `rows` times spread evenly over a span leave a gap
 * of share e somewhere with a chance of at most rows (1 - e)^(rows - 1).
 *
 * undefined where a side has fewer than two different times.
 */
export function compareGaps(
  reference: Distribution,
  current: Distribution,
  { alpha, limits }: GapRule,
): Finding | undefined {
  const span = spanOf(current);
  if (!(spanOf(reference) > 0 && span > 0)) return undefined;
  // Quantiles of a profile lie further apart than the rows, so that as a reference they forgive more.
  if (current.error > 0)
    return { ...untested('gap', 'spacing', 'a profile does not keep the times between rows'), untold: true };
  const { rows } = current;
  const longest = longestGap(current.values);
  const usual = longestGap(reference.values).length;
  const allowed = Math.max(usual, (usual / evenGap(reference)) * evenGap(current));
  const excess = Math.max(0, longest.length - allowed) / span;
  const finding: Finding = {
    check: 'gap',
    test: 'spacing',
    statistic: longest.length,
    p: Math.min(1, rows * (1 - excess) ** (rows - 1)),
    effects: [{ kind: 'share', value: excess, limits }],
    detectable: 1 - (alpha / rows) ** (1 / (rows - 1)),
    detail: `no rows for ${durationText(longest.length)} from ${timeText(longest.from)} on, ${percent(longest.length / span)} of the time span (the reference's longest gap is ${durationText(usual)})`,
    reason: null,
  };
  return withEnoughRows(finding, { reference: reference.rows, current: rows });
}

function spanOf({ min, max }: Distribution): number {
  return min === null || max === null ? 0 : max - min;
}

/** The longest gap to expect of evenly spread times, in milliseconds. */
function evenGap(distribution: Distribution): number {
  return (spanOf(distribution) / distribution.rows) * Math.log(Math.max(2, distribution.rows));
}

function longestGap(sorted: Float64Array): { from: number; length: number } {
  let from = sorted[0] ?? 0;
  let length = 0;
  for (let row = 1; row < sorted.length; row += 1) {
    const before = sorted[row - 1] as number;
    const step = (sorted[row] as number) - before;
    if (step > length) {
      length = step;
      from = before;
    }
  }
  return { from, length };
}
