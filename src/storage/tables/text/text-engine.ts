import type {
  AlignedRows,
  ColumnData,
  ColumnEvidence,
  ColumnPlan,
  DuplicateRows,
  RowSampleOptions,
  TableColumn,
} from '../table.ts';
import type { InputFile } from './input-file.ts';
import { openDelimited } from './open-delimited.ts';
import { openJson } from './open-json.ts';
import { TextTable, type TextReadOptions, type Watch } from './text-table.ts';

export interface EngineOpenOptions {
  files: readonly InputFile[];
  nullTokens: readonly string[] | undefined;
}

/** Reads one table, on this thread or in another: everything that goes in and comes out can be sent. */
export interface TextEngine {
  open(options: EngineOpenOptions): Promise<{ columns: readonly TableColumn[]; notes: readonly string[] }>;
  evidence(options: { complete: boolean }): Promise<readonly ColumnEvidence[]>;
  /** Reads the rows; what was found out of each column is taken by `column`. A second call forgets the first. */
  read(
    request: { plan: readonly ColumnPlan[]; options: TextReadOptions },
    watch: Watch,
  ): Promise<{ rows: number; sampleRows: number; duplicates: DuplicateRows }>;
  /** Each may be asked for once. */
  column(request: { index: number }): Promise<ColumnData>;
  sampleRows(
    request: { plan: readonly ColumnPlan[]; options: Omit<RowSampleOptions, 'signal'> },
    watch: Watch,
  ): Promise<AlignedRows>;
  close(): Promise<void>;
}

/** Reads on the thread that calls. */
export class LocalTextEngine implements TextEngine {
  #table: TextTable | undefined;
  #columns: ((() => ColumnData) | undefined)[] = [];

  async open({ files, nullTokens }: EngineOpenOptions): ReturnType<TextEngine['open']> {
    const opened = await (files[0]?.format === 'json' ? openJson(files) : openDelimited(files));
    this.#table = new TextTable({ ...opened, nullTokens });
    return { columns: opened.columns, notes: opened.notes };
  }

  evidence(options: { complete: boolean }): Promise<readonly ColumnEvidence[]> {
    return this.#opened().evidence(options);
  }

  async read(...[{ plan, options }, watch]: Parameters<TextEngine['read']>): ReturnType<TextEngine['read']> {
    this.#columns = [];
    const { columns, ...facts } = await this.#opened().read(plan, { ...options, ...watch });
    this.#columns = columns;
    return facts;
  }

  column({ index }: { index: number }): Promise<ColumnData> {
    const finish = this.#columns[index];
    this.#columns[index] = undefined;
    if (finish === undefined)
      return Promise.reject(new Error(`column ${index} is not there, or was taken already`));
    return Promise.resolve(finish());
  }

  sampleRows(...[{ plan, options }, watch]: Parameters<TextEngine['sampleRows']>): Promise<AlignedRows> {
    return this.#opened().sampleRows(plan, { ...options, ...watch });
  }

  close(): Promise<void> {
    this.#table = undefined;
    this.#columns = [];
    return Promise.resolve();
  }

  #opened(): TextTable {
    if (this.#table === undefined) throw new Error('the table is not open');
    return this.#table;
  }
}
