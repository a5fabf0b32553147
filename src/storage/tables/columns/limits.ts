/** Rows that evidence is taken from, and cells that bound them in wide tables. */
const EVIDENCE_ROWS = 50_000;
const EVIDENCE_CELLS = 500_000;

/** How many of the first rows tell what is in a table of so many columns. */
export function evidenceRows(columns: number): number {
  return Math.max(100, Math.min(EVIDENCE_ROWS, Math.floor(EVIDENCE_CELLS / Math.max(1, columns))));
}

/** Different rows up to which duplicates are counted exactly. */
export const DISTINCT_ROWS = 2_000_000;
