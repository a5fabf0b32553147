import type { ColumnReport, ColumnVerdict, DriftReport, Severity } from '../report.ts';
import { effectRatio, mainCheck, severityRank, shownSeverity, sizeText } from '../formats/column-change.ts';

/** `same`: of the same severity in both. `new` and `gone` are columns that only one of the reports has. */
export type ColumnTrend = 'worse' | 'new' | 'better' | 'gone' | 'same';

export interface ColumnState {
  readonly severity: Severity;
  readonly verdict: ColumnVerdict;
  /** Size of the worst finding, such as `D 0.27`; empty where nothing was measured. */
  readonly size: string;
  /** The largest effect in units of its limit for medium; null where there is none. */
  readonly effectRatio: number | null;
}

export interface ComparedColumn {
  readonly column: string;
  readonly trend: ColumnTrend;
  /** null where that report does not have the column. */
  readonly before: ColumnState | null;
  readonly after: ColumnState | null;
}

export interface ReportComparison {
  /** Worse first, then new, better, gone and same; within each the most severe first. */
  readonly columns: readonly ComparedColumn[];
  readonly counts: Readonly<Record<ColumnTrend, number>>;
  /** Why the two may not be comparable. */
  readonly notes: readonly string[];
}

/** How the columns of one report stand in a later one. */
export function compareReports(before: DriftReport, after: DriftReport): ReportComparison {
  const earlier = new Map(before.columns.map((column) => [column.column, column]));
  const later = new Map(after.columns.map((column) => [column.column, column]));
  const names = new Set([...later.keys(), ...earlier.keys()]);
  const columns = [...names]
    .map((column) =>
      compareColumn(column, stateOf(earlier.get(column), before), stateOf(later.get(column), after)),
    )
    .toSorted(byTrend);
  const counts = { worse: 0, new: 0, better: 0, gone: 0, same: 0 };
  for (const { trend } of columns) counts[trend] += 1;
  return { columns, counts, notes: notesOn(before, after) };
}

function compareColumn(
  column: string,
  before: ColumnState | null,
  after: ColumnState | null,
): ComparedColumn {
  return { column, trend: trendOf(before, after), before, after };
}

function stateOf(column: ColumnReport | undefined, { policy }: DriftReport): ColumnState | null {
  if (column === undefined) return null;
  const { verdict, checks } = column;
  const check = mainCheck(column, policy);
  const ratios = checks.map(effectRatio).filter((ratio) => ratio !== null);
  return {
    severity: shownSeverity(column, policy),
    verdict,
    size: check === undefined ? '' : sizeText(check),
    effectRatio: ratios.length === 0 ? null : Math.max(...ratios),
  };
}

function trendOf(before: ColumnState | null, after: ColumnState | null): ColumnTrend {
  if (before === null) return 'new';
  if (after === null) return 'gone';
  const change = severityRank(after.severity) - severityRank(before.severity);
  if (change === 0) return 'same';
  return change > 0 ? 'worse' : 'better';
}

const TRENDS: readonly ColumnTrend[] = ['worse', 'new', 'better', 'gone', 'same'];

function byTrend(one: ComparedColumn, other: ComparedColumn): number {
  return (
    TRENDS.indexOf(one.trend) - TRENDS.indexOf(other.trend) ||
    worstRank(other) - worstRank(one) ||
    compareText(one.column, other.column)
  );
}

function worstRank({ before, after }: ComparedColumn): number {
  return severityRank((after ?? before)?.severity ?? 'none');
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function notesOn(before: DriftReport, after: DriftReport): string[] {
  const notes: string[] = [];
  if (before.policy !== after.policy) {
    notes.push(`the reports follow other rules: ${before.policy} and ${after.policy}`);
  }
  if (before.alpha !== after.alpha) {
    notes.push(`the reports have another alpha: ${before.alpha} and ${after.alpha}`);
  }
  if (before.sources.reference.name !== after.sources.reference.name) {
    notes.push(
      `the reports have another reference: ${before.sources.reference.name} and ${after.sources.reference.name}`,
    );
  }
  return notes;
}
