import { UsageError } from '../../errors.ts';
import type { AlignedRows, ColumnPlan, Table } from '../../storage/tables/table.ts';
import type { OpenedSide } from './open-side.ts';
import { comparePerformance } from './performance/compare.ts';
import type { PerformanceSection } from './performance/section.ts';
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
}

interface BothSides {
  readonly reference: OpenedSide;
  readonly current: OpenedSide;
  readonly policy: ResolvedPolicy;
}

/** Rows whose labels and predictions are compared: a share is then known to a fifth of a per cent. */
const LABELLED_ROWS = 200_000;

/**
 * Adds to a report what takes several columns of the same rows: how well predictions fit.
 *
 * @throws UsageError for columns that no side has, and for probabilities that are none
 */
export async function checkAllRows(
  report: DriftReport,
  sides: BothSides,
  { request, signal }: { request: RowChecks; signal?: AbortSignal | undefined },
): Promise<DriftReport> {
  const { target, prediction, probability } = request;
  if (target === undefined && probability === undefined) return report;
  const names = [target, prediction, probability].filter((name) => name !== undefined);
  assertKnown(names, sides);
  const { reference, current } = sides;
  if (reference.table === undefined || current.table === undefined) {
    const profile = reference.table === undefined ? reference.side : current.side;
    const note = `performance was not compared: it takes rows, and ${profile.name} is a profile`;
    return { ...report, notes: [...report.notes, note] };
  }
  const rows = await Promise.all(
    [reference, current].map(({ side, table }) =>
      alignedRows(table as Table, planFor(names, side, sides), { seed: request.seed, signal }),
    ),
  );
  const [before, after] = rows as [AlignedRows, AlignedRows];
  const performance = comparePerformance(
    { reference: before, current: after },
    {
      target,
      prediction,
      probability,
      positive: request.positive,
      alpha: sides.policy.alpha.value,
    },
  );
  return performance === undefined ? report : withPerformance(report, performance, sides.policy);
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

function alignedRows(
  table: Table,
  plan: readonly ColumnPlan[],
  { seed, signal }: { seed: number | undefined; signal: AbortSignal | undefined },
): Promise<AlignedRows> {
  return table.sampleRows(plan, {
    rows: LABELLED_ROWS,
    ...(seed === undefined ? {} : { seed }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function withPerformance(
  report: DriftReport,
  performance: PerformanceSection,
  policy: ResolvedPolicy,
): DriftReport {
  return { ...withSeverity(report, performance, policy), performance };
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
