import type { DuckDBVector } from '@duckdb/node-api';
import { makeBatch, windowOn, type Batch } from '../text/batch.ts';

/** Texts of one column as a batch, so that they are read by the rules that hold for the text of files. */
export function textBatch(vector: DuckDBVector, rows: number): Batch {
  const batch = makeBatch(1, { capacity: rows });
  const starts = batch.starts.fill(-1);
  const ends = batch.ends.fill(-1);
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
  return { ...batch, ...windowOn(Buffer.from(texts.join(''))), rows };
}
