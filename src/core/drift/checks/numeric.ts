import { type Distribution, isConstant, medianValue, quantileOf } from '../distribution.ts';
import type { Limits } from '../policy/limits.ts';
import type { SampleSizes } from '../statistics/counts.ts';
import { detectableKs } from '../statistics/detectable.ts';
import { ksDistance, ksLimitP, ksTest } from '../statistics/ks.ts';
import { ksProfile } from '../statistics/ks-profile.ts';
import { normalUpperQuantile } from '../statistics/normal.ts';
import { robustUnit, UNIT_TAILS, wasserstein } from '../statistics/transport.ts';
import { effectText, percent, short } from '../text-of.ts';
import { type Finding, untested, withEnoughRows } from './finding.ts';

/** What exact tests may still cost in this run: columns share it in their order, so that the same data give the same p. */
export interface ExactBudget {
  cells: number;
}

export interface ShapeRule {
  readonly alpha: number;
  readonly D: Limits;
  readonly W: Limits;
  readonly budget: ExactBudget;
  /** How a value is written in a sentence; numbers as they are unless told. */
  readonly format?: ((value: number) => string) | undefined;
  /** What the values are called: `` for the values of the column, `length ` for lengths of texts. */
  readonly noun?: string;
}

export interface Gap {
  readonly d: number;
  readonly location: number;
  readonly referenceShare: number;
  readonly currentShare: number;
  readonly p: number;
  readonly method: string;
}

export interface ComparedShapes {
  readonly finding: Finding;
  /** null where a side has no values. */
  readonly gap: Gap | null;
  /** In the values' unit; null where a side has no values. */
  readonly wasserstein: number | null;
}

/**
 * Whether two samples come from one distribution: Kolmogorov-Smirnov, with D and the Wasserstein distance in robust units as effects.
 *
 * Where a side is a profile, D and W are lower bounds, so that it never alerts where the rows would not.
 */
export function compareShapes(
  reference: Distribution,
  current: Distribution,
  rule: ShapeRule,
): ComparedShapes {
  const missing = emptySide(reference, current);
  if (missing !== undefined) {
    return { finding: untested('distribution', 'ks', missing), gap: null, wasserstein: null };
  }
  const sizes = { reference: reference.effective, current: current.effective };
  const gap = widestGap(reference, current, { sizes, budget: rule.budget });
  const distance = wasserstein(reference.values, current.values);
  const moved = moveInUnits(distance, reference, current);
  const detectable = detectableKs(sizes, rule.alpha);
  const constant = isConstant(reference) && isConstant(current) && reference.min === current.min;
  const finding: Finding = {
    check: 'distribution',
    test: `ks ${gap.method}`,
    statistic: gap.d,
    p: constant ? null : gap.p,
    effects: [
      { kind: 'D', value: gap.d, limits: rule.D },
      ...(moved === null ? [] : [{ kind: 'W', value: moved, limits: rule.W }]),
    ],
    detectable,
    settled: constant,
    detail: constant
      ? `constant on both sides (${(rule.format ?? short)(gap.location)})`
      : describeGap(reference, current, { gap, moved, rule }),
    reason: constant ? 'both sides are the same constant: there is nothing to test' : null,
  };
  return {
    finding: withEnoughRows(finding, { reference: reference.rows, current: current.rows }),
    gap,
    wasserstein: distance,
  };
}

/** Why there is nothing to compare; undefined where both sides have values. */
function emptySide(reference: Distribution, current: Distribution): string | undefined {
  if (reference.rows === 0 && current.rows === 0) return 'neither side has values';
  if (reference.rows === 0) return 'the reference has no values';
  return current.rows === 0 ? 'the current data has no values' : undefined;
}

interface GapOptions {
  sizes: SampleSizes;
  budget: ExactBudget;
}

function widestGap(reference: Distribution, current: Distribution, { sizes, budget }: GapOptions): Gap {
  if (reference.error === 0 && current.error === 0) {
    const test = ksTest(reference.values, current.values, { effective: sizes, budget: budget.cells });
    budget.cells -= test.cells;
    return test;
  }
  if (current.error === 0)
    return { ...ksProfile(knotsOf(reference), current.values, sizes), method: 'profile' };
  if (reference.error === 0) {
    const turned = ksProfile(knotsOf(current), reference.values, {
      reference: sizes.current,
      current: sizes.reference,
    });
    return {
      ...turned,
      referenceShare: turned.currentShare,
      currentShare: turned.referenceShare,
      method: 'profile',
    };
  }
  const between = ksDistance(reference.values, current.values);
  const d = Math.max(0, between.d - reference.error - current.error);
  return { ...between, d, p: ksLimitP(d, sizes), method: 'profiles' };
}

function knotsOf({ values, rows, error }: Distribution) {
  return { knots: values, rows, error };
}

/** Wasserstein distance in robust standard deviations of the reference; null where it has no such unit, or the distance no number. */
function moveInUnits(distance: number, reference: Distribution, current: Distribution): number | null {
  const unit = unitOf(reference);
  if (unit === null) return null;
  const moved = Math.max(0, distance - slackOf(reference) - slackOf(current)) / unit;
  return Number.isFinite(moved) ? moved : null;
}

/**
 * At least the unit of the rows, which is known of a profile up to a step: the widest of those that the rows may have, given that a range between
 * quantiles is 0 for sure where it is 0 a step further out, and is not where it is not a step further in. null where the rows may have none.
 */
function unitOf(reference: Distribution): number | null {
  if (reference.error === 0) return robustUnit(reference.values);
  const width = (low: number): number =>
    quantileOf(reference, Math.min(1, 1 - low)) - quantileOf(reference, Math.max(0, low));
  let widest = 0;
  for (const tail of UNIT_TAILS) {
    const outer = width(tail - reference.error);
    if (!(outer < Infinity)) return null;
    widest = Math.max(widest, outer / (2 * normalUpperQuantile(tail)));
    if (width(tail + reference.error) > 0) return widest;
  }
  return null;
}

/** How much the area under the line through knots may be wrong. */
function slackOf({ error, min, max }: Distribution): number {
  return error === 0 || min === null || max === null ? 0 : (max - min) * error;
}

interface Described {
  gap: Gap;
  moved: number | null;
  rule: ShapeRule;
}

function describeGap(
  reference: Distribution,
  current: Distribution,
  { gap, moved, rule }: Described,
): string {
  const { format = short, noun = '' } = rule;
  const parts = [
    gap.d === 0
      ? 'D=0'
      : `D=${effectText(gap.d)} at ${noun}${format(gap.location)} (ref ${percent(gap.referenceShare)} below, now ${percent(gap.currentShare)})`,
  ];
  if (moved !== null && moved >= rule.W.medium) parts.push(`W=${effectText(moved)}`);
  const before = medianValue(reference);
  const after = medianValue(current);
  if (before !== null && after !== null) parts.push(`median ${noun}${format(before)} -> ${format(after)}`);
  return parts.join(', ');
}
