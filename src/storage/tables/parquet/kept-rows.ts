import { RowSample, type RowSampleLimits } from '../columns/row-sample.ts';

const STEP = 1 << 20;

/** The numbers of the rows that are kept of a table whose length is known; undefined if all are. */
export function keptRows(rows: number, limits: RowSampleLimits): Float64Array | undefined {
  const sample = new RowSample(limits);
  if (sample.keepsAll(rows)) return undefined;
  let kept = new Float64Array(0);
  const places = new Int32Array(STEP);
  for (let from = 0; from < rows; from += STEP) {
    const { taken, stay } = sample.next(Math.min(STEP, rows - from), places);
    const before = stay === undefined ? kept : Float64Array.from(stay, (place) => kept[place] as number);
    kept = new Float64Array(before.length + taken);
    kept.set(before);
    for (let index = 0; index < taken; index += 1)
      kept[before.length + index] = from + (places[index] as number);
  }
  const stay = sample.finish();
  return stay === undefined ? kept : Float64Array.from(stay, (place) => kept[place] as number);
}

/** Says of one stretch of rows after the other which of them are kept. */
export class KeptRowsCursor {
  readonly #kept: Float64Array | undefined;
  #places = new Int32Array(0);
  #row = 0;
  #next = 0;

  constructor(kept: Float64Array | undefined) {
    this.#kept = kept;
  }

  /** The kept ones of the next `count` rows; valid until the next call. */
  advance(count: number): { places: Int32Array; count: number } {
    if (this.#places.length < count) this.#places = Int32Array.from({ length: count }, (_, row) => row);
    const from = this.#row;
    this.#row += count;
    if (this.#kept === undefined) return { places: this.#places, count };
    let taken = 0;
    for (; (this.#kept[this.#next] ?? Infinity) < this.#row; this.#next += 1) {
      this.#places[taken] = (this.#kept[this.#next] as number) - from;
      taken += 1;
    }
    return { places: this.#places, count: taken };
  }
}
