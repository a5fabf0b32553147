/** What a column is compared as. Inferred on the reference (`src/core/drift/column-type.ts`) and pinned for the current side. */
export type ColumnType = 'numeric' | 'categorical' | 'boolean' | 'datetime' | 'text';

/** A column as the files have it. Names are data: they are never keys of an object and never written into SQL. */
export interface TableColumn {
  name: string;
  /** The type that the file declares, in its own words (Parquet); undefined where cells are text. */
  declared: string | undefined;
  /** Why its values are not compared, a short sentence; undefined for every other column. */
  skipped: string | undefined;
}

/**
 * What the first rows (or all) say about a column. All counts are of cells. Whether a text is missing, a number, a date ... is
 * what {@link ColumnPlan} says of pinned types.
 */
export interface ColumnEvidence {
  name: string;
  declared: string | undefined;
  skipped: string | undefined;
  /** Rows looked at; all of the table's when `complete`. */
  rows: number;
  complete: boolean;
  /** Empty cells and those that hold a null token. */
  nulls: number;
  /** Cells that a number can be read from, `inf` and `nan` among them. */
  numbers: number;
  /** Numbers without a fraction (`3`, `3.0`). */
  integers: number;
  /** Integers written with leading zeros: `007`. */
  zeroPadded: number;
  /** Integers beyond 2^53, of which a double keeps 53 bits only. */
  beyondPrecision: number;
  /** Numbers with a comma before the fraction. They are not guessed: `1,234` may be either. */
  decimalCommas: number;
  /** Cells that hold one of {@link BOOLEAN_WORDS}; 0 and 1 are counted as numbers only. */
  booleans: number;
  /** Which of them occur, in lower case and sorted. */
  booleanWords: readonly string[];
  /** ISO 8601 dates and times. */
  datetimes: number;
  /** Different values that are not null: exact up to {@link DISTINCT_LIMIT}, then an estimate. */
  distinct: number;
  /** In characters, of the values that are not null; 0 if there are none. */
  meanLength: number;
  /** Up to 3 different values, in row order, each cut at 40 characters. */
  examples: readonly string[];
}

/** Up to here `distinct` is exact. */
export const DISTINCT_LIMIT = 100_000;

/** Words for true and false, in pairs that belong together. `0` and `1` are read as well in a column pinned as boolean. */
export const BOOLEAN_WORDS: readonly (readonly [yes: string, no: string])[] = [
  ['true', 'false'],
  ['yes', 'no'],
  ['t', 'f'],
  ['y', 'n'],
];

/**
 * Cells that mean "missing" in columns of numbers, dates and booleans, besides the empty one: what pandas takes for missing, in
 * exactly these spellings. In categorical and text columns only the empty cell is missing: there `NA` is Namibia and `None` a
 * level; a level whose share changes is reported all the same. A list given by the caller holds in all columns.
 */
export const NULL_TOKENS: readonly string[] = [
  '#N/A',
  '#N/A N/A',
  '#NA',
  '-1.#IND',
  '-1.#QNAN',
  '-NaN',
  '-nan',
  '1.#IND',
  '1.#QNAN',
  '<NA>',
  'N/A',
  'NA',
  'NULL',
  'NaN',
  'None',
  'n/a',
  'nan',
  'null',
];

export interface ColumnPlan {
  name: string;
  type: ColumnType;
  /**
   * For categorical columns whose levels are integers: `1.0` is the level `1`, since pandas writes integers so once one of
   * them is missing.
   */
  integers?: boolean;
}

export interface ReadOptions {
  /** Values to keep of each numeric, datetime and text column where not all are kept; default 200,000. */
  sample?: number;
  /** Rows up to which all values are kept; default 2,000,000, less for very wide tables (see `RowSample`). */
  keepRows?: number;
  /** Of the sample: the same seed takes the same rows, on any machine and with any number of threads. Default 0. */
  seed?: number;
  /** Levels that a categorical column's counts may have; default 100,000. */
  levels?: number;
  /**
   * Numbers and times in ascending order instead of row order: then they are sorted where they are read, for large tables in a thread
   * of its own. Lengths of texts stay in row order.
   */
  sorted?: boolean;
  /** Ends the reading with its reason. */
  signal?: AbortSignal;
  /** Called now and then with the rows read so far. */
  progress?(rows: number): void;
}

interface ReadColumn {
  name: string;
  /** Of the whole table, whatever was sampled. */
  rows: number;
  nulls: number;
  /** Cells that are neither null nor of the pinned type. */
  unparsable: number;
  /** Up to 3 of them, each cut at 40 characters. */
  unparsableExamples: readonly string[];
}

