import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type {
  AlignedRows,
  ColumnData,
  ColumnEvidence,
  ColumnPlan,
  DuplicateRows,
  ReadOptions,
  RowSampleOptions,
  Table,
  TableData,
} from '../table.ts';
import { AlignedSink } from '../columns/aligned-sink.ts';
import type { ColumnSink } from '../columns/column-sink.ts';
import { EvidenceCollector } from '../columns/evidence-collector.ts';
import { makeSink, valuesPerRow } from '../columns/make-sink.ts';
import { DEFAULT_KEEP_ROWS, DEFAULT_SAMPLE } from '../columns/row-sample.ts';
import { planPlaces } from '../text/text-table.ts';
import { NullTokens } from '../values/null-tokens.ts';
import { keptRows, KeptRowsCursor } from './kept-rows.ts';
import { countLevels } from './levels.ts';
import { NumberSink } from './number-sink.ts';
import { malformedParquet, parquetOf, type ParquetColumn } from './parquet-schema.ts';
import { textBatch } from './text-batch.ts';

/** Rows that evidence is taken from, and cells that bound them in wide tables. */
const EVIDENCE_ROWS = 50_000;
const EVIDENCE_CELLS = 2_000_000;
/** Rows up to which duplicates are counted exactly. */
const DISTINCT_ROWS = 2_000_000;
/** Numbers of the columns that are read in one pass over the files. */
const VALUES_A_PASS = 8 * 1024 * 1024;
const COLUMNS_A_PASS = 64;

export interface ParquetTableParts {
  /** Absolute paths, and how the person wrote the first. */
  paths: readonly string[];
  shown: string;
  columns: readonly ParquetColumn[];
  nullTokens: readonly string[] | undefined;
  connect(): Promise<DuckDBConnection>;
  close(): Promise<void>;
}

/** What takes the values of one column as they come from DuckDB. */
interface Reader {
  select: string;
  take(chunk: DuckDBDataChunk, place: number, kept: { places: Int32Array; count: number }): void;
}

interface Work {
  signal: AbortSignal | undefined;
  progress?: ((rows: number) => void) | undefined;
}

/** Parquet files as one table. */
export class ParquetTable implements Table {
  readonly notes: readonly string[] = [];
  readonly #parts: ParquetTableParts;
  readonly #nullTokens: NullTokens;
  readonly #from: string;
  #rows: number | undefined;

  constructor(parts: ParquetTableParts) {
    this.#parts = parts;
    this.#nullTokens = new NullTokens(parts.nullTokens);
    const names = parts.columns.map((_, place) => `c${place}`).join(', ');
    this.#from = `${parquetOf(parts.paths.length)} AS t(${names})`;
  }

  get columns(): readonly ParquetColumn[] {
    return this.#parts.columns;
  }

