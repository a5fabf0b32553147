import type { Batch } from '../text/batch.ts';
import type { ColumnData } from '../table.ts';

/** Which rows of a batch are kept, as places in it. */
export interface KeptRows {
  places: Int32Array;
  count: number;
}

/** What becomes of one column while the rows go by. */
export interface ColumnSink {
  /** @param column the place of the column in `batch` */
  take(batch: Batch, column: number, kept: KeptRows): void;
  /** Of the rows kept so far only these stay. */
  keep(places: Int32Array): void;
  /** May be called once, after the last row. */
  finish(table: { rows: number; sampled: boolean }): ColumnData;
}

/** What was found in a column besides what it should hold. */
export class OddCells {
  nulls = 0;
  unparsable = 0;
  readonly examples: string[] = [];

  addUnparsable(text: string, rows = 1): void {
    this.unparsable += rows;
    const short = cut(text);
    if (this.examples.length < EXAMPLES && !this.examples.includes(short)) this.examples.push(short);
  }
}

const EXAMPLES = 3;
const EXAMPLE_LENGTH = 40;

/** At most 40 characters, no half of a surrogate pair at the end. */
export function cut(text: string): string {
  if (text.length <= EXAMPLE_LENGTH) return text;
  return Array.from(text.slice(0, 2 * EXAMPLE_LENGTH))
    .slice(0, EXAMPLE_LENGTH)
    .join('');
}
