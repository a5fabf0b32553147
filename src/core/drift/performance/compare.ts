import { UsageError } from '../../../errors.ts';
import type { AlignedRows } from '../../../storage/tables/table.ts';
import { columnText, quoted } from '../text-of.ts';
import { highest } from '../verdict.ts';
import { estimateBinary, measureBinary, outcomesOf } from './binary.ts';
import { calibrationError, type Correction, worthwhileCorrection } from './calibration.ts';
import { columnOf, distinctLevels, isNumbers } from './columns.ts';
import { judgeMetric } from './judge.ts';
import type { MeasuredSide } from './measured.ts';
import { estimateClasses, measureClasses, measureQuantity } from './other-tasks.ts';
import { notesOf, whyMissing } from './notes.ts';
import type { Metric, MetricName, PerformanceSection, PerformanceSide } from './section.ts';
import { binarySide, classSide, type PerformanceColumns, predictionKind, quantitySide } from './sides.ts';
import { MOST_CLASSES, type Task, taskOf } from './task.ts';

export interface PerformanceOptions extends PerformanceColumns {
  /** The level of the target that counts as positive; see `taskOf`. */
  readonly positive?: string | undefined;
  /** Chance that a run without a change is called worse. */
  readonly alpha: number;
  /** Of the intervals that are shown; .95 unless told. */
  readonly confidence?: number;
}

export interface PerformanceSides {
  /** Rows with those of the named columns that the side has. */
  readonly reference: AlignedRows;
  readonly current: AlignedRows;
}

/**
 * How well the predictions fit on either side, and whether they fit worse now: measured where there are labels, estimated from the predicted
 * probabilities where there are none (CBPE).
 *
 * @returns undefined where neither a target nor a probability was named: predictions alone say nothing
 * @throws UsageError for probabilities outside of 0 to 1, a target of dates or of more than 1000 classes, and a positive level that is not there
 */
export function comparePerformance(
  sides: PerformanceSides,
  options: PerformanceOptions,
): PerformanceSection | undefined {
  if (options.target === undefined && options.probability === undefined) return undefined;
  const both = [sides.reference, sides.current];
  const task = taskOf({
    targets: both.map((rows) => columnOf(rows, options.target)),
    predictions: both.map((rows) => columnOf(rows, options.prediction)),
    positive: options.positive,
  });
  checkTask(both, options, task);
  const measured = measure(sides, options, task);
  return sectionOf(measured, options, task);
}

interface Measured {
  readonly reference: MeasuredSide;
  readonly current: MeasuredSide;
  readonly metrics: readonly MetricName[];
  readonly calibration: PerformanceSection['calibration'];
  readonly notes: readonly string[];
}

function measure(sides: PerformanceSides, options: PerformanceOptions, task: Task): Measured {
  if (task.kind === 'binary') return measureTwoClasses(sides, options, task);
  const nothing = { calibration: null, notes: [] };
  if (task.kind === 'regression') {
    const of = (rows: AlignedRows): MeasuredSide => measureQuantity(quantitySide(rows, options));
    return { reference: of(sides.reference), current: of(sides.current), metrics: ['rmse'], ...nothing };
  }
  const of = (rows: AlignedRows): MeasuredSide => {
    const side = classSide(rows, options, task);
    return labelledOrEstimated(measureClasses(side), estimateClasses(side));
  };
  return {
    reference: of(sides.reference),
    current: of(sides.current),
    metrics: ['accuracy', 'f1'],
    ...nothing,
  };
}

function measureTwoClasses(
  sides: PerformanceSides,
  options: PerformanceOptions,
  task: Extract<Task, { kind: 'binary' }>,
): Measured {
  const kind = predictionKind([sides.reference, sides.current], options);
  const before = binarySide(sides.reference, options, { task, kind });
  const after = binarySide(sides.current, options, { task, kind });
  const outcomes = outcomesOf(before);
  const correction = worthwhileCorrection(outcomes);
  const of = (side: typeof before): MeasuredSide =>
    labelledOrEstimated(measureBinary(side), estimateBinary(side, correction));
  const [reference, current] = [of(before), of(after)];
  const isEstimated = reference.basis === 'estimate' || current.basis === 'estimate';
  return {
    reference,
    current,
    metrics: ['accuracy', 'f1', 'auc'],
    calibration: isEstimated ? calibrationOf(outcomes, correction) : null,
    notes:
      kind === 'classes' ? [] : [`the column ${columnText(options.prediction ?? '')} was read as ${kind}`],
  };
}

