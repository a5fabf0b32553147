import type { NumericColumn } from '../table.ts';
import type { Batch } from '../text/batch.ts';
import { parseDatetime } from '../values/datetime.ts';
import { isNanWord, parseNumber, utf8 } from '../values/number.ts';
import type { NullTokens } from '../values/null-tokens.ts';
import { OddCells, type ColumnSink, type KeptRows } from './column-sink.ts';
import { FiniteSummary } from './finite-summary.ts';

export interface NumericSinkOptions {
  name: string;
  type: 'numeric' | 'datetime';
  nullTokens: NullTokens;
}

/** Numbers or dates from the text of cells. */
export class NumericSink implements ColumnSink {
  readonly #options: NumericSinkOptions;
  readonly #odd = new OddCells();
  readonly #summary = new FiniteSummary();
  /** Of one batch; NaN where there is no finite value. */
  #values = new Float64Array(0);

  constructor(options: NumericSinkOptions) {
    this.#options = options;
  }

  take(batch: Batch, column: number, kept: KeptRows): void {
    if (this.#values.length < batch.rows) this.#values = new Float64Array(batch.capacity);
    if (this.#options.type === 'numeric') this.#numbers(batch, column);
    else this.#datetimes(batch, column);
    this.#summary.add(this.#values, batch.rows, kept);
  }

  keep(places: Int32Array): void {
    this.#summary.keep(places);
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

  #numbers({ bytes, rows, columns, starts, ends }: Batch, column: number): void {
    const values = this.#values;
    const { nullTokens: tokens } = this.#options;
    const own = tokens.everywhere;
    for (let row = 0, cell = column; row < rows; row += 1, cell += columns) {
      const start = starts[cell] as number;
      const end = ends[cell] as number;
      const value =
        start === end || (own && tokens.matchesTrimmed(bytes, start, end))
          ? this.#missing()
          : parseNumber(bytes, start, end);
      values[row] = value - value === 0 ? value : this.#notFinite(value, bytes, start, end);
    }
  }

  #datetimes({ bytes, rows, columns, starts, ends }: Batch, column: number): void {
    const values = this.#values;
    const { nullTokens: tokens } = this.#options;
    const own = tokens.everywhere;
    for (let row = 0, cell = column; row < rows; row += 1, cell += columns) {
      const start = starts[cell] as number;
      const end = ends[cell] as number;
      const value =
        start === end || (own && tokens.matchesTrimmed(bytes, start, end))
          ? this.#missing()
          : parseDatetime(bytes, start, end);
      values[row] = value === value ? value : this.#notFinite(value, bytes, start, end);
    }
  }

  #missing(): number {
    this.#odd.nulls += 1;
    return Number.NaN;
  }

  #notFinite(value: number, bytes: Uint8Array, start: number, end: number): number {
    if (start === end || (this.#options.nullTokens.everywhere && this.#isNull(bytes, start, end)))
      return Number.NaN;
    if (value === value) {
      this.#summary.addInfinite(value);
    } else if (this.#isNull(bytes, start, end)) {
      this.#odd.nulls += 1;
    } else {
      const text = utf8(bytes, start, Math.min(end, start + 200));
      if (this.#options.type === 'numeric' && isNanWord(text)) this.#summary.nan += 1;
      else this.#odd.addUnparsable(text);
    }
    return Number.NaN;
  }

  #isNull(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#options.nullTokens.matchesTrimmed(bytes, start, end);
  }
}
