import { IntegrityError, UsageError } from '../../../errors.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { printable } from '../../../lib/terminal-text.ts';
import { digestOf } from '../../repository/digest.ts';
import { parseDocument } from '../../repository/document.ts';
import { DRIFT_REPORTS_DIRECTORY, gitPath } from '../../repository/layout.ts';
import { severityRank } from '../formats/column-change.ts';
import { jsonReport } from '../formats/json.ts';
import { DriftReport } from '../report.ts';

/** `20261123T101500000Z-0123456789abcdef`: when it was kept, and the start of the SHA-256 of its bytes. */
const REPORT_ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-([0-9a-f]{16})$/;
/** As any document of the repository (docs/format.md section 8). */
const MAX_BYTES = 10 * 1024 * 1024;

export function isReportId(id: string): boolean {
  return REPORT_ID.test(id);
}

/** RFC 3339, as the id has it. */
export function timeOfReport(id: string): string {
  return id.replace(REPORT_ID, '$1-$2-$3T$4:$5:$6.$7Z');
}

/** Path below `.mlops`. */
export function reportPath(id: string): string {
  return `${DRIFT_REPORTS_DIRECTORY}/${id}.json`;
}

export interface EncodedReport {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** `sha256:<64 hex>` of the bytes. */
  readonly digest: string;
  /** How many columns were kept without their charts so that the report is no larger than a document may be. */
  readonly simplified: number;
}

/** @throws UsageError `LIMIT_EXCEEDED` for a report that is too large even without charts */
export function encodeReport(report: DriftReport, time: Date): EncodedReport {
  const { text, simplified } = fitted(report);
  const bytes = Buffer.from(text);
  const digest = digestOf(bytes);
  const stamp = time.toISOString().replaceAll(/[-:.]/g, '');
  return {
    id: `${stamp}-${digest.slice('sha256:'.length, 'sha256:'.length + 16)}`,
    bytes,
    digest,
    simplified,
  };
}

/** The canonical text, without the charts of as many columns as it takes to fit: the least severe ones first. */
function fitted(report: DriftReport): { text: string; simplified: number } {
  const whole = jsonReport(report);
  if (Buffer.byteLength(whole) <= MAX_BYTES) return { text: whole, simplified: 0 };
  const bySeverity = [...report.columns.keys()].toSorted(
    (one, other) => rankAt(report, one) - rankAt(report, other),
  );
  // Halving the number that keep their charts until it fits writes the report a few times, not once a column.
  for (let kept = Math.floor(report.columns.length / 2); ; kept = Math.floor(kept / 2)) {
    const dropped = new Set(bySeverity.slice(0, report.columns.length - kept));
    const columns = report.columns.map((column, index) =>
      dropped.has(index) ? withoutCharts(column) : column,
    );
    const simplified = dropped.size;
    const note = `kept without the charts of ${simplified.toLocaleString('en-US')} columns, as the report would be larger than 10 MiB`;
    const text = jsonReport({ ...report, columns, notes: [...report.notes, note] });
    if (Buffer.byteLength(text) <= MAX_BYTES) return { text, simplified };
    if (kept === 0) {
      throw new UsageError(
        'LIMIT_EXCEEDED',
        `the report of ${report.columns.length.toLocaleString('en-US')} columns is larger than the 10 MiB that a kept report may have`,
        { hint: 'keep a report of fewer columns (--columns), or write it to a file (-o report.json)' },
      );
    }
  }
}

function rankAt({ columns }: DriftReport, index: number): number {
  return severityRank(columns[index]?.severity ?? 'none');
}

function withoutCharts(column: DriftReport['columns'][number]): DriftReport['columns'][number] {
  const { categories } = column;
  return {
    ...column,
    histogram: null,
    ecdf: null,
    categories: categories === null ? null : { ...categories, bars: [] },
  };
}

/**
 * One kept report, from the work tree or from a commit.
 *
 * @param name of the file
 * @throws IntegrityError `REPORT_DAMAGED`, and whatever `parseDocument` throws
 */
export function parseReport(bytes: Uint8Array, name: string): DriftReport {
  const path = gitPath(`${DRIFT_REPORTS_DIRECTORY}/${name}`);
  const id = name.replace(/\.json$/, '');
  const restore = `restore it from Git: git log --diff-filter=AM -- ${shellWord(path)}`;
  const hash = REPORT_ID.exec(id)?.[8];
  if (hash === undefined || !name.endsWith('.json') || Number.isNaN(Date.parse(timeOfReport(id)))) {
    throw new IntegrityError('REPORT_DAMAGED', `${printable(path)}: is not named as kept reports are`, {
      hint: restore,
    });
  }
  const report = parseDocument(bytes, DriftReport, { path, canonical: true });
  if (!digestOf(bytes).startsWith(`sha256:${hash}`)) {
    throw new IntegrityError(
      'REPORT_DAMAGED',
      `${path}: its bytes or its name were changed after it was kept`,
      { hint: restore },
    );
  }
  return report;
}
