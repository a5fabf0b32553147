import type { AlignedLevels, AlignedNumbers, ColumnPlan } from '../table.ts';
import { windowOn, type Batch } from '../text/batch.ts';
import { parseBoolean } from '../values/boolean.ts';
import { parseDatetime } from '../values/datetime.ts';
import { parseNumber } from '../values/number.ts';
import type { NullTokens } from '../values/null-tokens.ts';
import { ByteDictionary } from './byte-dictionary.ts';
import { endOfInteger, isMissingLevel } from './categorical-sink.ts';
import type { KeptRows } from './column-sink.ts';
import { GrowingNumbers } from './growing-numbers.ts';

const YES = windowOn(Buffer.from('true'));
const NO = windowOn(Buffer.from('false'));

/** One value for each row that is kept, so that columns stay side by side. */
export class AlignedSink {
  readonly #plan: ColumnPlan;
  readonly #nullTokens: NullTokens;
  readonly #dictionary = new ByteDictionary();
  readonly #values = new GrowingNumbers();

  constructor(plan: ColumnPlan, nullTokens: NullTokens) {
    this.#plan = plan;
    this.#nullTokens = nullTokens;
  }

  take(batch: Batch, column: number, { places, count }: KeptRows): void {
    const { capacity, starts, ends } = batch;
    for (let index = 0; index < count; index += 1) {
      const cell = column * capacity + (places[index] as number);
      this.#values.push(this.#valueOf(batch, starts[cell] as number, ends[cell] as number));
    }
  }

  keep(places: Int32Array): void {
    this.#values.keep(places);
  }

  finish(): AlignedNumbers | AlignedLevels {
    const { name, type } = this.#plan;
    const values = this.#values.take();
    if (type === 'numeric' || type === 'datetime') return { name, type, values };
    return { name, type, ...this.#levels(values) };
  }

  #valueOf({ bytes, view }: Batch, start: number, end: number): number {
    const { type, integers = false } = this.#plan;
    if (start < 0 || (this.#nullTokens.everywhere && this.#nullTokens.matchesTrimmed(bytes, start, end)))
      return type === 'numeric' || type === 'datetime' ? Number.NaN : -1;
    switch (type) {
      case 'numeric': {
        const value = parseNumber(bytes, start, end);
        return Number.isFinite(value) ? value : Number.NaN;
      }
      case 'datetime':
        return parseDatetime(bytes, start, end);
      case 'boolean': {
        const value = parseBoolean(bytes, start, end);
        if (value === undefined) return -1;
        const word = value ? YES : NO;
        return this.#dictionary.codeOf(word.view, 0, word.bytes.length);
      }
      case 'categorical':
      case 'text': {
        if (isMissingLevel(bytes, start, end, { nullTokens: this.#nullTokens, integers })) return -1;
        return this.#dictionary.codeOf(view, start, integers ? endOfInteger(bytes, start, end) : end);
      }
    }
  }

  /** Only levels of rows that stayed, numbered in row order. */
  #levels(values: Float64Array): { codes: Int32Array; levels: string[] } {
    const numbers = new Map<number, number>();
    const levels: string[] = [];
    const codes = Int32Array.from(values, (code) => {
      if (code < 0) return -1;
      const known = numbers.get(code);
      if (known !== undefined) return known;
      numbers.set(code, levels.length);
      return levels.push(this.#dictionary.textOf(code)) - 1;
    });
    return { codes, levels };
  }
}
