import { dependence } from '../statistics/autocorrelation.ts';
import type { SharedColumn } from './columns.ts';

/** Autocorrelations within so many standard errors of 0 may be chance, as one of many columns always has one. */
const STANDARD_ERRORS = 3.5;

/**
 * How many times larger the variance of a mean is than if the rows were independent: (1 + r) / (1 - r) with the lag-1 autocorrelation of the
 * ranks, 1 where that is not beyond chance, NaN left out.
 */
export function designEffectOf(values: Float64Array): number {
  const known = values.filter((value) => !Number.isNaN(value));
  const { r, dependent } = dependence(known);
  return dependent && r > STANDARD_ERRORS / Math.sqrt(known.length) ? (1 + r) / (1 - r) : 1;
}

/** The largest of all columns of numbers on both sides. A file in the order of a column says nothing of how rows depend on one another. */
export function largestDesignEffect(columns: readonly SharedColumn[]): number {
  let largest = 1;
  for (const column of columns) {
    if (column.kind !== 'numbers') continue;
    for (const values of [column.reference, column.current]) {
      if (!isInOrder(values)) largest = Math.max(largest, designEffectOf(values));
    }
  }
  return largest;
}

/** Nearly all rows: a sorted file may have had rows put at its end. */
const IN_ORDER = 0.95;

function isInOrder(values: Float64Array): boolean {
  let up = 0;
  let down = 0;
  for (let row = 1; row < values.length; row += 1) {
    const step = (values[row] as number) - (values[row - 1] as number);
    if (step > 0) up += 1;
    else if (step < 0) down += 1;
  }
  return Math.max(up, down) >= IN_ORDER * (up + down);
}
