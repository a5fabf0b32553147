import type { ColumnReport, ColumnVerdict, DriftReport, Severity } from '../report.ts';
import { rowCount } from '../text-of.ts';
import { columnChange, mainCheck, severityRank, shownSeverity, sizeText } from './column-change.ts';
import { plainText, type Phrase } from './phrase.ts';
import { sectionRows } from './section-rows.ts';

/** A report as every renderer for people shows it, before it is escaped for a medium. */
export interface Overview {
  /** `Drift`, `Stable`, `Inconclusive`. */
  readonly verdict: string;
  /** The worst of what was found. */
  readonly severity: Severity;
  /** How many columns, of which severities: `4 of 25 columns (1 critical, 3 high); 2 low, 1 inconclusive`. */
  readonly summary: string;
  /** The limit, and what came of it. */
  readonly limit: string;
  /** Whatever is not a stable column, the worst first; then what has no answer. */
  readonly rows: readonly OverviewRow[];
  /** Columns that a short form leaves out, when they are many. */
  readonly stable: readonly ColumnRow[];
}

export interface OverviewRow {
  /** As in the file: may hold anything, unless it is `own`. */
  readonly name: string;
  /** Named by this program, not by the data: a check of whole rows. */
  readonly own: boolean;
  readonly severity: Severity;
  /** What to call its state: the severity where there is one, else the verdict. */
  readonly state: Exclude<Severity, 'none'> | ColumnVerdict;
  /** Size of the worst finding, such as `D 0.27`; may be empty. */
  readonly size: string;
  readonly change: Phrase;
  /** null for a check of whole rows. */
  readonly column: ColumnReport | null;
}

export type ColumnRow = OverviewRow & { readonly column: ColumnReport };

export function isColumnRow(row: OverviewRow): row is ColumnRow {
  return row.column !== null;
}

const VERDICTS: Readonly<Record<DriftReport['verdict'], string>> = {
  stable: 'Stable',
  drift: 'Drift',
  inconclusive: 'Inconclusive',
};

export function overviewOf(report: DriftReport): Overview {
  const columns = report.columns.map((column) => rowOf(column, report));
  const rows = [...sectionRows(report), ...columns].filter((row) => row.own || row.state !== 'stable');
  const worst = highest(rows.map(({ severity }) => severity));
  return {
    verdict: VERDICTS[report.verdict],
    severity: worst,
    summary: summaryOf(report, columns),
    limit: limitText(report, worst),
    rows: rows.toSorted((one, other) => rankOf(other) - rankOf(one)),
    stable: columns.filter(({ state }) => state === 'stable'),
  };
}

function highest(severities: readonly Severity[]): Severity {
  return severities.toSorted((one, other) => severityRank(other) - severityRank(one))[0] ?? 'none';
}

function rowOf(column: ColumnReport, report: DriftReport): ColumnRow {
  const check = mainCheck(column, report.policy);
  const { verdict } = column;
  const severity = shownSeverity(column, report.policy);
  return {
    name: column.column,
    own: false,
    severity,
    state: severity === 'none' ? verdict : severity,
    size: check === undefined || verdict === 'skipped' ? '' : sizeText(check),
    change: columnChange(column, report),
    column,
  };
}

/** Severities above what has no answer. */
function rankOf({ state, severity }: OverviewRow): number {
  if (state === 'inconclusive') return 0.5;
  return state === 'skipped' ? 0.25 : severityRank(severity);
}

function summaryOf(report: DriftReport, columns: readonly ColumnRow[]): string {
  const { verdict, totals, performance, multivariate } = report;
  const named = (states: readonly OverviewRow['state'][]): string =>
    states
      .map((state) => [state, columns.filter((row) => row.state === state).length] as const)
      .flatMap(([state, count]) => (count > 0 ? [`${number(count)} ${state}`] : []))
      .join(', ');
  const all = `${number(totals.columns)} ${totals.columns === 1 ? 'column' : 'columns'}`;
  const severities = named(['critical', 'high', 'medium']);
  const found =
    verdict === 'drift' || totals.drift > 0
      ? `${number(totals.drift)} of ${all}${severities === '' ? '' : ` (${severities})`}`
      : `no drift in ${all}`;
  const others = named(['low', 'inconclusive', 'skipped']);
  const section = (title: string, judged: { severity: Severity; verdict: ColumnVerdict } | undefined) =>
    judged === undefined || judged.verdict === 'skipped'
      ? []
      : [`${title} ${judged.severity === 'none' ? judged.verdict : judged.severity}`];
  return [
    found,
    ...(others === '' ? [] : [others]),
    ...section('performance', performance),
    ...section('all columns together', multivariate),
  ].join('; ');
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `train.csv (120,000 rows) → today.csv (8,000 rows)`, the names as the person gave them. */
export function sourcesText({ sources, rows }: DriftReport): { reference: string; current: string } {
  return {
    reference: `${sources.reference.name} (${rowCount(rows.reference)})`,
    current: `${sources.current.name} (${rowCount(rows.current)})`,
  };
}

/** `alpha 0.01, fail-on medium: failed`; `failed as inconclusive` where nothing reached the limit. */
function limitText({ alpha, failOn, failed }: DriftReport, worst: Severity): string {
  const isReached = severityRank(worst) >= severityRank(failOn);
  const came = failed ? `failed${isReached ? '' : ' as inconclusive'}` : 'passed';
  return `alpha ${alpha}, fail-on ${failOn}: ${came}`;
}

/** Whether this row is among what made the check fail. */
export function isFailure({ severity, state }: OverviewRow, report: DriftReport, worst: Severity): boolean {
  const limit = severityRank(report.failOn);
  if (severityRank(severity) >= limit) return true;
  // With --fail-on-inconclusive.
  return report.failed && severityRank(worst) < limit && state === 'inconclusive';
}

/** The overview with nothing but strings, as the table on a terminal takes it; still to be made printable there. */
export interface PlainOverview {
  readonly verdict: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly reference: string;
  readonly current: string;
  readonly rules: string;
  readonly rows: readonly { state: string; name: string; size: string; change: string }[];
  /** How many more columns are stable. */
  readonly stable: number;
  readonly notes: readonly string[];
}

/** So many stable columns are still shown one by one. */
const FEW = 5;

export function plainOverview(report: DriftReport): PlainOverview {
  const { verdict, severity, summary, limit, rows, stable } = overviewOf(report);
  const shown = stable.length <= FEW ? [...rows, ...stable] : rows;
  return {
    verdict,
    severity,
    summary,
    ...sourcesText(report),
    rules: `policy ${report.policy}, ${limit}`,
    rows: shown.map(({ state, name, size, change }) => ({ state, name, size, change: plainText(change) })),
    stable: stable.length <= FEW ? 0 : stable.length,
    notes: report.notes,
  };
}
