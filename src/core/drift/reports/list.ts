import { type MlopsError, UsageError } from '../../../errors.ts';
import { suggestNames } from '../../../lib/nearest.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { DocumentFile, DocumentStore } from '../../../storage/document-store.ts';
import { jsonCodec, loadDirectory } from '../../repository/directory-index.ts';
import { DRIFT_REPORTS_DIRECTORY, gitPath } from '../../repository/layout.ts';
import type { DriftReport } from '../report.ts';
import { isReportId, parseReport, timeOfReport } from './kept-report.ts';

/** What a list says of a kept report. */
export interface ReportSummary extends Pick<
  DriftReport,
  'verdict' | 'severity' | 'policy' | 'failed' | 'rows' | 'totals'
> {
  readonly id: string;
  /** RFC 3339. */
  readonly time: string;
  /** Below the Git root. */
  readonly path: string;
  /** What was compared, as the person named it. */
  readonly reference: string;
  readonly current: string;
}

/** A file among the kept reports that can't be read or trusted. */
export interface ReportProblem {
  /** Below the Git root. */
  readonly path: string;
  readonly error: MlopsError;
}

export interface ListedReports {
  /** Newest first. */
  readonly reports: readonly ReportSummary[];
  readonly problems: readonly ReportProblem[];
}

/**
 * All kept reports of the work tree. Damaged ones are returned beside the sound ones.
 * @param options.fresh read every file, leaning on no index
 */
export async function listReports(
  documents: DocumentStore,
  options: { fresh?: boolean | undefined } = {},
): Promise<ListedReports> {
  const files = await loadDirectory<ReportSummary>(documents, {
    directory: DRIFT_REPORTS_DIRECTORY,
    index: { name: 'drift-reports', version: 'drift-report/1', codec: jsonCodec() },
    parse: (bytes, name) => summaryOf(parseReport(bytes, name), name),
    fresh: options.fresh,
  });
  const reports: ReportSummary[] = [];
  const problems: ReportProblem[] = [];
  for (const { name, value, error } of files) {
    if (value !== undefined) reports.push(value);
    else if (error !== undefined)
      problems.push({ path: gitPath(`${DRIFT_REPORTS_DIRECTORY}/${name}`), error });
  }
  // Names are sorted, and start with the time.
  return { reports: reports.toReversed(), problems };
}

function summaryOf(report: DriftReport, name: string): ReportSummary {
  const { verdict, severity, policy, failed, rows, totals, sources } = report;
  const id = name.slice(0, -'.json'.length);
  return {
    id,
    time: timeOfReport(id),
    path: gitPath(`${DRIFT_REPORTS_DIRECTORY}/${name}`),
    verdict,
    severity,
    policy,
    failed,
    rows,
    totals,
    reference: sources.reference.name,
    current: sources.current.name,
  };
}

export interface FoundReport {
  readonly id: string;
  readonly time: string;
  /** Below the Git root. */
  readonly path: string;
  readonly report: DriftReport;
}

const LATEST = /^latest(?:~(\d{1,6}))?$/;
const SHORTEST = 4;

/**
 * The kept report that a person means: its id, the start of its id or of the hexadecimal digits at its end, `latest`, or `latest~2` for the
 * second one before that. Only that file is read.
 *
 * @throws UsageError `REPORT_NOT_FOUND`, `REPORT_AMBIGUOUS`; and whatever `parseReport` throws
 */
export async function findReport(documents: DocumentStore, name: string): Promise<FoundReport> {
  const files = (await documents.readDirectory(DRIFT_REPORTS_DIRECTORY)).filter((file) =>
    isReportId(idOf(file)),
  );
  const file = LATEST.test(name) ? before(files, name) : named(files, name);
  const id = idOf(file);
  const path = gitPath(`${DRIFT_REPORTS_DIRECTORY}/${file.name}`);
  return { id, time: timeOfReport(id), path, report: parseReport(file.read(), file.name) };
}

function idOf({ name }: DocumentFile): string {
  return name.replace(/\.json$/, '');
}

function before(files: readonly DocumentFile[], name: string): DocumentFile {
  const back = Number(LATEST.exec(name)?.[1] ?? 0);
  const file = files.at(-1 - back);
  if (file !== undefined && back < files.length) return file;
  const amount = files.length === 1 ? 'one report is' : `${files.length} reports are`;
  throw new UsageError(
    'REPORT_NOT_FOUND',
    files.length === 0
      ? 'no drift report is kept in this repository'
      : `there is no ${name}: only ${amount} kept`,
    { hint: 'keep one: mlops drift <reference> <current> --save; see which there are: mlops reports list' },
  );
}

function named(files: readonly DocumentFile[], name: string): DocumentFile {
  const found = files.filter((file) => {
    const id = idOf(file);
    const isStart = name.length >= SHORTEST && (id.startsWith(name) || id.slice(-16).startsWith(name));
    return id === name || isStart;
  });
  const [first, second] = found;
  const shown = printable(name.length > 100 ? `${name.slice(0, 100)}…` : name);
  if (first !== undefined && second === undefined) return first;
  const ids = (found.length > 0 ? found : files).map(idOf).toReversed();
  if (first !== undefined) {
    throw new UsageError('REPORT_AMBIGUOUS', `${found.length} kept reports start with "${shown}"`, {
      hint: `say more of it: ${ids.slice(0, 3).join(', ')}`,
    });
  }
  const hint = suggestNames(name, ids) ?? 'see which there are: mlops reports list';
  throw new UsageError('REPORT_NOT_FOUND', `no kept drift report is called "${shown}"`, { hint });
}
