import { estimateAccuracy } from '../statistics/cbpe.ts';
import { accuracy, macroF1, rootMeanSquaredError } from '../statistics/performance.ts';
import { effectiveRowsOf, forEffectiveRows, type MeasuredSide } from './measured.ts';

export interface ClassSide {
  readonly totalRows: number;
  readonly consecutive: boolean;
  /** Whole numbers from 0 on, -1 where there is none; equally long. */
  readonly labels: Int32Array;
  readonly predicted: Int32Array;
  /** Of the predicted class, NaN where there is none. */
  readonly probabilities: Float64Array;
}

/** Accuracy and mean F1 of more than two classes, of the rows with a label and a prediction. */
export function measureClasses({ labels, predicted, totalRows, consecutive }: ClassSide): MeasuredSide {
  const complete = (_: number, row: number): boolean => labels[row] !== -1 && predicted[row] !== -1;
  const truth = labels.filter(complete);
  const guesses = predicted.filter(complete);
  const rows = truth.length;
  if (rows === 0) return nothing(totalRows);
  const losses = Float64Array.from(truth, (label, row) => Number(label !== guesses[row]));
  const effectiveRows = effectiveRowsOf({ losses, consecutive });
  const right = losses.filter((loss) => loss === 0).length;
  const left = labels.filter((label) => label !== -1).length - rows;
  return {
    basis: 'labels',
    rows,
    totalRows,
    effectiveRows,
    estimates: forEffectiveRows(
      [
        ['accuracy', (confidence) => accuracy(right, rows, confidence)],
        ['f1', (confidence) => macroF1(truth, guesses, confidence)],
      ],
      { rows, effectiveRows },
    ),
    notes: left > 0 ? [`${left} labelled rows have no prediction and were left out`] : [],
  };
}

/** The accuracy that the probabilities of the predicted classes lead to expect. */
export function estimateClasses({ probabilities, totalRows }: ClassSide): MeasuredSide {
  const known = probabilities.filter((p) => !Number.isNaN(p));
  if (known.length === 0) return nothing(totalRows);
  return {
    basis: 'estimate',
    rows: known.length,
    totalRows,
    effectiveRows: known.length,
    estimates: new Map([['accuracy', (confidence: number) => estimateAccuracy(known, confidence)]]),
    notes: [],
  };
}

export interface QuantitySide {
  readonly totalRows: number;
  readonly consecutive: boolean;
  /** NaN where there is none; equally long. */
  readonly labels: Float64Array;
  readonly predicted: Float64Array;
}

/** Root mean squared error of the rows with a label and a prediction. */
export function measureQuantity({ labels, predicted, totalRows, consecutive }: QuantitySide): MeasuredSide {
  const errors = predicted.map((value, row) => value - (labels[row] as number)).filter(Number.isFinite);
  const rows = errors.length;
  if (rows === 0) return nothing(totalRows);
  const effectiveRows = effectiveRowsOf({ losses: errors.map((error) => Math.abs(error)), consecutive });
  const left = labels.filter(Number.isFinite).length - rows;
  return {
    basis: 'labels',
    rows,
    totalRows,
    effectiveRows,
    estimates: forEffectiveRows([['rmse', (confidence) => rootMeanSquaredError(errors, confidence)]], {
      rows,
      effectiveRows,
    }),
    notes: left > 0 ? [`${left} labelled rows have no prediction and were left out`] : [],
  };
}

function nothing(totalRows: number): MeasuredSide {
  return { basis: 'none', rows: 0, totalRows, effectiveRows: 0, estimates: new Map(), notes: [] };
}
