import type { AlignedRows, ColumnData, ColumnEvidence, ColumnPlan, TableColumn } from '../table.ts';
import { AlignedSink } from '../columns/aligned-sink.ts';
import type { ColumnSink } from '../columns/column-sink.ts';
import { EvidenceCollector } from '../columns/evidence-collector.ts';
import { evidenceRows } from '../columns/limits.ts';
import { makeSink, valuesPerRow } from '../columns/make-sink.ts';
import { NumericSink } from '../columns/numeric-sink.ts';
import { DEFAULT_KEEP_ROWS, DEFAULT_SAMPLE, RowSample } from '../columns/row-sample.ts';
import { ValueCounter } from '../columns/value-counter.ts';
import {
  planPlaces,
  type EngineReadOptions,
  type EngineSampleOptions,
  type OpenedTable,
  type ReadFacts,
  type Watch,
} from '../engine/engine.ts';
import { NullTokens } from '../values/null-tokens.ts';
import { RowCounter } from './row-counter.ts';
import { TextSources, type PlacedBatch, type TextSource } from './text-source.ts';

/** Milliseconds of work after which others are let in, and an order to stop is heard. */
const TURN = 50;

export interface TextTableParts {
  sources: readonly TextSource[];
  columns: readonly TableColumn[];
  notes: readonly string[];
  nullTokens: readonly string[] | undefined;
}

/** What rows are poured into. */
interface Target {
  plan: readonly ColumnPlan[];
  sinks: readonly Pick<ColumnSink, 'take' | 'keep'>[];
  sample: RowSample;
  each?: (batch: PlacedBatch) => void;
}

/** Files of text as one table. */
export class TextTable implements OpenedTable {
  readonly columns: readonly TableColumn[];
  readonly notes: readonly string[];
  readonly #parts: TextTableParts;
  readonly #nullTokens: NullTokens;
  readonly #sources: TextSources;

  constructor(parts: TextTableParts) {
    this.#parts = parts;
    this.columns = parts.columns;
    this.notes = parts.notes;
    this.#nullTokens = new NullTokens(parts.nullTokens);
    this.#sources = new TextSources(parts.sources, parts.columns);
  }

  async evidence({ complete }: { complete: boolean }): Promise<ColumnEvidence[]> {
    const options = { nullTokens: this.#nullTokens, columns: this.columns.length };
    const collectors = this.columns.map((column) => new EvidenceCollector(column, options));
    const limit = evidenceRows(this.columns.length);
    let rows = 0;
    let all = true;
    for await (const { batch, places } of this.#sources.batches(() => true)) {
      if (!complete && rows + batch.rows > limit) {
        batch.rows = limit - rows;
        all = false;
      }
      rows += batch.rows;
      for (const [column, collector] of collectors.entries()) collector.take(batch, places[column] as number);
      if (!all) break;
    }
    return collectors.map((collector) => collector.finish(all));
  }

  async read(
    plan: readonly ColumnPlan[],
    options: EngineReadOptions & Watch,
  ): Promise<ReadFacts & { columns: (() => ColumnData)[] }> {
    const {
      levels,
      sorted,
      sample: wanted = DEFAULT_SAMPLE,
      keepRows = DEFAULT_KEEP_ROWS,
      seed = 0,
    } = options;
    const expected = Math.min(keepRows, this.#sources.expectedRows);
    const sinkOptions = { nullTokens: this.#nullTokens, levels, sorted, expected, columns: plan.length };
    const sinks = plan.map((column) => makeSink(column, sinkOptions));
    const sample = new RowSample({ sample: wanted, keepRows, seed, valuesPerRow: valuesPerRow(plan) });
    const counter = new RowCounter(this.#parts.sources, this.#sources.expectedRows);
    const each = ({ batch, places }: PlacedBatch): void => counter.add(batch, places);
    await this.#pour({ plan, sinks, sample, each }, options);
    const { rows, sampled } = sample;
    if (sampled) await this.#countCandidates(plan, sinks, options);
    return {
      rows,
      sampleRows: sample.kept,
      duplicates: counter.finish(),
      columns: sinks.map((sink) => () => sink.finish({ rows, sampled })),
    };
  }

  async sampleRows(
    plan: readonly ColumnPlan[],
    { rows: wanted = 20_000, seed = 0, ...watch }: EngineSampleOptions & Watch,
  ): Promise<AlignedRows> {
    const sinks = plan.map((column) => new AlignedSink(column, this.#nullTokens));
    const sample = new RowSample({ sample: wanted, keepRows: wanted, seed, valuesPerRow: plan.length });
    await this.#pour({ plan, sinks, sample }, watch);
    return { totalRows: sample.rows, rows: sample.kept, columns: sinks.map((sink) => sink.finish()) };
  }

  async close(): Promise<void> {
    // Files are open only while they are read.
  }

  /** A sample only tells which value is the most frequent one; how often it occurs is counted in all rows. */
  async #countCandidates(
    plan: readonly ColumnPlan[],
    sinks: readonly ColumnSink[],
    { signal }: Watch,
  ): Promise<void> {
    const counters = sinks.flatMap((sink, index) => {
      const { type = 'text', name = '' } = plan[index] ?? {};
      if (!(sink instanceof NumericSink) || (type !== 'numeric' && type !== 'datetime')) return [];
      const value = sink.summary.candidate();
      if (value === undefined) return [];
      const counter = new ValueCounter({ value, type, nullTokens: this.#nullTokens });
      return [{ counter, sink, column: { name, type } }];
    });
    if (counters.length === 0) return;
    const target = {
      plan: counters.map(({ column }) => column),
      sinks: counters.map(({ counter }) => counter),
      sample: new RowSample({ sample: 1, keepRows: 0, seed: 0, valuesPerRow: 0 }),
    };
    await this.#pour(target, { signal });
    for (const { counter, sink } of counters) sink.summary.counted(counter.count);
  }

  async #pour({ plan, sinks, sample, each }: Target, { signal, progress }: Watch): Promise<void> {
    const planned = planPlaces(plan, this.columns);
    const numeric = new Set(planned.filter((_, index) => plan[index]?.type === 'numeric'));
    const kept = { places: new Int32Array(0), count: 0 };
    let turn = performance.now();
    for await (const placed of this.#sources.batches((column) => numeric.has(column))) {
      const { batch, places } = placed;
      if (performance.now() - turn > TURN) {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        turn = performance.now();
      }
      signal?.throwIfAborted();
      if (kept.places.length < batch.rows) kept.places = new Int32Array(batch.capacity);
      const { taken, stay } = sample.next(batch.rows, kept.places);
      kept.count = taken;
      for (const [index, sink] of sinks.entries()) {
        if (stay !== undefined) sink.keep(stay);
        sink.take(batch, places[planned[index] as number] as number, kept);
      }
      each?.(placed);
      progress?.(sample.rows);
    }
    const stay = sample.finish();
    if (stay !== undefined) for (const sink of sinks) sink.keep(stay);
  }
}
