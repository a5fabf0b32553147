import type { Distribution } from '../distribution.ts';

/** `id`, `row_number`, `customerId`, `order-no`, what pandas and R call the index: names of columns that number rows. */
const NAMES_ROWS =
  /^$|^(?:unnamed: ?0|rownames|index|idx|row|rows?[ _.-]?(?:id|no|nr|num|number|index|idx))$|(?:^|[ _.-])(?:id|idx|index|no|nr|number|key|seq|sequence)$|[a-z](?:Id|ID|Index|Key|No|Number)$/;

/**
 * Whether a column numbers the rows: called so, and whole numbers, each once, in row order on both sides. Another file then has other numbers,
 * whether they go on or begin anew.
 */
export function isRowNumber(
  name: string,
  { reference, current }: { reference: Distribution; current: Distribution },
): boolean {
  if (!NAMES_ROWS.test(name) && !NAMES_ROWS.test(name.toLowerCase())) return false;
  if (!reference.ordered || !current.ordered || reference.rows === 0 || current.rows === 0) return false;
  return countsUp(reference) && countsUp(current);
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
