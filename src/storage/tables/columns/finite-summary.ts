import { sortInPlace } from '../../../lib/sorting.ts';
import type { NumericColumn } from '../table.ts';
import type { KeptRows } from './column-sink.ts';
import { GrowingNumbers, withoutNaN } from './growing-numbers.ts';
import { Neighbours } from './neighbours.ts';

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

export interface SummaryOptions {
  /** How many rows there may be. */
  expected?: number | undefined;
  /** Whether the values are wanted in ascending order. */
  sorted?: boolean | undefined;
  /** Columns that are read of the table. */
  columns?: number | undefined;
}

/** From this share of a sample on, the most frequent value is worth being counted in all rows. */
const WORTH_COUNTING = 0.005;

/** What is kept of the numbers of one column, wherever they come from. */
export class FiniteSummary {
  nan = 0;
  #positiveInfinite = 0;
  #negativeInfinite = 0;
  #finite = 0;
  #min = Infinity;
  #max = -Infinity;
  readonly #sorted: boolean;
  readonly #kept: GrowingNumbers;
  readonly #neighbours: Neighbours;
  #scratch = new Float64Array(0);
  #top: { value: number; sampled: number; count: number | undefined } | undefined;

  constructor({ expected, sorted = false, columns = 1 }: SummaryOptions) {
    this.#sorted = sorted;
    this.#kept = new GrowingNumbers(expected);
    this.#neighbours = new Neighbours(columns);
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
    this.#neighbours.add(values, count);
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
    this.#kept.keep(places);
  }

  /** Of a sample that is complete: the most frequent value, if it is worth being counted in all rows. */
  candidate(): number | undefined {
    const values = sortInPlace(withoutNaN(this.#kept.head(this.#kept.length)));
    const top = mostFrequent(values);
    if (top === undefined) return undefined;
    this.#top = { value: top.value, sampled: top.count / values.length, count: undefined };
    return this.#top.sampled >= WORTH_COUNTING ? top.value : undefined;
  }

  /** @param count of the candidate in all rows */
  counted(count: number): void {
    if (this.#top !== undefined) this.#top.count = count;
  }

  finish(sampled: boolean): Summary {
    const values = withoutNaN(this.#kept.take());
    const inRowOrder = !sampled && !this.#sorted;
    return {
      values: this.#sorted ? sortInPlace(values) : values,
      sampled,
      consecutive: inRowOrder ? values : withoutNaN(this.#neighbours.take()),
      finite: this.#finite,
      nan: this.nan,
      positiveInfinite: this.#positiveInfinite,
      negativeInfinite: this.#negativeInfinite,
      min: this.#finite === 0 ? undefined : this.#min,
      max: this.#finite === 0 ? undefined : this.#max,
      top: sampled ? this.#topOfSample() : undefined,
    };
  }

  #topOfSample(): Summary['top'] {
    if (this.#top === undefined) return undefined;
    const { value, sampled, count } = this.#top;
    if (count !== undefined) return { value, count, exact: true };
    return { value, count: Math.round(sampled * this.#finite), exact: false };
  }
}

/** The smallest of several. */
function mostFrequent(sorted: Float64Array): { value: number; count: number } | undefined {
  let count = 0;
  let value = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to += 1;
    if (to - from > count) {
      count = to - from;
      value = sorted[from] as number;
    }
    from = to;
  }
  return count === 0 ? undefined : { value, count };
}
