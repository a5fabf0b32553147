import { UsageError } from '../../errors.ts';
import type { AlignedRows } from '../../storage/tables/table.ts';
import { blockSide } from './calibrate-block-side.ts';
import { batchesNeeded } from './calibrate-floors.ts';
import type { BatchSource, CalibrationData } from './calibrate.ts';
import type { Side } from './side.ts';
import type { PinnedColumn } from './summary.ts';
import { columnText } from './text-of.ts';

export interface SplitOptions {
  /** As the person named the data. */
  readonly name: string;
  /** The columns to compare, all among those of the rows. */
  readonly pinned: readonly PinnedColumn[];
  /** `time`: the later blocks follow the reference, in the order of the rows. `random`: rows are drawn. */
  readonly source: 'time' | 'random';
  /** Rows of a batch. */
  readonly batchRows: number;
  readonly budget: number;
  readonly seed: number;
  /** The column whose values put the rows in order; without it they are in order. */
  readonly orderBy?: string | undefined;
}

/** More blocks cost time and tell little more. */
const MOST_BLOCKS = 200;

/** Cells that are held in memory at once, 8 bytes each. */
const MOST_CELLS = 40_000_000;

/** How many rows of so many columns can be split. */
export function rowsToSplit(columns: number): number {
  return Math.floor(MOST_CELLS / Math.max(1, columns));
}

/**
 * The rows of a data set as a reference and batches that are not part of it: blocks of equal size from the second half, the rest before them. With
 * `time` the first rows are the reference, as if it had been made then and the others had come since; with `random` the same of shuffled rows.
 *
 * @throws UsageError `TOO_FEW_ROWS` where there are not enough blocks for the budget, `TOO_MANY_ROWS`, `UNKNOWN_COLUMN`
 */
export function splitRows(rows: AlignedRows, options: SplitOptions): CalibrationData {
  const { name, batchRows, budget, source, pinned } = options;
  if (source === 'time' && rows.totalRows > rows.rows) {
    throw new UsageError(
      'TOO_MANY_ROWS',
      `${rows.totalRows.toLocaleString('en-US')} rows are too many to be split in their order`,
      {
        hint: `name the batches as files, or compare fewer columns: ${rows.rows.toLocaleString('en-US')} rows of so many columns can be held`,
      },
    );
  }
  const needed = batchesNeeded(budget);
  const possible = Math.floor(rows.rows / 2 / batchRows);
  if (possible < needed) {
    throw new UsageError(
      'TOO_FEW_ROWS',
      `${rows.rows.toLocaleString('en-US')} rows give ${possible} blocks of ${batchRows.toLocaleString('en-US')} in their second half: ${needed} are needed for one false alarm in ${Math.round(1 / budget)} batches`,
      {
        hint: `it takes ${(2 * needed * batchRows).toLocaleString('en-US')} rows; allow more false alarms with --budget, or name past batches`,
      },
    );
  }
  const blocks = Math.min(possible, Math.max(MOST_BLOCKS, needed));
  const order = orderOf(rows, options);
  const first = rows.rows - blocks * batchRows;
  const part = (from: number, to: number): Side =>
    blockSide(rows, {
      name: `${name}, rows ${(from + 1).toLocaleString('en-US')} to ${to.toLocaleString('en-US')}`,
      pinned,
      rows: order.subarray(from, to),
    });
  const opened = (side: Side) => Promise.resolve({ side, close: () => Promise.resolve() });
  return {
    reference: () => opened(part(0, first)),
    batches: Array.from({ length: blocks }, (_, block): BatchSource => {
      const from = first + block * batchRows;
      const side = part(from, from + batchRows);
      return { name: side.name, open: () => opened(side) };
    }),
  };
}

/** Places of the rows, those of the reference first. */
function orderOf(rows: AlignedRows, { source, seed, orderBy }: SplitOptions): Int32Array {
  const order = Int32Array.from({ length: rows.rows }, (_, row) => row);
  if (source === 'random') return shuffled(order, seed);
  if (orderBy === undefined) return order;
  const column = rows.columns.find((each) => each.name === orderBy);
  if (column === undefined)
    throw new UsageError('UNKNOWN_COLUMN', `--order-by: there is no column ${columnText(orderBy)}`);
  if (!('values' in column)) {
    throw new UsageError(
      'INVALID_INPUT',
      `--order-by: ${columnText(orderBy)} holds neither numbers nor times`,
    );
  }
  const { values } = column;
  // What has no time comes first, where it is part of the reference.
  const placeOf = (row: number): number => (Number.isNaN(values[row]) ? -Infinity : (values[row] as number));
  return order.sort((x, y) => compareNumbers(placeOf(x), placeOf(y)) || x - y);
}

function compareNumbers(x: number, y: number): number {
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Fisher & Yates, by the 32-bit generator mulberry32 (T. Ettinger, public domain). */
function shuffled(order: Int32Array, seed: number): Int32Array {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = Math.floor(next() * (at + 1));
    const kept = order[at] as number;
    order[at] = order[other] as number;
    order[other] = kept;
  }
  return order;
}
