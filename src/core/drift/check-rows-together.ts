import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { AlignedRows, ColumnPlan, ColumnType } from '../../storage/tables/table.ts';
import type { OpenedSide } from './open-side.ts';
import { comparePerformance } from './performance/compare.ts';
import type { ResolvedPolicy } from './policy/resolve.ts';
import type { DriftReport, Severity, Verdict } from './report.ts';
import type { Side } from './side.ts';
import { columnText } from './text-of.ts';
import { highest, isAtLeast } from './verdict.ts';

export interface RowChecks {
  readonly target?: string | undefined;
  readonly prediction?: string | undefined;
  readonly probability?: string | undefined;
  readonly positive?: string | undefined;
  readonly seed?: number | undefined;
  /** Whether all columns of a row are looked at together. */
  readonly multivariate?: boolean | undefined;
}

interface BothSides {
  readonly reference: OpenedSide;
  readonly current: OpenedSide;
  readonly policy: ResolvedPolicy;
}

/** Rows whose labels and predictions are compared: a share is then known to a fifth of a per cent. */
const LABELLED_ROWS = 200_000;
/** Rows of a side that are looked at with all columns together. */
const WHOLE_ROWS = 20_000;

interface CheckOptions {
  readonly request: RowChecks;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Adds to a report what takes several columns of the same rows: how well predictions fit, and changes that no column shows by itself.
 *
 * @throws UsageError for columns that no side has, and for probabilities that are none
 */
export async function checkAllRows(
  report: DriftReport,
  sides: BothSides,
  options: CheckOptions,
): Promise<DriftReport> {
  return withMultivariate(await withPerformance(report, sides, options), sides, options);
}

async function withPerformance(
  report: DriftReport,
  sides: BothSides,
  { request, signal }: CheckOptions,
): Promise<DriftReport> {
  const { target, prediction, probability, positive } = request;
  if (target === undefined && probability === undefined) return report;
  const names = [target, prediction, probability].filter((name) => name !== undefined);
  assertKnown(names, sides);
  const read = { names, rows: LABELLED_ROWS, seed: request.seed, signal };
  const rows = await rowsOfBoth(sides, read);
  if (rows === undefined) return noted(report, sides, 'performance was');
  const alpha = sides.policy.alpha.value;
  const performance = comparePerformance(rows, { target, prediction, probability, positive, alpha });
  return performance === undefined
    ? report
    : { ...withSeverity(report, performance, sides.policy), performance };
}

const LOOKED_AT: ReadonlySet<ColumnType> = new Set(['numeric', 'categorical', 'boolean']);

async function withMultivariate(
  report: DriftReport,
  sides: BothSides,
  { request, signal }: CheckOptions,
): Promise<DriftReport> {
  if (request.multivariate !== true) return report;
  const names = report.columns
    .filter(({ role, type, reference, current, skipped }) => {
      const isFeature = role === 'feature' && type !== null && LOOKED_AT.has(type);
      return isFeature && reference !== null && current !== null && skipped === null;
    })
    .map(({ column }) => column);
  const rows = await rowsOfBoth(sides, { names, rows: WHOLE_ROWS, seed: request.seed, signal });
  if (rows === undefined) return noted(report, sides, 'all columns of a row together were');
  const { compareMultivariate } = await import('./multivariate/compare.ts');
  const multivariate = compareMultivariate(rows, { alpha: sides.policy.alpha.value, seed: request.seed });
  return { ...withSeverity(report, multivariate, sides.policy), multivariate };
}

function noted(report: DriftReport, { reference, current }: BothSides, what: string): DriftReport {
  const profile = reference.table === undefined ? reference.side : current.side;
  const note = `${what} not compared: that takes rows, and ${printable(profile.name)} is a profile`;
  return { ...report, notes: [...report.notes, note] };
}

interface RowRequest {
  readonly names: readonly string[];
  readonly rows: number;
  readonly seed: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** undefined where a side is a profile. */
async function rowsOfBoth(
  sides: BothSides,
  { names, rows, seed, signal }: RowRequest,
): Promise<{ reference: AlignedRows; current: AlignedRows } | undefined> {
  const { reference, current } = sides;
  if (reference.table === undefined || current.table === undefined) return undefined;
  const options = {
    rows,
    ...(seed === undefined ? {} : { seed }),
    ...(signal === undefined ? {} : { signal }),
  };
  return {
    reference: await reference.table.sampleRows(planFor(names, reference.side, sides), options),
    current: await current.table.sampleRows(planFor(names, current.side, sides), options),
  };
}

function assertKnown(names: readonly string[], { reference, current }: BothSides): void {
  const known = new Set([...reference.side.columns, ...current.side.columns].map(({ name }) => name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new UsageError('UNKNOWN_COLUMN', `neither side has a column ${columnText(unknown)}`);
}

/** Types as the comparison pinned them: those of the reference where it has the column. */
function planFor(
  names: readonly string[],
  side: Side,
  { reference, current, policy }: BothSides,
): ColumnPlan[] {
  const has = new Set(side.columns.map(({ name }) => name));
  const pins = new Map(
    [...current.side.columns, ...reference.side.columns].map(({ name, inferred }) => [name, inferred]),
  );
  return [...new Set(names)].flatMap((name) => {
    const inferred = pins.get(name);
    const type = policy.column(name).type?.value ?? inferred?.type;
    if (!has.has(name) || type === undefined) return [];
    const integers = type === inferred?.type ? inferred.integers : undefined;
    return [{ name, type, ...(integers === undefined ? {} : { integers }) }];
  });
}

/** A verdict on rows counts as one on a column does. */
function withSeverity(
  report: DriftReport,
  { severity, verdict, message }: { severity: Severity; verdict: Verdict | 'skipped'; message: string },
  { failOn, failOnInconclusive }: ResolvedPolicy,
): DriftReport {
  if (verdict === 'skipped') return report;
  const isDrift = verdict === 'drift';
  const becomes = report.verdict === 'drift' || isDrift ? 'drift' : report.verdict;
  return {
    ...report,
    verdict: becomes,
    severity: highest([report.severity, severity]),
    failed:
      report.failed ||
      isAtLeast(severity, failOn.value) ||
      (failOnInconclusive.value && becomes === 'inconclusive'),
    message: isDrift ? `${report.message}; ${message}` : report.message,
  };
}
