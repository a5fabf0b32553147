import type {
  AlignedRows,
  ColumnData,
  ColumnEvidence,
  ColumnPlan,
  DuplicateRows,
  ReadOptions,
  RowSampleOptions,
  TableColumn,
} from '../table.ts';
import { AlignedSink } from '../columns/aligned-sink.ts';
import { hashBytes, hashCell, hashOf } from '../columns/byte-hash.ts';
import type { ColumnSink } from '../columns/column-sink.ts';
import { DistinctCounter } from '../columns/distinct-counter.ts';
import { EvidenceCollector } from '../columns/evidence-collector.ts';
import { makeSink, valuesPerRow } from '../columns/make-sink.ts';
import { NumericSink } from '../columns/numeric-sink.ts';
import { DEFAULT_KEEP_ROWS, DEFAULT_SAMPLE, RowSample } from '../columns/row-sample.ts';
import { ValueCounter } from '../columns/value-counter.ts';
import { NullTokens } from '../values/null-tokens.ts';
import { makeBatch, MalformedText, type Batch, type RecordScanner } from './batch.ts';
import { CsvScanner } from './csv-scanner.ts';
import { textSize, type InputFile } from './input-file.ts';
import { JsonScanner } from './json-scanner.ts';
import { malformedFile } from './malformed-file.ts';
import { records } from './records.ts';
import { TextBuffer } from './text-buffer.ts';

/** Rows that evidence is taken from, and cells that bound them in wide tables. */
const EVIDENCE_ROWS = 50_000;
const EVIDENCE_CELLS = 500_000;
/** Different rows up to which duplicates are counted exactly. */
const DISTINCT_ROWS = 2_000_000;

