import type { ColumnReport, ColumnVerdict, DriftReport, Severity } from '../report.ts';
import { rowCount } from '../text-of.ts';
import { columnChange, findingsOf, mainCheck, severityRank, sizeText } from './column-change.ts';
import { plainText, type Phrase } from './phrase.ts';

/** A report as every renderer for people shows it, before it is escaped for a medium. */
export interface Overview {
  /** `Drift`, `Stable`, `Inconclusive`. */
  readonly verdict: string;
  /** How many columns, of which severities: `4 of 25 columns (1 critical, 3 high); 2 low, 1 inconclusive`. */
  readonly summary: string;
  /** The worst first; then those without an answer, then the stable ones. */
  readonly rows: readonly OverviewRow[];
  /** Columns that a short form leaves out, when they are many. */
  readonly stable: readonly OverviewRow[];
}

export interface OverviewRow {
  /** As in the file: may hold anything. */
  readonly name: string;
  /** What to call its state: the severity where there is one, else the verdict. */
  readonly state: Exclude<Severity, 'none'> | ColumnVerdict;
  /** Size of the worst finding, such as `D 0.27`; may be empty. */
  readonly size: string;
  readonly change: Phrase;
  readonly column: ColumnReport;
}

const VERDICTS: Readonly<Record<DriftReport['verdict'], string>> = {
  stable: 'Stable',
  drift: 'Drift',
  inconclusive: 'Inconclusive',
};

export function overviewOf(report: DriftReport): Overview {
  const rows = report.columns.map((column) => rowOf(column, report));
  const isStable = ({ state }: OverviewRow): boolean => state === 'stable';
  return {
    verdict: VERDICTS[report.verdict],
    summary: summaryOf(report),
    rows: rows.filter((row) => !isStable(row)).toSorted((one, other) => rankOf(other) - rankOf(one)),
    stable: rows.filter(isStable),
  };
}

function rowOf(column: ColumnReport, report: DriftReport): OverviewRow {
  const check = findingsOf(column)[0] ?? mainCheck(column);
  const { severity, verdict } = column;
  return {
    name: column.column,
    state: severity === 'none' ? verdict : severity,
    size: check === undefined || verdict === 'skipped' ? '' : sizeText(check),
    change: columnChange(column, report),
    column,
  };
}

/** Severities above what has no answer. */
function rankOf({ state, column }: OverviewRow): number {
  if (state === 'inconclusive') return 0.5;
  return state === 'skipped' ? 0.25 : severityRank(column.severity);
}

function summaryOf({ verdict, totals }: DriftReport): string {
  const { columns, drift } = totals;
  const named = (keys: readonly (keyof DriftReport['totals'])[]): string =>
    keys.flatMap((key) => (totals[key] > 0 ? [`${number(totals[key])} ${key}`] : [])).join(', ');
  const all = `${number(columns)} ${columns === 1 ? 'column' : 'columns'}`;
  const severities = named(['critical', 'high', 'medium']);
  const found =
    verdict === 'drift' || drift > 0
      ? `${number(drift)} of ${all}${severities === '' ? '' : ` (${severities})`}`
      : `no drift in ${all}`;
  const others = named(['low', 'inconclusive', 'skipped']);
  return others === '' ? found : `${found}; ${others}`;
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

/** What stands beside the verdict: the rules, the limit, and what came of it. The policy's name may be any text. */
export function rulesText(report: DriftReport): string {
  return `policy ${report.policy}, ${limitText(report)}`;
}

export function limitText({ alpha, failOn, failed }: DriftReport): string {
  return `alpha ${alpha}, fail-on ${failOn}: ${failed ? 'failed' : 'passed'}`;
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
  const { verdict, summary, rows, stable } = overviewOf(report);
  const shown = stable.length <= FEW ? [...rows, ...stable] : rows;
  return {
    verdict,
    severity: report.severity,
    summary,
    ...sourcesText(report),
    rules: rulesText(report),
    rows: shown.map(({ state, name, size, change }) => ({ state, name, size, change: plainText(change) })),
    stable: stable.length <= FEW ? 0 : stable.length,
    notes: report.notes,
  };
}
