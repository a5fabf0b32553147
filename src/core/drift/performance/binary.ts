import { estimatePerformance } from '../statistics/cbpe.ts';
import { accuracy, areaUnderRoc, f1 } from '../statistics/performance.ts';
import type { Correction, Outcomes } from './calibration.ts';
import { effectiveRowsOf, type EstimateAt, forEffectiveRows, type MeasuredSide } from './measured.ts';
import type { MetricName } from './section.ts';

/** One side of a task with two classes; rows in row order, all arrays equally long. */
export interface BinarySide {
  readonly totalRows: number;
  /** Whether the rows lie in the file as they lie here. */
  readonly consecutive: boolean;
  /** 1 positive, 0 negative, -1 without a label. */
  readonly labels: Int8Array;
  /** The predicted class in the same way. */
  readonly predicted: Int8Array;
  /** Probability of the positive class, NaN where there is none. */
  readonly probabilities: Float64Array;
  /** What rows are ranked by, NaN where there is nothing: the probability, or a score of any scale. */
  readonly scores: Float64Array;
}

/** Accuracy, F1 and AUC of the rows that have a label. */
export function measureBinary(side: BinarySide): MeasuredSide {
  const { labels, predicted, scores, totalRows, consecutive } = side;
  const classified = rowsWhere(labels, (row) => labels[row] !== -1 && predicted[row] !== -1);
  const ranked = rowsWhere(labels, (row) => labels[row] !== -1 && !Number.isNaN(scores[row]));
  const labelled = rowsWhere(labels, (row) => labels[row] !== -1);
  const rows = Math.max(classified.length, ranked.length);
  const losses = Float64Array.from(classified.length > 0 ? classified : ranked, (row) => lossOf(side, row));
  const worth = losses.length === 0 ? 1 : effectiveRowsOf({ losses, consecutive }) / losses.length;
  const estimates: [MetricName, EstimateAt][] = [];
  if (classified.length > 0) {
    const count = (label: number, prediction: number): number =>
      classified.filter((row) => labels[row] === label && predicted[row] === prediction).length;
    const table = { truePositives: count(1, 1), falsePositives: count(0, 1), falseNegatives: count(1, 0) };
    const right = table.truePositives + count(0, 0);
    estimates.push(['accuracy', (confidence) => accuracy(right, classified.length, confidence)]);
    estimates.push(['f1', (confidence) => f1(table, confidence)]);
  }
  const scoresOf = (label: number): Float64Array =>
    Float64Array.from(
      ranked.filter((row) => labels[row] === label),
      (row) => scores[row] as number,
    );
  const [negative, positive] = [scoresOf(0), scoresOf(1)];
  if (negative.length > 0 && positive.length > 0) {
    estimates.push(['auc', (confidence) => areaUnderRoc(positive, negative, confidence)]);
  }
  const effectiveRows = rows * worth;
  const left = labelled.length - rows;
  return {
    basis: rows === 0 ? 'none' : 'labels',
    rows,
    totalRows,
    effectiveRows,
    estimates: forEffectiveRows(estimates, { rows, effectiveRows }),
    notes: left > 0 ? [`${left} labelled rows have no prediction and were left out`] : [],
  };
}

/** What the same would be by the probabilities, which are corrected before they are believed. */
export function estimateBinary(side: BinarySide, correction: Correction | undefined): MeasuredSide {
  const { probabilities, predicted, scores, totalRows } = side;
  const known = rowsWhere(probabilities, (row) => !Number.isNaN(probabilities[row]));
  const rows = known.length;
  const base = { rows, totalRows, effectiveRows: rows };
  if (rows === 0) return { ...base, basis: 'none', estimates: new Map(), notes: [] };
  const believed = Float64Array.from(known, (row) => {
    const p = probabilities[row] as number;
    return Math.min(1, Math.max(0, correction === undefined ? p : correction(p)));
  });
  const classes = Int8Array.from(known, (row) => {
    const given = predicted[row] as number;
    return given === -1 ? Number((probabilities[row] as number) >= THRESHOLD) : given;
  });
  const ranks = Float64Array.from(known, (row) => scores[row] as number);
  const at = (confidence: number) =>
    estimatePerformance(believed, { predicted: classes, scores: ranks, confidence });
  const estimates = new Map<MetricName, EstimateAt>([
    ['accuracy', (confidence) => at(confidence).accuracy],
    ['f1', (confidence) => at(confidence).f1],
    ['auc', (confidence) => at(confidence).auc],
  ]);
  return { ...base, basis: 'estimate', estimates, notes: [] };
}

/** The rows with a label and a probability, from which it is told how well the probabilities are calibrated. */
export function outcomesOf({ labels, probabilities }: BinarySide): Outcomes {
  const rows = rowsWhere(labels, (row) => labels[row] !== -1 && !Number.isNaN(probabilities[row]));
  return {
    probabilities: Float64Array.from(rows, (row) => probabilities[row] as number),
    labels: Uint8Array.from(rows, (row) => labels[row] as number),
  };
}

/** From this probability on a row is predicted positive where no column says what was predicted. */
export const THRESHOLD = 0.5;

function lossOf({ labels, predicted, probabilities }: BinarySide, row: number): number {
  const label = labels[row] as number;
  const p = probabilities[row] as number;
  return Number.isNaN(p) ? Number(predicted[row] !== label) : Math.abs(label - p);
}

function rowsWhere(rows: ArrayLike<number>, wanted: (row: number) => boolean): number[] {
  const found: number[] = [];
  for (let row = 0; row < rows.length; row += 1) if (wanted(row)) found.push(row);
  return found;
}
