import { AlignedSink } from '../columns/aligned-sink.ts';
import { EvidenceCollector } from '../columns/evidence-collector.ts';
import { DISTINCT_ROWS, evidenceRows } from '../columns/limits.ts';
import { valuesPerRow, type SinkOptions } from '../columns/make-sink.ts';
import { RepeatedHashes } from '../columns/repeated-hashes.ts';
import { DEFAULT_KEEP_ROWS, DEFAULT_SAMPLE } from '../columns/row-sample.ts';
import {
  planPlaces,
  type EngineReadOptions,
  type EngineSampleOptions,
  type OpenedTable,
  type ReadFacts,
  type Watch,
} from '../engine/engine.ts';
import type { AlignedRows, ColumnData, ColumnEvidence, ColumnPlan, DuplicateRows } from '../table.ts';
import { NullTokens } from '../values/null-tokens.ts';
import { makeColumnReader, type ColumnReader, type Reader } from './column-reader.ts';
import { keptRows, KeptRowsCursor } from './kept-rows.ts';
import { countLevels } from './levels.ts';
import type { ParquetFiles } from './parquet-files.ts';
import type { ParquetColumn } from './parquet-schema.ts';
import { isNumberOf, numberOf, textOf } from './values.ts';

/** Numbers of the columns that are read in one pass over the files: more would be waiting in memory. */
const VALUES_A_PASS = 4 * 1024 * 1024;
const COLUMNS_A_PASS = 64;

export interface ParquetTableParts {
  files: ParquetFiles;
  columns: readonly ParquetColumn[];
  notes: readonly string[];
  nullTokens: readonly string[] | undefined;
  close(): Promise<void>;
}

/** What is the same for all columns of one call of `read`. */
interface Reading extends Watch {
  rows: number;
  /** The rows whose values are kept; undefined if all are. */
  kept: Float64Array | undefined;
  sinks: SinkOptions;
}

/** Parquet files as one table. */
export class ParquetTable implements OpenedTable {
  readonly columns: readonly ParquetColumn[];
  readonly notes: readonly string[];
  readonly #parts: ParquetTableParts;
  readonly #files: ParquetFiles;
  readonly #nullTokens: NullTokens;
  #rows: number | undefined;

  constructor(parts: ParquetTableParts) {
    this.#parts = parts;
    this.columns = parts.columns;
    this.notes = parts.notes;
    this.#files = parts.files;
    this.#nullTokens = new NullTokens(parts.nullTokens);
  }

