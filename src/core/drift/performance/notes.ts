import type { MeasuredSide } from './measured.ts';
import type { Basis, MetricName, PerformanceSection } from './section.ts';

export interface BothMeasured {
  readonly reference: MeasuredSide;
  readonly current: MeasuredSide;
}

/** What a reader of the section should know of where its numbers come from. */
export function notesOf({
  reference,
  current,
  calibration,
}: BothMeasured & { calibration: PerformanceSection['calibration'] }): string[] {
  return [
    ...basisNotes({ reference, current, calibration }),
    ...sideNotes('reference', reference),
    ...sideNotes('current', current),
  ];
}

/** Why a metric could not be compared. */
export function whyMissing({ reference, current }: BothMeasured, metric: MetricName): string {
  const why = (side: string, { basis, estimates }: MeasuredSide): string[] => {
    if (estimates.has(metric)) return [];
    if (basis === 'estimate') return [`the ${side} data has no labels, and no estimate of it is known`];
    if (basis === 'none') return [`the ${side} data has neither labels with predictions nor probabilities`];
    return [
      metric === 'auc'
        ? `the ${side} data has no scores of both classes`
        : `the ${side} data has no predictions`,
    ];
  };
  const reasons = [...why('reference', reference), ...why('current', current)];
  return reasons.length === 0 ? 'no row is positive, or predicted so' : reasons.join(', and ');
}

const ESTIMATE_NOTE: Readonly<Record<Exclude<Basis, 'labels'>, string>> = {
  estimate:
    'estimated from the predicted probabilities (CBPE): right as far as they are calibrated, and blind to a change of what the inputs mean',
  none: 'nothing to measure the performance by',
};

function basisNotes({
  reference,
  current,
  calibration,
}: BothMeasured & { calibration: PerformanceSection['calibration'] }): string[] {
  const bases = (['estimate', 'none'] as const).flatMap((basis) => {
    const found = [
      ...(reference.basis === basis ? ['reference'] : []),
      ...(current.basis === basis ? ['current data'] : []),
    ];
    return found.length === 0 ? [] : [`${found.join(' and ')}: ${ESTIMATE_NOTE[basis]}`];
  });
  if (calibration === null || !bases.some((note) => note.includes('estimated'))) return bases;
  const size = `${(100 * calibration.error).toFixed(1)} points over ${calibration.rows} labelled reference rows`;
  const done = calibration.corrected ? ', corrected before the estimate' : '';
  return [...bases, `calibration error of the probabilities: ${size}${done}`];
}

function sideNotes(side: string, { notes, rows, effectiveRows, totalRows, basis }: MeasuredSide): string[] {
  const found = notes.map((note) => `${side}: ${note}`);
  if (basis === 'labels' && rows < totalRows)
    found.push(`${side}: ${rows} of ${totalRows} rows were measured`);
  if (effectiveRows < rows) {
    const worth = Math.round(effectiveRows);
    found.push(
      `${side}: errors of neighbouring rows are alike, so that ${rows} rows are worth ${worth} independent ones`,
    );
  }
  return found;
}
