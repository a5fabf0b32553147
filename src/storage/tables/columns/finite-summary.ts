import type { NumericColumn } from '../table.ts';
import type { KeptRows } from './column-sink.ts';
import { GrowingNumbers, withoutNaN } from './growing-numbers.ts';

type Summary = Pick<
  NumericColumn,
  | 'values'
  | 'sampled'
  | 'consecutive'
  | 'finite'
  | 'nan'
  | 'positiveInfinite'
  | 'negativeInfinite'
  | 'min'
  | 'max'
  | 'top'
>;

/** Neighbouring rows kept of a column that is sampled. */
const CONSECUTIVE = 20_000;

/** What is kept of the numbers of one column, wherever they come from. */
export class FiniteSummary {
  nan = 0;
  #positiveInfinite = 0;
  #negativeInfinite = 0;
  #finite = 0;
  #min = Infinity;
  #max = -Infinity;
  readonly #kept: GrowingNumbers;
  #scratch = new Float64Array(0);
  #consecutive: Float64Array | undefined;

  /** @param expected how many rows there may be */
  constructor(expected?: number) {
    this.#kept = new GrowingNumbers(expected);
  }

  addInfinite(value: number): void {
    if (value > 0) this.#positiveInfinite += 1;
    else this.#negativeInfinite += 1;
  }

  /** @param values of `count` rows, NaN where there is no finite one; those of `kept` are kept */
  add(values: Float64Array, count: number, kept: KeptRows): void {
    let min = this.#min;
    let max = this.#max;
    let finite = 0;
    for (let row = 0; row < count; row += 1) {
      const value = values[row] as number;
      if (value < min) min = value;
      if (value > max) max = value;
      if (value === value) finite += 1;
    }
    this.#min = min;
    this.#max = max;
    this.#finite += finite;
    if (kept.count === count) {
      this.#kept.append(values, count);
      return;
    }
    if (this.#scratch.length < kept.count) this.#scratch = new Float64Array(kept.places.length);
    for (let index = 0; index < kept.count; index += 1) {
      this.#scratch[index] = values[kept.places[index] as number] as number;
    }
    this.#kept.append(this.#scratch, kept.count);
  }

  keep(places: Int32Array): void {
    this.#consecutive ??= withoutNaN(this.#kept.head(CONSECUTIVE));
    this.#kept.keep(places);
  }

  finish(sampled: boolean): Summary {
    const values = withoutNaN(this.#kept.take());
    return {
      values,
      sampled,
      consecutive: this.#consecutive ?? values,
      finite: this.#finite,
      nan: this.nan,
      positiveInfinite: this.#positiveInfinite,
      negativeInfinite: this.#negativeInfinite,
      min: this.#finite === 0 ? undefined : this.#min,
      max: this.#finite === 0 ? undefined : this.#max,
      top: sampled ? mostFrequent(values, this.#finite) : undefined,
    };
  }
}

/** An estimate from a sample; the smallest of several. */
function mostFrequent(sample: Float64Array, total: number): Summary['top'] {
  const sorted = sample.toSorted();
  let best = 0;
  let value = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to += 1;
    if (to - from > best) {
      best = to - from;
      value = sorted[from] as number;
    }
    from = to;
  }
  if (best === 0) return undefined;
  return { value, count: Math.round((best / sorted.length) * total), exact: false };
}
