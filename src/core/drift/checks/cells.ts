import type { ColumnRules } from '../policy/policy.ts';
import type { ColumnSummary } from '../summary.ts';
import { presentCells } from '../summary.ts';
import { percent, quoted } from '../text-of.ts';
import { type Finding, withEnoughRows } from './finding.ts';
import { compareNulls, compareShareOf } from './shares.ts';

export interface CellRule {
  readonly alpha: number;
  readonly rules: ColumnRules;
  /** What the current column would be taken for by itself, for the sentence about a changed type. */
  readonly currentType: string;
}

/** What every column is checked for, whatever its type: nulls, cells that are not of its type, numbers that are not finite. */
export function compareCells(reference: ColumnSummary, current: ColumnSummary, rule: CellRule): Finding[] {
  const rows = { reference: reference.rows, current: current.rows };
  const found = [
    nullShare(reference, current, rule),
    unparsableShare(reference, current, rule),
    nonFiniteShare(reference, current, rule),
  ];
  return found.flatMap((finding) => (finding === undefined ? [] : [withEnoughRows(finding, rows)]));
}

function nullShare(
  reference: ColumnSummary,
  current: ColumnSummary,
  { alpha, rules }: CellRule,
): Finding | undefined {
  return compareNulls(
    { count: reference.nulls, rows: reference.rows },
    { count: current.nulls, rows: current.rows },
    { alpha, limits: rules.limits('nullShare').value, fromZero: rules.limits('nullShareFromZero').value },
  );
}

/** From this share of its cells on a column that cannot be read as its type has another one. */
const MOST = 0.5;

/** Cells that are not of the pinned type; a change of type where they are the most, and were not in the reference. */
function unparsableShare(
  reference: ColumnSummary,
  current: ColumnSummary,
  { alpha, rules, currentType }: CellRule,
): Finding | undefined {
  const before = { count: reference.unparsable, rows: reference.rows - reference.nulls };
  const after = { count: current.unparsable, rows: current.rows - current.nulls };
  const limits = rules.limits('unparsable').value;
  const what = `cells that are not ${reference.type}`;
  const finding = compareShareOf(
    { check: 'unparsable', what, reference: before, current: after },
    { alpha, limits },
  );
  if (finding === undefined) return undefined;
  const examples = current.unparsableExamples.slice(0, 2).map(quoted).join(', ');
  const detail = `${finding.detail}${examples === '' ? '' : ` (such as ${examples})`}`;
  const isRetyped = after.count > after.rows * MOST && before.count <= before.rows * MOST;
  if (!isRetyped) return { ...finding, detail };
  const { medium } = limits;
  return {
    ...finding,
    check: 'type-change',
    retyped: { from: reference.type, to: currentType },
    effects: finding.effects.map((effect) => ({
      ...effect,
      limits: { medium, high: medium, critical: medium },
    })),
    detail: `was ${reference.type}, is ${currentType}: ${percent(after.count / after.rows)} of the values cannot be read${examples === '' ? '' : ` (such as ${examples})`}`,
  };
}

function nonFiniteShare(
  reference: ColumnSummary,
  current: ColumnSummary,
  { alpha, rules }: CellRule,
): Finding | undefined {
  const before = { count: nonFiniteCells(reference), rows: presentCells(reference) };
  const after = { count: nonFiniteCells(current), rows: presentCells(current) };
  return compareShareOf(
    { check: 'non-finite', what: 'NaN and infinities', reference: before, current: after },
    { alpha, limits: rules.limits('nonFinite').value },
  );
}

/** NaN and infinities among the present cells; 0 for columns that are not numeric. */
export function nonFiniteCells(summary: ColumnSummary): number {
  if (summary.type !== 'numeric' && summary.type !== 'datetime') return 0;
  return summary.nan + summary.positiveInfinite + summary.negativeInfinite;
}
