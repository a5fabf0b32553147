import { type ExactBudget, compareShapes, type ComparedShapes } from './checks/numeric.ts';
import { compareGaps, isTimeAxis } from './checks/datetimes.ts';
import type { Finding } from './checks/finding.ts';
import { comparePointMass } from './checks/point-mass.ts';
import { compareRange } from './checks/range.ts';
import { stabilityIndexFinding } from './checks/stability-index.ts';
import { isRowNumber } from './checks/row-number.ts';
import { type Details, NO_DETAILS } from './compared.ts';
import { dependenceNotes, dependenceOf } from './dependence-of.ts';
import type { Distribution } from './distribution.ts';
import { decileBins, measuresOfBins, measuresOfValues, stabilityIndex } from './measures.ts';
import { ecdfOf, histogramOf } from './picture.ts';
import type { ColumnRules, PolicyKind } from './policy/policy.ts';
import { shiftOf } from './shift.ts';
import type { NumericSummary } from './summary.ts';
import { short, timeText } from './text-of.ts';

/** What columns of all types are compared by. */
export interface CompareRule {
  readonly kind: PolicyKind;
  readonly alpha: number;
  readonly rules: ColumnRules;
  /** Shared by all columns of a run. */
  readonly budget: ExactBudget;
}

export interface Part {
  readonly findings: readonly Finding[];
  readonly details: Details;
}

/** Columns of numbers and times. */
export function compareNumbers(reference: NumericSummary, current: NumericSummary, rule: CompareRule): Part {
  const sides = { reference: reference.distribution, current: current.distribution };
  const format = reference.type === 'datetime' ? timeText : short;
  const compared = compareDistributions(sides, { rule, format, noun: '' });
  const { findings, details } = compared;
  if (sides.reference.rows === 0 || sides.current.rows === 0) return { findings, details };
  const follows = followOn(reference, sides, rule);
  if (follows !== undefined) {
    const shape = settled(findings[0], follows);
    const gap = reference.type === 'datetime' ? gapFinding(sides, rule) : undefined;
    return {
      findings: gap === undefined ? [shape] : [shape, gap],
      details: { ...details, notes: [...details.notes, follows] },
    };
  }
  const { alpha, rules } = rule;
  const range = { alpha, limits: rules.limits('outOfRange').value, format };
  const below = compareRange('below', sides, range);
  const above = compareRange('above', sides, range);
  const mass = comparePointMass(sides.reference, sides.current, {
    alpha,
    limits: rules.limits('pointMass').value,
    format,
  });
  const gap = reference.type === 'datetime' ? gapFinding(sides, rule) : undefined;
  const companions = [below.finding, above.finding, mass, gap].flatMap((each) =>
    each === undefined ? [] : [each],
  );
  const outOfRange = [below.outside, above.outside].flatMap((each) => (each === null ? [] : [each]));
  return { findings: [...findings, ...companions], details: { ...details, outOfRange } };
}

function gapFinding({ reference, current }: Sides, { alpha, rules }: CompareRule): Finding | undefined {
  return compareGaps(reference, current, { alpha, limits: rules.limits('gap').value });
}

/** Why other values are what one expects: the column numbers the rows, or says when they came about. Not where its type was set on purpose. */
function followOn(
  { name, type }: NumericSummary,
  sides: Sides,
  { kind, rules }: CompareRule,
): string | undefined {
  if (rules.type !== undefined) return undefined;
  if (type === 'datetime') {
    return isTimeAxis(sides.reference, sides.current)
      ? 'the times of the current rows follow those of the reference: they are not held against one another'
      : undefined;
  }
  // The literal policies take every column of numbers.
  return kind === 'default' && isRowNumber(name, sides)
    ? 'the values number the rows: they are not held against one another'
    : undefined;
}

function settled(shape: Finding | undefined, reason: string): Finding {
  const detail = shape?.detail ?? reason;
  return {
    check: 'distribution',
    test: 'none',
    statistic: shape?.statistic ?? null,
    p: null,
    effects: [],
    detectable: null,
    settled: true,
    detail,
    reason,
  };
}

export interface Sides {
  readonly reference: Distribution;
  readonly current: Distribution;
}

interface ShapeOptions {
  rule: CompareRule;
  format: (value: number) => string;
  /** What the values are called in a sentence. */
  noun: string;
}

/** The distributions of two columns of numbers, times or lengths with all that a report shows of them. */
export function compareDistributions(sides: Sides, { rule, format, noun }: ShapeOptions): Part {
  const { kind, alpha, rules, budget } = rule;
  // The literal rule takes the rows as they are.
  const { reference, current } =
    kind === 'default' ? sides : { reference: asRows(sides.reference), current: asRows(sides.current) };
  const limits = { D: rules.limits('D').value, W: rules.limits('W').value };
  const shapes = compareShapes(reference, current, { alpha, ...limits, budget, format, noun });
  if (shapes.gap === null) return { findings: [shapes.finding], details: NO_DETAILS };
  const bins = decileBins(reference, current);
  const details: Details = {
    ...NO_DETAILS,
    shift: shiftOf(reference, current, shapes.gap),
    histogram: histogramOf(reference, current),
    ecdf: ecdfOf(reference, current),
    dependence: dependenceOf(sides.reference, sides.current),
    additional: [...measuresOfBins(bins), ...measuresOfValues(reference, current, shapes.wasserstein)],
    notes: dependenceNotes(sides.reference, sides.current, kind),
  };
  const finding = kind === 'psi' ? byStabilityIndex(shapes, bins) : shapes.finding;
  return { findings: [finding], details };
}

function byStabilityIndex({ finding }: ComparedShapes, bins: ReturnType<typeof decileBins>): Finding {
  const index = stabilityIndex(bins);
  const isSaid = finding.settled === true || finding.tooFew === true;
  return index === null || isSaid ? finding : stabilityIndexFinding(index, finding.detail);
}

function asRows(distribution: Distribution): Distribution {
  return { ...distribution, effective: distribution.rows };
}
