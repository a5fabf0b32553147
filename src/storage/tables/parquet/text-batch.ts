import type { DuckDBVector } from '@duckdb/node-api';
import type { Batch } from '../text/batch.ts';

/** Texts of one column as a batch, so that they are read by the rules that hold for the text of files. */
export function textBatch(vector: DuckDBVector, rows: number): Batch {
  const starts = new Int32Array(rows).fill(-1);
  const ends = new Int32Array(rows).fill(-1);
  const texts: string[] = [];
  let length = 0;
  for (let row = 0; row < rows; row += 1) {
    const text: unknown = vector.getItem(row);
    if (typeof text !== 'string') continue;
    starts[row] = length;
    length += Buffer.byteLength(text);
    ends[row] = length;
    texts.push(text);
  }
  return { bytes: Buffer.from(texts.join('')), rows, columns: 1, capacity: rows, starts, ends };
}
