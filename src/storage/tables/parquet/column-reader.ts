import type { KeptRows } from '../columns/column-sink.ts';
import type { FiniteSummary } from '../columns/finite-summary.ts';
import { makeSink, type SinkOptions } from '../columns/make-sink.ts';
import { NumericSink } from '../columns/numeric-sink.ts';
import { ValueCounter } from '../columns/value-counter.ts';
import type { Watch } from '../engine/engine.ts';
import type { ColumnData, ColumnPlan } from '../table.ts';
import { NumberSink } from './number-sink.ts';
import type { ParquetFiles } from './parquet-files.ts';
import type { ParquetColumn } from './parquet-schema.ts';
import { isNumberOf, numberOf, textOf } from './values.ts';
import type { ChunkReader } from './vectors.ts';

/** What a column of a query is, and what takes its values. */
export interface Reader {
  select: string;
  take(chunk: ChunkReader, place: number, kept: KeptRows): void;
}

/** Reads one column row by row. */
export interface ColumnReader extends Reader {
  /** Of a sample: counts its most frequent value in all rows, if that is worth it. */
  countTop(files: ParquetFiles, watch: Watch): Promise<void>;
  finish(table: { rows: number; sampled: boolean }): ColumnData;
}

/** @param name of the column in SQL */
export function makeColumnReader(
  plan: ColumnPlan,
  column: ParquetColumn,
  name: string,
  options: SinkOptions,
): ColumnReader {
  const { type } = plan;
  if ((type === 'numeric' || type === 'datetime') && isNumberOf(column, type)) {
    const sink = new NumberSink({ ...options, name: plan.name, type });
    const select = numberOf(column, name);
    return {
      select,
      take: (chunk, place, kept) => sink.take(chunk.numbers(place), kept),
      countTop: (files, watch) => countNumber(sink.summary, select, { files, watch }),
      finish: (table) => sink.finish(table),
    };
  }
  const sink = makeSink(plan, options);
  const select = textOf(column, name);
  return {
    select,
    take: (chunk, place, kept) => sink.take(chunk.texts(place), 0, kept),
    countTop: async (files, watch) => {
      if (!(sink instanceof NumericSink) || (type !== 'numeric' && type !== 'datetime')) return;
      const value = sink.summary.candidate();
      if (value === undefined) return;
      const counter = new ValueCounter({ value, type, nullTokens: options.nullTokens });
      const sql = `SELECT ${select} FROM ${files.from}`;
      await files.stream({ sql, take: (chunk) => counter.take(chunk.texts(0), 0) }, watch);
      sink.summary.counted(counter.count);
    },
    finish: (table) => sink.finish(table),
  };
}

async function countNumber(
  summary: FiniteSummary,
  select: string,
  { files, watch }: { files: ParquetFiles; watch: Watch },
): Promise<void> {
  const value = summary.candidate();
  if (value === undefined) return;
  const sql = `SELECT count(*) FROM ${files.from} WHERE ${select} = CAST(${files.nextParameter} AS DOUBLE)`;
  const [count] = await files.row(sql, watch, [value]);
  summary.counted(Number(count));
}
