import type { KeptRows } from '../columns/column-sink.ts';
import { FiniteSummary, type SummaryOptions } from '../columns/finite-summary.ts';
import type { NumericColumn } from '../table.ts';
import { isValid, type NumberVector } from './vectors.ts';

export interface NumberSinkOptions extends SummaryOptions {
  name: string;
  type: 'numeric' | 'datetime';
}

/** Numbers and times that are such in the file. */
export class NumberSink {
  readonly summary: FiniteSummary;
  readonly #options: NumberSinkOptions;
  #values = new Float64Array(0);
  #nulls = 0;

  constructor(options: NumberSinkOptions) {
    this.#options = options;
    this.summary = new FiniteSummary(options);
  }

  take({ values: read, valid }: NumberVector, kept: KeptRows): void {
    const rows = read.length;
    if (this.#values.length < rows) this.#values = new Float64Array(rows);
    const values = this.#values;
    for (let row = 0; row < rows; row += 1) {
      const value = read[row] as number;
      if (valid !== undefined && !isValid(valid, row)) {
        values[row] = Number.NaN;
        this.#nulls += 1;
      } else if (value - value === 0) {
        values[row] = value;
      } else {
        values[row] = Number.NaN;
        if (value === value) this.summary.addInfinite(value);
        else this.summary.nan += 1;
      }
    }
    this.summary.add(values, rows, kept);
  }

  finish({ rows, sampled }: { rows: number; sampled: boolean }): NumericColumn {
    const { name, type } = this.#options;
    return {
      name,
      type,
      rows,
      nulls: this.#nulls,
      unparsable: 0,
      unparsableExamples: [],
      ...this.summary.finish(sampled),
    };
  }
}
