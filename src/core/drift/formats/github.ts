import { printable } from '../../../lib/terminal-text.ts';
import type { DriftReport } from '../report.ts';
import { severityRank } from './column-change.ts';
import { isFailure, overviewOf, type OverviewRow } from './overview.ts';
import { cut, plainText } from './phrase.ts';

/** GitHub shows so many annotations of a level for each step and drops the others without a word. */
export const ANNOTATIONS_PER_LEVEL = 10;
const LONGEST_NAME = 100;

/**
 * Workflow commands for the log of a GitHub Actions step: an error for each column at or above `failOn`, a warning for drift below it and
 * for columns without an answer, and one notice with the verdict and what was left out.
 */
export function githubReport(report: DriftReport): string {
  const { verdict, severity, summary, limit, rows } = overviewOf(report);
  const errors = rows.filter((row) => isFailure(row, report, severity));
  const warnings = rows.filter((row) => !errors.includes(row) && isWorthAWarning(row));
  const shown = [
    ...errors.slice(0, ANNOTATIONS_PER_LEVEL).map((row) => annotation('error', row)),
    ...warnings.slice(0, ANNOTATIONS_PER_LEVEL).map((row) => annotation('warning', row)),
  ];
  const hidden = errors.length + warnings.length - shown.length;
  const rest = hidden === 0 ? '' : `; ${hidden.toLocaleString('en-US')} more columns are not annotated`;
  const title = `${verdict}${severity === 'none' ? '' : ` (${severity})`}`;
  const closing = command('notice', title, `${summary}; policy ${report.policy}, ${limit}${rest}`);
  return `${[...shown, closing].join('\n')}\n`;
}

/** A small change that is certain is `low`, which is no reason to interrupt anybody. */
function isWorthAWarning({ severity, state }: OverviewRow): boolean {
  return severityRank(severity) > severityRank('low') || state === 'inconclusive';
}

function annotation(level: 'error' | 'warning', { state, name, size, change }: OverviewRow): string {
  const column = name === '' ? '(no name)' : printable(cut(name, LONGEST_NAME));
  const message = [size, plainText(change)].filter((part) => part !== '').join(', ');
  return command(level, `${column}: ${state}`, message === '' ? state : message);
}

/**
 * One workflow command. The runner ends a property at `,` and `:` and a command at the end of the line, and takes back `%25`, `%0D`, `%0A`
 * and, in properties, `%3A` and `%2C`.
 */
function command(level: 'error' | 'warning' | 'notice', title: string, message: string): string {
  const escaped = escapeData(title).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${level} title=${escaped}::${escapeData(printable(message))}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