  async evidence({ complete = false } = {}): Promise<readonly ColumnEvidence[]> {
    const { columns } = this.#parts;
    const limit = Math.max(
      100,
      Math.min(EVIDENCE_ROWS, Math.floor(EVIDENCE_CELLS / Math.max(1, columns.length))),
    );
    const all = complete || (await this.#count(undefined)) <= limit;
    const options = { nullTokens: this.#nullTokens, columns: columns.length };
    const collectors = columns.map((column) => new EvidenceCollector(column, options));
    const readers = columns.flatMap((column, place): Reader[] => {
      const collector = collectors[place];
      if (column.kind === undefined || collector === undefined) return [];
      return [evidenceReader(column, `c${place}`, collector)];
    });
    const from = `(SELECT * FROM ${this.#from} LIMIT ${all ? Number.MAX_SAFE_INTEGER : limit}) AS t`;
    await this.#stream({ readers, from, kept: undefined }, { signal: undefined });
    return collectors.map((collector) => collector.finish(all));
  }

  async read(plan: readonly ColumnPlan[], options: ReadOptions = {}): Promise<TableData> {
    const { signal, progress } = options;
    const rows = await this.#count(signal);
    const kept = keptRows(rows, {
      sample: options.sample ?? DEFAULT_SAMPLE,
      keepRows: options.keepRows ?? DEFAULT_KEEP_ROWS,
      seed: options.seed ?? 0,
      valuesPerRow: valuesPerRow(plan),
    });
    const duplicates = await this.#duplicates(rows, signal);
    const sampleRows = kept?.length ?? rows;
    const passes = Math.max(1, Math.min(COLUMNS_A_PASS, Math.floor(VALUES_A_PASS / Math.max(1, sampleRows))));
    return {
      rows,
      sampleRows,
      duplicates,
      columns: this.#columns(plan, { rows, kept, passes, levels: options.levels, signal, progress }),
    };
  }

  async sampleRows(plan: readonly ColumnPlan[], options: RowSampleOptions = {}): Promise<AlignedRows> {
    const { rows: wanted = 20_000, seed = 0, signal } = options;
    const totalRows = await this.#count(signal);
    const kept = keptRows(totalRows, { sample: wanted, keepRows: wanted, seed, valuesPerRow: plan.length });
    const sinks = plan.map((column) => new AlignedSink(column, this.#nullTokens));
    const places = planPlaces(plan, this.columns);
    const readers = sinks.map((sink, index): Reader => {
      const place = places[index] as number;
      return textReader(textOf(this.#column(place), `c${place}`), (batch, rows) => sink.take(batch, 0, rows));
    });
    await this.#stream({ readers, from: this.#from, kept }, { signal });
    return { totalRows, rows: kept?.length ?? totalRows, columns: sinks.map((sink) => sink.finish()) };
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  async *#columns(plan: readonly ColumnPlan[], options: ColumnOptions): AsyncGenerator<ColumnData> {
    const places = planPlaces(plan, this.columns);
    let waiting: { reader: Reader; finish: () => ColumnData }[] = [];
    const flush = async (): Promise<ColumnData[]> => {
      const group = waiting;
      waiting = [];
      await this.#stream(
        { readers: group.map(({ reader }) => reader), from: this.#from, kept: options.kept },
        options,
      );
      return group.map(({ finish }) => finish());
    };
    for (const [index, planned] of plan.entries()) {
      const place = places[index] as number;
      if (planned.type === 'categorical' || planned.type === 'boolean') {
        if (waiting.length > 0) yield* await flush();
        yield await this.#levels(planned, place, options);
        continue;
      }
      waiting.push(await this.#valueReader(planned, place, options));
      const next = plan[index + 1]?.type;
      if (waiting.length === options.passes || next === undefined) yield* await flush();
    }
  }

  #column(place: number): ParquetColumn {
    const column = this.#parts.columns[place];
    if (column === undefined) throw new Error(`there is no column ${place}`);
    return column;
  }

  async #valueReader(
    planned: ColumnPlan,
    place: number,
    { rows, kept, levels, signal }: ColumnOptions,
  ): Promise<{ reader: Reader; finish: () => ColumnData }> {
    const column = this.#column(place);
    const table = { rows, sampled: kept !== undefined };
    const { name, type } = planned;
    if ((type === 'numeric' && column.kind === 'number') || (type === 'datetime' && column.kind === 'time')) {
      const [present] = await this.#one(`SELECT count(c${place}) FROM ${this.#from}`, signal);
      const sink = new NumberSink({ name, type, nulls: rows - Number(present) });
      return { reader: numberReader(column, `c${place}`, sink), finish: () => sink.finish(table) };
    }
    const sink: ColumnSink = makeSink(planned, { nullTokens: this.#nullTokens, levels });
    const reader = textReader(textOf(column, `c${place}`), (batch, each) => sink.take(batch, 0, each));
    return { reader, finish: () => sink.finish(table) };
  }

  async #levels(
    plan: ColumnPlan,
    place: number,
    { rows, levels, signal }: ColumnOptions,
  ): Promise<ColumnData> {
    const { paths } = this.#parts;
    const text = textOf(this.#column(place), `c${place}`);
    const query = { paths, from: this.#from, text, plan, rows, levels, nullTokens: this.#nullTokens };
    return this.#query(signal, (connection) => countLevels(connection, query));
  }

  async #count(signal: AbortSignal | undefined): Promise<number> {
    this.#rows ??= Number((await this.#one(`SELECT count(*) FROM ${this.#from}`, signal))[0]);
    return this.#rows;
  }

  /** Equal rows have equal hashes, so a slice of the hashes holds a row's equals either all or not at all. */
  async #duplicates(rows: number, signal: AbortSignal | undefined): Promise<DuplicateRows> {
    const names = this.columns.flatMap(({ kind }, place) => (kind === undefined ? [] : [`c${place}`]));
    if (rows === 0 || names.length === 0) return { rows: 0, exact: true };
    const slices = 2 ** Math.max(0, Math.ceil(Math.log2(rows / DISTINCT_ROWS)));
    const [all, distinct] = await this.#one(
      `SELECT count(*), count(DISTINCT h) FROM (SELECT hash(${names.join(', ')}) AS h FROM ${this.#from}) AS hashes WHERE h % ${slices} = 0`,
      signal,
    );
    return { rows: (Number(all) - Number(distinct)) * slices, exact: slices === 1 };
  }

  async #one(sql: string, signal: AbortSignal | undefined): Promise<readonly unknown[]> {
    return this.#query(signal, async (connection) => {
      const rows = await (await connection.run(sql, [...this.#parts.paths])).getRows();
      return rows[0] ?? [];
    });
  }

  async #stream(
    { readers, from, kept }: { readers: readonly Reader[]; from: string; kept: Float64Array | undefined },
    { signal, progress }: Work,
  ): Promise<void> {
    if (readers.length === 0) return;
    await this.#query(signal, async (connection) => {
      const sql = `SELECT ${readers.map(({ select }) => select).join(', ')} FROM ${from}`;
      const result = await connection.stream(sql, [...this.#parts.paths]);
      const cursor = new KeptRowsCursor(kept);
      let rows = 0;
      for await (const chunk of result) {
        signal?.throwIfAborted();
        const each = cursor.advance(chunk.rowCount);
        for (const [place, reader] of readers.entries()) reader.take(chunk, place, each);
        rows += chunk.rowCount;
        progress?.(rows);
      }
    });
  }

  async #query<Result>(
    signal: AbortSignal | undefined,
    run: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const connection = await this.#parts.connect();
    const interrupt = (): void => connection.interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await run(connection);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#explain(error);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      connection.disconnectSync();
    }
  }

  #explain(error: unknown): unknown {
    return explainDuckDb(error, this.#parts.shown);
  }
}

interface ColumnOptions extends Work {
  rows: number;
  kept: Float64Array | undefined;
  passes: number;
  levels: number | undefined;
}

/** Errors of damaged files, for people; DuckDB has no classes of errors. */
export function explainDuckDb(error: unknown, shown: string): unknown {
  if (!(error instanceof Error)) return error;
  if (
    !/^(?:Invalid Input|IO|Serialization|TProtocolException|Conversion|Not implemented|Binder)\b|[Pp]arquet|thrift|snappy|zstd/i.test(
      error.message,
    )
  )
    return error;
  const [first = ''] = error.message.split('\n');
  return malformedParquet(shown, `the file is damaged (${first.slice(0, 200)})`);
}

function textOf({ declared }: ParquetColumn, name: string): string {
  return declared === 'VARCHAR' ? name : `CAST(${name} AS VARCHAR)`;
}

function numberOf({ declared, kind }: ParquetColumn, name: string): string {
  if (kind !== 'time') return `COALESCE(CAST(${name} AS DOUBLE), 'nan'::DOUBLE)`;
  const milliseconds =
    declared === 'DATE' ? `CAST(epoch_ms(${name}) AS DOUBLE)` : `CAST(epoch_us(${name}) AS DOUBLE) / 1000`;
  return `CASE WHEN ${name} IS NULL THEN 'nan'::DOUBLE WHEN isfinite(${name}) THEN ${milliseconds} WHEN ${name} > '1970-01-01' THEN 'inf'::DOUBLE ELSE '-inf'::DOUBLE END`;
}

function numberReader(column: ParquetColumn, name: string, sink: NumberSink): Reader {
  return {
    select: numberOf(column, name),
    take: (chunk, place, kept) => sink.take(chunk.getColumnVector(place), chunk.rowCount, kept),
  };
}

function textReader(
  select: string,
  take: (batch: ReturnType<typeof textBatch>, kept: { places: Int32Array; count: number }) => void,
): Reader {
  return {
    select,
    take: (chunk, place, kept) => take(textBatch(chunk.getColumnVector(place), chunk.rowCount), kept),
  };
}

function evidenceReader(column: ParquetColumn, name: string, collector: EvidenceCollector): Reader {
  return textReader(textOf(column, name), (batch) => collector.take(batch, 0));
}
