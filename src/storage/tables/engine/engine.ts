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
import type { InputFile } from '../text/input-file.ts';

/** What a call may be watched and ended by. */
export interface Watch {
  progress?: ((rows: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The options of reading without what can't be sent to a thread. */
export type EngineReadOptions = Omit<ReadOptions, 'signal' | 'progress'>;
export type EngineSampleOptions = Omit<RowSampleOptions, 'signal'>;

export interface ReadFacts {
  rows: number;
  sampleRows: number;
  duplicates: DuplicateRows;
}

/** Files that were opened as one table, whatever their format. */
export interface OpenedTable {
  readonly columns: readonly TableColumn[];
  readonly notes: readonly string[];
  evidence(options: { complete: boolean }): Promise<readonly ColumnEvidence[]>;
  /** Each of the columns may be asked for once, in the order of the plan. */
  read(
    plan: readonly ColumnPlan[],
    options: EngineReadOptions & Watch,
  ): Promise<ReadFacts & { columns: (() => ColumnData | Promise<ColumnData>)[] }>;
  sampleRows(plan: readonly ColumnPlan[], options: EngineSampleOptions & Watch): Promise<AlignedRows>;
  close(): Promise<void>;
}

export interface EngineOpenOptions {
  files: readonly InputFile[];
  nullTokens: readonly string[] | undefined;
}

/** Reads one table, on this thread or in another: everything that goes in and comes out can be sent. */
export interface TableEngine {
  open(options: EngineOpenOptions): Promise<{ columns: readonly TableColumn[]; notes: readonly string[] }>;
  evidence(options: { complete: boolean }): Promise<readonly ColumnEvidence[]>;
  /** Reads the rows; what was found out of each column is taken by `column`. A second call forgets the first. */
  read(
    request: { plan: readonly ColumnPlan[]; options: EngineReadOptions },
    watch: Watch,
  ): Promise<ReadFacts>;
  column(request: { index: number }): Promise<ColumnData>;
  sampleRows(
    request: { plan: readonly ColumnPlan[]; options: EngineSampleOptions },
    watch: Watch,
  ): Promise<AlignedRows>;
  close(): Promise<void>;
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
