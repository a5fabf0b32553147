import { type Distribution, innerEnds } from '../distribution.ts';

/**
 * Whether a column numbers the rows: whole numbers, each once, in row order on both sides, and the current ones begin after the reference's
 * last.
 */
export function isRowNumber(reference: Distribution, current: Distribution): boolean {
  if (!reference.ordered || !current.ordered || reference.rows === 0 || current.rows === 0) return false;
  return innerEnds(current).first > innerEnds(reference).last && countsUp(reference) && countsUp(current);
}

/** Of a profile, whether it may be so: its knots are whole numbers, and its most frequent value comes once. */
function countsUp({ values, error, rows, top, others }: Distribution): boolean {
  const once = 1.5 / rows;
  if (error > 0 && ((top[0]?.share ?? 0) > once || (others ?? 0) > once)) return false;
  for (let row = 0; row < values.length; row += 1) {
    if (!Number.isInteger(values[row])) return false;
    if (error === 0 && row > 0 && values[row] === values[row - 1]) return false;
  }
  return true;
}
