import { readFileSync } from 'node:fs';
import { csvParse } from 'd3-dsv';

/** The column that says what is to be predicted: 1 for the rare event, 0 otherwise. */
export const TARGET = 'target';

/** Rows of a CSV file that has a header line, as objects of strings. */
export function readCsv(path) {
  return csvParse(readFileSync(path, 'utf8')).map((row) => ({ ...row }));
}

/** The target column of `rows` as an array of 0 and 1. */
export function labelsOf(rows) {
  return rows.map((row) => {
    if (row[TARGET] !== '0' && row[TARGET] !== '1') {
      throw new Error(`column "${TARGET}" must be 0 or 1, found "${row[TARGET]}"`);
    }
    return Number(row[TARGET]);
  });
}
