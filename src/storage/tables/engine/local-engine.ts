import type { AlignedRows, ColumnData, ColumnEvidence } from '../table.ts';
import type { EngineOpenOptions, OpenedTable, TableEngine } from './engine.ts';

/** Reads on the thread that calls. */
export class LocalEngine implements TableEngine {
  #table: OpenedTable | undefined;
  #columns: ((() => ColumnData | Promise<ColumnData>) | undefined)[] = [];

  async open({ files, nullTokens }: EngineOpenOptions): ReturnType<TableEngine['open']> {
    this.#table = await openFiles({ files, nullTokens });
    const { columns, notes } = this.#table;
    return { columns, notes };
  }

  async evidence(options: { complete: boolean }): Promise<readonly ColumnEvidence[]> {
    return this.#opened().evidence(options);
  }

  async read(
    ...[{ plan, options }, watch]: Parameters<TableEngine['read']>
  ): ReturnType<TableEngine['read']> {
    this.#columns = [];
    const { columns, ...facts } = await this.#opened().read(plan, { ...options, ...watch });
    this.#columns = columns;
    return facts;
  }

  async column({ index }: { index: number }): Promise<ColumnData> {
    const finish = this.#columns[index];
    this.#columns[index] = undefined;
    if (finish === undefined) throw new Error(`column ${index} is not there, or was taken already`);
    return finish();
  }

  async sampleRows(
    ...[{ plan, options }, watch]: Parameters<TableEngine['sampleRows']>
  ): Promise<AlignedRows> {
    return this.#opened().sampleRows(plan, { ...options, ...watch });
  }

  async close(): Promise<void> {
    const table = this.#table;
    this.#table = undefined;
    this.#columns = [];
    await table?.close();
  }

  #opened(): OpenedTable {
    if (this.#table === undefined) throw new Error('the table is not open');
    return this.#table;
  }
}

async function openFiles({ files, nullTokens }: EngineOpenOptions): Promise<OpenedTable> {
  switch (files[0]?.format) {
    case 'parquet':
      return (await import('../parquet/open-parquet.ts')).openParquet(files, nullTokens);
    case 'json':
      return (await import('../text/open-json.ts')).openJson(files, nullTokens);
    default:
      return (await import('../text/open-delimited.ts')).openDelimited(files, nullTokens);
  }
}
