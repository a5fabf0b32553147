import { hashBytes, hashCell, hashOf } from '../columns/byte-hash.ts';
import { DISTINCT_ROWS } from '../columns/limits.ts';
import { RepeatedHashes } from '../columns/repeated-hashes.ts';
import type { DuplicateRows } from '../table.ts';
import type { Batch } from './batch.ts';
import type { TextSource } from './text-source.ts';

/** Counts rows that equal an earlier one, by a hash of the text of all their cells. */
export class RowCounter {
  readonly #hashes: RepeatedHashes;
  readonly #wholeRows: boolean;

  constructor(sources: readonly TextSource[], expectedRows: number) {
    this.#hashes = new RepeatedHashes(DISTINCT_ROWS, expectedRows);
    // Elsewhere the order of the cells, or what is between them, may differ from row to row.
    this.#wholeRows = sources.every(
      ({ syntax, places }) =>
        syntax.kind === 'delimited' && places.every((place, column) => place === column),
    );
  }

  add(batch: Batch, places: readonly number[]): void {
    if (this.#wholeRows) this.#addRows(batch);
    else this.#addCells(batch, places);
  }

  /** May be called once, after the last row. */
  finish(): DuplicateRows {
    const { repeated: rows, exact } = this.#hashes.finish();
    return { rows, exact };
  }

  #addRows({ view, rows, rowStarts, rowEnds }: Batch): void {
    const lanes = { low: 0, high: 0 };
    for (let row = 0; row < rows; row += 1) {
      hashBytes(view, rowStarts[row] as number, rowEnds[row] as number, lanes);
      this.#hashes.add(hashOf(lanes));
    }
  }

  #addCells({ bytes, rows, capacity, starts, ends }: Batch, places: readonly number[]): void {
    const lanes = { low: 0, high: 0 };
    for (let row = 0; row < rows; row += 1) {
      lanes.low = 0;
      lanes.high = 0;
      for (const place of places) {
        const cell = place * capacity + row;
        hashCell(bytes, starts[cell] as number, ends[cell] as number, lanes);
      }
      this.#hashes.add(hashOf(lanes));
    }
  }
}
