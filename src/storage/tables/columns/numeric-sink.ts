import type { NumericColumn } from '../table.ts';
import type { Batch } from '../text/batch.ts';
import { parseDatetime } from '../values/datetime.ts';
import { isNanWord, parseNumber, utf8 } from '../values/number.ts';
import type { NullTokens } from '../values/null-tokens.ts';
import { OddCells, type ColumnSink, type KeptRows } from './column-sink.ts';
import { FiniteSummary, type SummaryOptions } from './finite-summary.ts';

export interface NumericSinkOptions extends SummaryOptions {
  name: string;
  type: 'numeric' | 'datetime';
  nullTokens: NullTokens;
}

/** Numbers or dates from the text of cells. */
export class NumericSink implements ColumnSink {
  readonly #options: NumericSinkOptions;
  readonly #odd = new OddCells();
  readonly #summary: FiniteSummary;

  constructor(options: NumericSinkOptions) {
    this.#options = options;
    this.#summary = new FiniteSummary(options);
  }

  take({ bytes, rows, capacity, starts, ends, numbers }: Batch, column: number, kept: KeptRows): void {
    const first = column * capacity;
    const values = numbers.subarray(first, first + rows);
    // A plain number may be what the caller's own list calls missing.
    const plain = !this.#options.nullTokens.everywhere;
    for (let row = 0; row < rows; row += 1) {
      const number = values[row] as number;
      // Digits may be too many for a double: then it is infinite, and counted as that.
      if (plain && number - number === 0) continue;
      values[row] = this.#valueOf(bytes, starts[first + row] as number, ends[first + row] as number);
    }
    this.#summary.add(values, rows, kept);
  }

  keep(places: Int32Array): void {
    this.#summary.keep(places);
  }

  get summary(): FiniteSummary {
    return this.#summary;
  }

  finish({ rows, sampled }: { rows: number; sampled: boolean }): NumericColumn {
    const { nulls, unparsable, examples } = this.#odd;
    return {
      name: this.#options.name,
      type: this.#options.type,
      rows,
      nulls,
      unparsable,
      unparsableExamples: examples,
      ...this.#summary.finish(sampled),
    };
  }

  /** The finite value of a cell; NaN if it has none, which is then counted as what it is. */
  #valueOf(bytes: Uint8Array, start: number, end: number): number {
    const { nullTokens, type } = this.#options;
    if (start === end || (nullTokens.everywhere && nullTokens.matchesTrimmed(bytes, start, end))) {
      this.#odd.nulls += 1;
      return Number.NaN;
    }
    const value = type === 'numeric' ? parseNumber(bytes, start, end) : parseDatetime(bytes, start, end);
    if (value - value === 0) return value;
    if (value === value) {
      this.#summary.addInfinite(value);
    } else if (nullTokens.matchesTrimmed(bytes, start, end)) {
      this.#odd.nulls += 1;
    } else {
      const text = utf8(bytes, start, Math.min(end, start + 200));
      if (type === 'numeric' && isNanWord(text)) this.#summary.nan += 1;
      else this.#odd.addUnparsable(text);
    }
    return Number.NaN;
  }
}
