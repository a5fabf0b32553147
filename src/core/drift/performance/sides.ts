import { UsageError } from '../../../errors.ts';
import type { AlignedRows } from '../../../storage/tables/table.ts';
import { columnText, short } from '../text-of.ts';
import type { BinarySide } from './binary.ts';
import { THRESHOLD } from './binary.ts';
import { columnOf, isNumbers, levelsOf, numbersOf } from './columns.ts';
import type { ClassSide, QuantitySide } from './other-tasks.ts';
import type { Task } from './task.ts';

/** The columns that say what was predicted and what was true; at least a target or a probability. */
export interface PerformanceColumns {
  readonly target?: string | undefined;
  readonly prediction?: string | undefined;
  /** Of the positive class; with more than two classes of the predicted one. */
  readonly probability?: string | undefined;
}

/** What a numeric column of predictions of two classes holds. */
export type PredictionKind = 'classes' | 'probabilities' | 'scores';

/**
 * Told from the values on both sides: the codes of the classes, numbers from 0 to 1 (probabilities, where no other column holds them), or
 * any others.
 */
export function predictionKind(sides: readonly AlignedRows[], columns: PerformanceColumns): PredictionKind {
  let kind: PredictionKind = 'classes';
  for (const rows of sides) {
    const column = columnOf(rows, columns.prediction);
    if (column === undefined || !isNumbers(column)) continue;
    for (const value of column.values) {
      if (Number.isNaN(value) || value === 0 || value === 1) continue;
      if (value < 0 || value > 1) return column.values.every(isCode) ? 'classes' : 'scores';
      kind = 'probabilities';
    }
  }
  return kind === 'probabilities' && columns.probability !== undefined ? 'scores' : kind;
}

function isCode(value: number): boolean {
  return Number.isNaN(value) || value === -1 || value === 1;
}

/** @throws UsageError for probabilities that are none */
export function binarySide(
  rows: AlignedRows,
  columns: PerformanceColumns,
  { task, kind }: { task: Extract<Task, { kind: 'binary' }>; kind: PredictionKind },
): BinarySide {
  const count = rows.rows;
  const prediction = columnOf(rows, columns.prediction);
  const probabilityColumn = kind === 'probabilities' ? columns.prediction : columns.probability;
  const probabilities = numbersOf(columnOf(rows, probabilityColumn), count);
  if (probabilityColumn !== undefined) checkProbabilities(probabilities, probabilityColumn);
  const predicted =
    kind === 'classes' && prediction !== undefined
      ? Int8Array.from(levelsOf(prediction, count), task.codeOf)
      : Int8Array.from(probabilities, (p) => (Number.isNaN(p) ? -1 : Number(p >= THRESHOLD)));
  return {
    totalRows: rows.totalRows,
    consecutive: rows.rows === rows.totalRows,
    labels: Int8Array.from(levelsOf(columnOf(rows, columns.target), count), task.codeOf),
    predicted,
    probabilities,
    scores: kind === 'scores' ? scoresOf(rows, columns, probabilities) : probabilities,
  };
}

/** The probabilities where they are known, else the prediction's own scale. */
function scoresOf(
  rows: AlignedRows,
  { prediction }: PerformanceColumns,
  probabilities: Float64Array,
): Float64Array {
  return probabilities.some((p) => !Number.isNaN(p))
    ? probabilities
    : numbersOf(columnOf(rows, prediction), rows.rows);
}

/** @throws UsageError for probabilities that are none */
export function classSide(
  rows: AlignedRows,
  columns: PerformanceColumns,
  { codeOf }: Extract<Task, { kind: 'multiclass' }>,
): ClassSide {
  const probabilities = numbersOf(columnOf(rows, columns.probability), rows.rows);
  if (columns.probability !== undefined) checkProbabilities(probabilities, columns.probability);
  return {
    totalRows: rows.totalRows,
    consecutive: rows.rows === rows.totalRows,
    labels: Int32Array.from(levelsOf(columnOf(rows, columns.target), rows.rows), codeOf),
    predicted: Int32Array.from(levelsOf(columnOf(rows, columns.prediction), rows.rows), codeOf),
    probabilities,
  };
}

export function quantitySide(rows: AlignedRows, columns: PerformanceColumns): QuantitySide {
  return {
    totalRows: rows.totalRows,
    consecutive: rows.rows === rows.totalRows,
    labels: numbersOf(columnOf(rows, columns.target), rows.rows),
    predicted: numbersOf(columnOf(rows, columns.prediction), rows.rows),
  };
}

function checkProbabilities(values: Float64Array, column: string): void {
  const wrong = values.find((value) => value < 0 || value > 1);
  if (wrong === undefined) return;
  throw new UsageError(
    'INVALID_INPUT',
    `the column ${columnText(column)} holds ${short(wrong)}, which is no probability`,
    { hint: 'name a column of probabilities from 0 to 1 with --proba' },
  );
}
