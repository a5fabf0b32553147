import type { DuckDBVector } from '@duckdb/node-api';
import type { KeptRows } from '../columns/column-sink.ts';
import { FiniteSummary, type SummaryOptions } from '../columns/finite-summary.ts';
import type { NumericColumn } from '../table.ts';

export interface NumberSinkOptions extends SummaryOptions {
  name: string;
  type: 'numeric' | 'datetime';
  /** Of the whole column; they come as NaN. */
  nulls: number;
}

/** Numbers that are numbers in the file. */
export class NumberSink {
  readonly #options: NumberSinkOptions;
  readonly #summary: FiniteSummary;
  #values = new Float64Array(0);
  #nan = 0;

  constructor(options: NumberSinkOptions) {
    this.#options = options;
    this.#summary = new FiniteSummary(options);
  }

  take(vector: DuckDBVector, rows: number, kept: KeptRows): void {
    if (this.#values.length < rows) this.#values = new Float64Array(rows);
    const values = this.#values;
    for (let row = 0; row < rows; row += 1) {
      const value = vector.getItem(row) as number;
      if (value - value === 0) {
        values[row] = value;
        continue;
      }
      values[row] = Number.NaN;
      if (value === value) this.#summary.addInfinite(value);
      else this.#nan += 1;
    }
    this.#summary.add(values, rows, kept);
  }

  get summary(): FiniteSummary {
    return this.#summary;
  }

  finish({ rows, sampled }: { rows: number; sampled: boolean }): NumericColumn {
    const { name, type, nulls } = this.#options;
    this.#summary.nan = this.#nan - nulls;
    return {
      name,
      type,
      rows,
      nulls,
      unparsable: 0,
      unparsableExamples: [],
      ...this.#summary.finish(sampled),
    };
  }
}