function calibrationOf(
  outcomes: ReturnType<typeof outcomesOf>,
  correction: Correction | undefined,
): PerformanceSection['calibration'] {
  const rows = outcomes.labels.length;
  return rows === 0 ? null : { error: calibrationError(outcomes), rows, corrected: correction !== undefined };
}

/** With fewer labels than this an estimate from all rows says more. */
const ENOUGH_LABELS = 30;

function labelledOrEstimated(measured: MeasuredSide, estimated: MeasuredSide): MeasuredSide {
  if (measured.rows >= ENOUGH_LABELS || estimated.basis === 'none') return measured;
  return estimated;
}

function sectionOf(
  { reference, current, metrics: names, calibration, notes }: Measured,
  options: PerformanceOptions,
  task: Task,
): PerformanceSection {
  const { confidence = 0.95, alpha } = options;
  const isEstimate = reference.basis === 'estimate' || current.basis === 'estimate';
  const compared = names.filter((name) => reference.estimates.has(name) && current.estimates.has(name));
  const level = alpha / Math.max(1, compared.length);
  const metrics = names.map((metric) =>
    judgeMetric(
      {
        metric,
        reference: reference.estimates.get(metric),
        current: current.estimates.get(metric),
        isEstimate,
        missing: whyMissing({ reference, current }, metric),
      },
      { confidence, alpha: level },
    ),
  );
  return {
    task: task.kind,
    target: options.target ?? null,
    prediction: options.prediction ?? null,
    probability: options.probability ?? null,
    positive: task.kind === 'binary' ? task.positive : null,
    confidence,
    alpha,
    reference: shownSide(reference),
    current: shownSide(current),
    metrics,
    calibration,
    ...overall(metrics),
    notes: [...notes, ...notesOf({ reference, current, calibration })],
  };
}

function overall(metrics: readonly Metric[]): Pick<PerformanceSection, 'severity' | 'verdict' | 'message'> {
  const severity = highest(metrics.map((metric) => metric.severity));
  const of = (verdict: Metric['verdict']): Metric[] => metrics.filter((metric) => metric.verdict === verdict);
  for (const verdict of ['drift', 'inconclusive', 'stable'] as const) {
    const found = of(verdict);
    if (found.length > 0)
      return { severity, verdict, message: found.map(({ message }) => message).join('; ') };
  }
  return { severity, verdict: 'skipped', message: metrics[0]?.message ?? 'nothing could be measured' };
}

function shownSide({ basis, rows, totalRows, effectiveRows }: MeasuredSide): PerformanceSide {
  return { basis, rows, totalRows, effectiveRows };
}

function checkTask(
  sides: readonly AlignedRows[],
  { target, positive }: PerformanceOptions,
  task: Task,
): void {
  const columns = sides.map((rows) => columnOf(rows, target));
  const name = columnText(target ?? '');
  if (columns.some((column) => column?.type === 'datetime')) {
    throw new UsageError(
      'INVALID_INPUT',
      `the target ${name} is a column of dates, which nothing here can measure`,
    );
  }
  const levels = distinctLevels(
    columns.filter((column) => column !== undefined && !isNumbers(column)),
    Infinity,
  );
  if ((levels?.length ?? 0) > MOST_CLASSES) {
    throw new UsageError(
      'INVALID_INPUT',
      `the target ${name} has more than ${MOST_CLASSES} different values`,
      {
        hint: `if it is a quantity, say --type ${target ?? ''}=numeric`,
      },
    );
  }
  const known = distinctLevels(columns, MOST_CLASSES) ?? [];
  if (positive !== undefined && task.kind === 'binary' && known.length > 0 && task.codeOf(positive) !== 1) {
    throw new UsageError('INVALID_INPUT', `the target ${name} has no level ${quoted(positive)}`, {
      hint: `its levels are ${known.slice(0, 10).map(quoted).join(', ')}`,
    });
  }
}