/** Numbers; of a datetime column milliseconds since 1970 in UTC (a time without a zone is taken for UTC). */
export interface NumericColumn extends ReadColumn {
  type: 'numeric' | 'datetime';
  /** Finite values in row order (ascending if so asked): all, or those of the sampled rows. */
  values: Float64Array;
  /** True if `values` are those of a uniform sample of the rows. */
  sampled: boolean;
  /**
   * Finite values of neighbouring rows in row order, for serial dependence: `values` itself where those are all in row order, else 8 to 16
   * runs of 2,500 rows (fewer of very wide tables) from all over the table, one after the other.
   */
  consecutive: Float64Array;
  /** Finite values in the whole table. */
  finite: number;
  nan: number;
  positiveInfinite: number;
  negativeInfinite: number;
  /** Of the finite values of all rows; undefined if there are none. */
  min: number | undefined;
  max: number | undefined;
  /**
   * Of a sample: the value most frequent there (the smallest of several), counted over all rows if it holds at least 0.5 % of
   * the sample, else `exact` is false and the count an estimate. Undefined where all values are kept: whoever sorts them finds it.
   */
  top: { value: number; count: number; exact: boolean } | undefined;
}

export interface CategoricalColumn extends ReadColumn {
  type: 'categorical' | 'boolean';
  /** Rows of each level over the whole table. Booleans are `true` and `false`. */
  counts: Map<string, number>;
  /** Different levels; at least so many if there are more than were counted (`distinctExact` false). */
  distinct: number;
  distinctExact: boolean;
  /** The rarest levels beyond the limit, not in `counts`. */
  pooled: { levels: number; rows: number };
}

/** Shares of all characters; they add up to 1 unless there are none (then all are 0). */
export interface CharacterShares {
  letter: number;
  digit: number;
  space: number;
  punctuation: number;
  other: number;
}

export interface TextColumn extends ReadColumn {
  type: 'text';
  /** In characters (code points), in row order: of all values, or of those in the sampled rows. */
  lengths: Float64Array;
  sampled: boolean;
  /** Over the same values as `lengths`. */
  classShares: CharacterShares;
  /** Different values; at least so many if `distinctExact` is false. */
  distinct: number;
  distinctExact: boolean;
  /** Values of no characters; CSV has none, there an empty cell is null. */
  emptyStrings: number;
}

export type ColumnData = NumericColumn | CategoricalColumn | TextColumn;

export interface DuplicateRows {
  /** Rows that equal an earlier one in every column. */
  rows: number;
  /** False: estimated from the rows whose hash falls into a slice, which keeps equal rows together. */
  exact: boolean;
}

export interface TableData {
  rows: number;
  /** Rows whose values are kept: all, or the sample. */
  sampleRows: number;
  duplicates: DuplicateRows;
  /** One for each entry of the plan and in its order. Each may be asked for once; what was handed out is not kept. */
  columns: AsyncIterable<ColumnData>;
}

export interface RowSampleOptions {
  rows?: number;
  seed?: number;
  signal?: AbortSignal;
}

/** Numbers, datetimes in milliseconds; NaN where the cell is null, unparsable or not finite. */
export interface AlignedNumbers {
  name: string;
  type: 'numeric' | 'datetime';
  values: Float64Array;
}

/** Levels by their place in `levels`; -1 where the cell is null. */
export interface AlignedLevels {
  name: string;
  type: 'categorical' | 'boolean' | 'text';
  codes: Int32Array;
  levels: readonly string[];
}

export interface AlignedRows {
  /** Of the whole table. */
  totalRows: number;
  /** Rows here. */
  rows: number;
  /** One for each entry of the plan and in its order. */
  columns: readonly (AlignedNumbers | AlignedLevels)[];
}

/** One or several files that were opened as one table. */
export interface Table {
  /** In the order of the (first) file. */
  readonly columns: readonly TableColumn[];
  /** What was assumed about the files, for people: `delimiter ";"`. */
  readonly notes: readonly string[];
  /**
   * Looks at the first rows (50,000; fewer of wide tables), or at all of them.
   *
   * @throws UsageError for malformed files, as far as they were read
   */
  evidence(options?: { complete?: boolean }): Promise<readonly ColumnEvidence[]>;
  /**
   * Reads the planned columns over all rows. A plan names only columns of the table that are not skipped, each once.
   *
   * @throws UsageError for malformed files; also while `columns` is iterated
   */
  read(plan: readonly ColumnPlan[], options?: ReadOptions): Promise<TableData>;
  /**
   * Several columns of the same rows side by side, for what looks at more than one column at a time: all rows, or a uniform sample of
   * `rows` (default 20,000) in row order. The same seed takes the same rows.
   *
   * @throws UsageError as `read`
   */
  sampleRows(plan: readonly ColumnPlan[], options?: RowSampleOptions): Promise<AlignedRows>;
  /** Frees memory and temporary files. Nothing may be called afterwards but `close`. */
  close(): Promise<void>;
}

export interface OpenTableOptions {
  /** Relative paths start here. */
  cwd: string;
  /** Instead of {@link NULL_TOKENS}; they then hold in text and categorical columns too. */
  nullTokens?: readonly string[];
}

export interface TableReader {
  /**
   * Opens files and globs as one table.
   *
   * @throws UsageError if there is no such file, a URL is given, a format is not known, or the head of a file is malformed
   * @throws MlopsError `MISSING_DEPENDENCY` where DuckDB is not installed
   */
  open(paths: readonly string[], options: OpenTableOptions): Promise<Table>;
}
