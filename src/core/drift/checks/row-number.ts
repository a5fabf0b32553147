import type { Distribution } from '../distribution.ts';

/**
 * Whether a column numbers the rows: whole numbers, each once, in row order on both sides, and the current ones begin after the reference's
 * last.
 */
export function isRowNumber(reference: Distribution, current: Distribution): boolean {
  if (!reference.ordered || !current.ordered || reference.max === null || current.min === null) return false;
  return current.min > reference.max && countsUp(reference) && countsUp(current);
}

function countsUp({ values, error }: Distribution): boolean {
  if (error > 0) return false;
  for (let row = 0; row < values.length; row += 1) {
    if (!Number.isInteger(values[row]) || (row > 0 && values[row] === values[row - 1])) return false;
  }
  return true;
}