  async evidence({ complete }: { complete: boolean }): Promise<readonly ColumnEvidence[]> {
    const limit = evidenceRows(this.columns.length);
    const all = complete || (await this.#count({})) <= limit;
    const options = { nullTokens: this.#nullTokens, columns: this.columns.length };
    const collectors = this.columns.map((column) => new EvidenceCollector(column, options));
    const readers = this.columns.flatMap((column, place) => {
      const collector = collectors[place];
      return collector === undefined || column.kind === undefined
        ? []
        : [evidenceReader(column, `c${place}`, collector)];
    });
    const from = all ? this.#files.from : `(SELECT * FROM ${this.#files.from} LIMIT ${limit}) AS t`;
    await this.#pour(readers, { from, kept: undefined }, {});
    return collectors.map((collector) => collector.finish(all));
  }

  async read(
    plan: readonly ColumnPlan[],
    options: EngineReadOptions & Watch,
  ): Promise<ReadFacts & { columns: (() => Promise<ColumnData>)[] }> {
    const { sample = DEFAULT_SAMPLE, keepRows = DEFAULT_KEEP_ROWS, seed = 0 } = options;
    const { levels, sorted, signal, progress } = options;
    const places = planPlaces(plan, this.columns);
    const rows = await this.#count(options);
    const kept = keptRows(rows, { sample, keepRows, seed, valuesPerRow: valuesPerRow(plan) });
    const sampleRows = kept?.length ?? rows;
    const sinks = {
      nullTokens: this.#nullTokens,
      levels,
      sorted,
      expected: sampleRows,
      columns: plan.length,
    };
    const reading = { rows, kept, sinks, signal, progress };
    const columns = this.#columnsOf(plan, places, reading);
    return { rows, sampleRows, duplicates: await this.#duplicates(rows, options), columns };
  }

  async sampleRows(
    plan: readonly ColumnPlan[],
    { rows: wanted = 20_000, seed = 0, ...watch }: EngineSampleOptions & Watch,
  ): Promise<AlignedRows> {
    const places = planPlaces(plan, this.columns);
    const totalRows = await this.#count(watch);
    const kept = keptRows(totalRows, { sample: wanted, keepRows: wanted, seed, valuesPerRow: plan.length });
    const sinks = plan.map((column) => new AlignedSink(column, this.#nullTokens));
    const readers = sinks.map((sink, index) =>
      alignedReader(this.#column(places[index]), `c${places[index]}`, sink),
    );
    await this.#pour(readers, { from: this.#files.from, kept }, watch);
    return {
      totalRows,
      rows: kept?.length ?? totalRows,
      columns: sinks.map((sink) => sink.finish()),
    };
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  /** Columns of values are read several at once when the first of them is asked for. */
  #columnsOf(
    plan: readonly ColumnPlan[],
    places: readonly number[],
    reading: Reading,
  ): (() => Promise<ColumnData>)[] {
    const size = Math.floor(VALUES_A_PASS / Math.max(1, reading.kept?.length ?? reading.rows));
    const values = plan.flatMap(({ type }, index) =>
      type === 'categorical' || type === 'boolean' ? [] : [index],
    );
    const ready = new Map<number, ColumnData>();
    const readPass = async (first: number): Promise<void> => {
      const from = values.indexOf(first);
      const pass = values.slice(from, from + Math.max(1, Math.min(COLUMNS_A_PASS, size)));
      const readers = pass.map((index) =>
        this.#reader(plan[index] as ColumnPlan, places[index] as number, reading),
      );
      const columns = await this.#readColumns(readers, reading);
      for (const [at, index] of pass.entries()) ready.set(index, columns[at] as ColumnData);
    };
    return plan.map((column, index) => async () => {
      if (column.type === 'categorical' || column.type === 'boolean') {
        return this.#levels(column, places[index] as number, reading);
      }
      if (!ready.has(index)) await readPass(index);
      const data = ready.get(index) as ColumnData;
      ready.delete(index);
      return data;
    });
  }

  #reader(plan: ColumnPlan, place: number, { sinks }: Reading): ColumnReader {
    return makeColumnReader(plan, this.#column(place), `c${place}`, sinks);
  }

  async #readColumns(readers: readonly ColumnReader[], reading: Reading): Promise<ColumnData[]> {
    const { rows, kept } = reading;
    const sampled = kept !== undefined;
    await this.#pour(readers, { from: this.#files.from, kept }, reading);
    if (sampled) for (const reader of readers) await reader.countTop(this.#files, { signal: reading.signal });
    return readers.map((reader) => reader.finish({ rows, sampled }));
  }

  #levels(plan: ColumnPlan, place: number, { rows, sinks, signal }: Reading): Promise<ColumnData> {
    const text = textOf(this.#column(place), `c${place}`);
    return countLevels(this.#files, { ...sinks, plan, text, rows, signal });
  }

  #column(place: number | undefined): ParquetColumn {
    const column = this.columns[place ?? -1];
    if (column === undefined) throw new Error(`there is no column ${place}`);
    return column;
  }

  async #count(watch: Watch): Promise<number> {
    this.#rows ??= Number((await this.#files.row(`SELECT count(*) FROM ${this.#files.from}`, watch))[0]);
    return this.#rows;
  }

  /** Equal rows have equal hashes, so a slice of the hashes holds a row's equals either all or not at all. */
  async #duplicates(rows: number, { signal }: Watch): Promise<DuplicateRows> {
    const names = this.columns.flatMap(({ kind }, place) => (kind === undefined ? [] : [`c${place}`]));
    if (rows === 0 || names.length === 0) return { rows: 0, exact: true };
    const slices = 2 ** Math.max(0, Math.ceil(Math.log2(rows / DISTINCT_ROWS)));
    const repeats = new RepeatedHashes(DISTINCT_ROWS, rows / slices);
    const hashed = `SELECT hash(${names.join(', ')}) AS h FROM ${this.#files.from}`;
    const sql = slices === 1 ? hashed : `SELECT h FROM (${hashed}) AS hashes WHERE h % ${slices} = 0`;
    let hashes = new Float64Array(0);
    const take: Parameters<ParquetFiles['stream']>[0]['take'] = (chunk) => {
      if (hashes.length < chunk.rows) hashes = new Float64Array(chunk.rows);
      chunk.hashes(0, hashes);
      for (let row = 0; row < chunk.rows; row += 1) repeats.add(hashes[row] as number);
    };
    await this.#files.stream({ sql, take }, { signal });
    const { repeated, exact } = repeats.finish();
    return { rows: repeated * slices, exact: slices === 1 && exact };
  }

  async #pour(
    readers: readonly Reader[],
    { from, kept }: { from: string; kept: Float64Array | undefined },
    watch: Watch,
  ): Promise<void> {
    if (readers.length === 0) return;
    const cursor = new KeptRowsCursor(kept);
    const sql = `SELECT ${readers.map(({ select }) => select).join(', ')} FROM ${from}`;
    const take: Parameters<ParquetFiles['stream']>[0]['take'] = (chunk) => {
      const each = cursor.advance(chunk.rows);
      for (const [place, reader] of readers.entries()) reader.take(chunk, place, each);
    };
    await this.#files.stream({ sql, take }, watch);
  }
}

function evidenceReader(column: ParquetColumn, name: string, collector: EvidenceCollector): Reader {
  if (isNumberOf(column, 'numeric')) {
    return {
      select: numberOf(column, name),
      take: (chunk, place) => collector.takeNumbers(chunk.numbers(place)),
    };
  }
  return { select: textOf(column, name), take: (chunk, place) => collector.take(chunk.texts(place), 0) };
}

function alignedReader(column: ParquetColumn, name: string, sink: AlignedSink): Reader {
  return {
    select: textOf(column, name),
    take: (chunk, place, kept) => sink.take(chunk.texts(place), 0, kept),
  };
}