/** What a call may be watched and ended by. */
export interface Watch {
  progress?: ((rows: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** One of the files of a table. Plain data, since it travels to threads. */
export interface TextSource {
  file: InputFile;
  /** How its records are found. */
  syntax: { kind: 'delimited'; delimiter: string } | { kind: 'json' };
  /** Bytes of the header. */
  skip: number;
  /** For each column of the table its place in this file. */
  places: readonly number[];
}

/** What is known of files once they are opened. */
export interface OpenedText {
  sources: readonly TextSource[];
  columns: readonly TableColumn[];
  notes: readonly string[];
}

/** {@link ReadOptions} without what can't be sent to a thread. */
export type TextReadOptions = Omit<ReadOptions, 'signal' | 'progress'>;

export interface TextTableParts {
  sources: readonly TextSource[];
  columns: readonly TableColumn[];
  nullTokens: readonly string[] | undefined;
}

/** What {@link TextTable.read} found out; its columns are still to be finished. */
export interface TextRead {
  rows: number;
  sampleRows: number;
  duplicates: DuplicateRows;
  columns: (() => ColumnData)[];
}

/** Files of text as one table, read on the calling thread. */
export class TextTable {
  readonly #parts: TextTableParts;
  readonly #nullTokens: NullTokens;
  #rowBytes: number | undefined;

  constructor(parts: TextTableParts) {
    this.#parts = parts;
    this.#nullTokens = new NullTokens(parts.nullTokens);
  }

  async evidence({ complete = false }: { complete?: boolean | undefined } = {}): Promise<ColumnEvidence[]> {
    const { columns } = this.#parts;
    const options = { nullTokens: this.#nullTokens, columns: columns.length };
    const collectors = columns.map((column) => new EvidenceCollector(column, options));
    const limit = Math.max(
      100,
      Math.min(EVIDENCE_ROWS, Math.floor(EVIDENCE_CELLS / Math.max(1, columns.length))),
    );
    let rows = 0;
    let all = true;
    for await (const { batch, places } of this.#batches(() => true)) {
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

  async read(plan: readonly ColumnPlan[], options: TextReadOptions & Watch = {}): Promise<TextRead> {
    const expected = this.#expectedRows();
    const { levels, sorted } = options;
    const sinkOptions = { nullTokens: this.#nullTokens, levels, sorted, expected, columns: plan.length };
    const sinks = plan.map((column) => makeSink(column, sinkOptions));
    const sample = new RowSample({
      sample: options.sample ?? DEFAULT_SAMPLE,
      keepRows: options.keepRows ?? DEFAULT_KEEP_ROWS,
      seed: options.seed ?? 0,
      valuesPerRow: valuesPerRow(plan),
    });
    const distinct = new DistinctCounter(DISTINCT_ROWS, expected);
    const inOrder = this.#parts.sources.every(
      ({ syntax, places }) => syntax.kind === 'delimited' && isIdentity(places),
    );
    await this.#fill({ plan, sinks, sample }, options, (batch, places) =>
      inOrder ? hashRows(batch, distinct) : hashCells(batch, places, distinct),
    );
    const { rows, sampled } = sample;
    if (sampled) await this.#countCandidates(plan, sinks, options);
    return {
      rows,
      sampleRows: sample.kept,
      duplicates: { rows: distinct.repeated, exact: distinct.exact },
      columns: sinks.map((sink) => () => sink.finish({ rows, sampled })),
    };
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
    const sample = new RowSample({ sample: 1, keepRows: 0, seed: 0, valuesPerRow: 0 });
    const target = {
      plan: counters.map(({ column }) => column),
      sinks: counters.map(({ counter }) => counter),
      sample,
    };
    await this.#fill(target, { signal });
    for (const { counter, sink } of counters) sink.summary.counted(counter.count);
  }

  async sampleRows(
    plan: readonly ColumnPlan[],
    options: Omit<RowSampleOptions, 'signal'> & Watch = {},
  ): Promise<AlignedRows> {
    const { rows: wanted = 20_000, seed = 0 } = options;
    const sinks = plan.map((column) => new AlignedSink(column, this.#nullTokens));
    const sample = new RowSample({ sample: wanted, keepRows: wanted, seed, valuesPerRow: plan.length });
    await this.#fill({ plan, sinks, sample }, options);
    return { totalRows: sample.rows, rows: sample.kept, columns: sinks.map((sink) => sink.finish()) };
  }

  /** A little more than there probably are, told from the first ones; 0 if none was seen yet. */
  #expectedRows(): number {
    if (this.#rowBytes === undefined) return 0;
    const bytes = this.#parts.sources.reduce((sum, { file }) => sum + textSize(file), 0);
    return Math.min(1.1 * (bytes / this.#rowBytes) + 1000, DEFAULT_KEEP_ROWS);
  }

  async #fill(
    target: {
      plan: readonly ColumnPlan[];
      sinks: readonly Pick<ColumnSink, 'take' | 'keep'>[];
      sample: RowSample;
    },
    { signal, progress }: Watch,
    each?: (batch: Batch, places: readonly number[]) => void,
  ): Promise<void> {
    const { plan, sinks, sample } = target;
    const planned = planPlaces(plan, this.#parts.columns);
    const kept = { places: new Int32Array(0), count: 0 };
    const numeric = new Set(planned.filter((_, index) => plan[index]?.type === 'numeric'));
    for await (const { batch, places } of this.#batches((column) => numeric.has(column))) {
      signal?.throwIfAborted();
      if (kept.places.length < batch.rows) kept.places = new Int32Array(batch.capacity);
      const { taken, stay } = sample.next(batch.rows, kept.places);
      kept.count = taken;
      for (const [index, sink] of sinks.entries()) {
        if (stay !== undefined) sink.keep(stay);
        sink.take(batch, places[planned[index] as number] as number, kept);
      }
      each?.(batch, places);
      progress?.(sample.rows);
    }
    const stay = sample.finish();
    if (stay !== undefined) for (const sink of sinks) sink.keep(stay);
  }

  /** @param isNumeric whether numbers are wanted of a column of the table */
  async *#batches(
    isNumeric: (column: number) => boolean,
  ): AsyncGenerator<{ batch: Batch; places: readonly number[] }> {
    const batch = makeBatch(this.#parts.columns.length);
    for (const { file, syntax, skip, places } of this.#parts.sources) {
      for (const [column, place] of places.entries()) batch.numeric[place] = isNumeric(column) ? 1 : 0;
      const text = new TextBuffer(file);
      try {
        const scanner = scannerOf(syntax, this.#parts.columns);
        for await (const each of records(text, { scanner, batch, skip })) {
          this.#rowBytes ??= bytesPerRow(each);
          yield { batch: each, places };
        }
      } catch (error) {
        if (error instanceof MalformedText) throw await malformedFile(file, error);
        throw error;
      } finally {
        text.close();
      }
    }
  }
}

function scannerOf(syntax: TextSource['syntax'], columns: readonly TableColumn[]): RecordScanner {
  if (syntax.kind === 'delimited') return new CsvScanner(syntax.delimiter.charCodeAt(0));
  // The names are all known; those of a file that grew meanwhile are left out.
  return new JsonScanner(
    columns.map(({ name }) => name),
    { add: () => -1 },
  );
}

function bytesPerRow({ rows, rowStarts, rowEnds }: Batch): number {
  return Math.max(1, ((rowEnds[rows - 1] as number) - (rowStarts[0] as number)) / rows);
}

/** For each entry of the plan the place of its column in the table. */
export function planPlaces(plan: readonly ColumnPlan[], columns: readonly TableColumn[]): number[] {
  const places = new Map(
    columns.map(({ name, skipped }, place) => [name, skipped === undefined ? place : -1]),
  );
  return plan.map(({ name }) => {
    const place = places.get(name) ?? -1;
    if (place === -1) throw new Error(`the plan names a column that can't be read: ${JSON.stringify(name)}`);
    return place;
  });
}

function isIdentity(places: readonly number[]): boolean {
  return places.every((place, column) => place === column);
}

/** Counts rows by a hash of their text. */
function hashRows({ view, rows, rowStarts, rowEnds }: Batch, distinct: DistinctCounter): void {
  const lanes = { low: 0, high: 0 };
  for (let row = 0; row < rows; row += 1) {
    hashBytes(view, rowStarts[row] as number, rowEnds[row] as number, lanes);
    distinct.add(hashOf(lanes));
  }
}

/** The same where the order of the cells, or what is between them, may differ from row to row. */
function hashCells(batch: Batch, places: readonly number[], distinct: DistinctCounter): void {
  const { bytes, rows, capacity, starts, ends } = batch;
  const lanes = { low: 0, high: 0 };
  for (let row = 0; row < rows; row += 1) {
    lanes.low = 0;
    lanes.high = 0;
    for (const place of places) {
      const cell = place * capacity + row;
      hashCell(bytes, starts[cell] as number, ends[cell] as number, lanes);
    }
    distinct.add(hashOf(lanes));
  }
}
