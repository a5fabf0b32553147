import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../errors.ts';
import type { OpenTableOptions, Table } from '../table.ts';
import type { InputFile } from '../text/input-file.ts';
import { describeName, placesOf } from '../text/names.ts';
import { openDatabase, type Database } from './load-duckdb.ts';
import { checkParquetEnds, parquetColumns, type ParquetColumn } from './parquet-schema.ts';
import { explainDuckDb, ParquetTable } from './parquet-table.ts';

/** @throws UsageError for damaged files and parts that do not fit together; MlopsError `MISSING_DEPENDENCY` */
export async function openParquet(
  files: readonly InputFile[],
  { nullTokens }: OpenTableOptions,
): Promise<Table> {
  for (const file of files) await checkParquetEnds(file);
  const temporary = await mkdtemp(join(tmpdir(), 'mlops-table-'));
  const remove = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  let database: Database | undefined;
  const close = async (): Promise<void> => {
    database?.close();
    await remove();
  };
  try {
    const paths = files.map(({ path }) => path);
    database = await openDatabase({ files: paths, temporary });
    const columns = await agreedColumns(files, database);
    const shown = files.map((file) => file.shown).join(', ');
    return new ParquetTable({ paths, shown, columns, nullTokens, connect: database.connect, close });
  } catch (error) {
    await close();
    throw error;
  }
}

async function agreedColumns(
  files: readonly InputFile[],
  database: Database,
): Promise<readonly ParquetColumn[]> {
  const connection = await database.connect();
  try {
    let first: { file: InputFile; columns: ParquetColumn[]; names: string[] } | undefined;
    for (const file of files) {
      const columns = await schemaOf(file, () => parquetColumns(connection, file.path));
      const names = columns.map(({ name }) => name);
      first ??= { file, columns, names };
      for (const [index, place] of placesOf(first, { file, names }).entries()) {
        const expected = first.columns[index];
        const found = columns[place];
        if (expected === undefined || found === undefined || expected.kind === found.kind) continue;
        throw new UsageError(
          'TABLE_SCHEMAS_DIFFER',
          `${describeName(found.name)} is ${found.declared} in ${file.shown} and ${expected.declared} in ${first.file.shown}`,
          { hint: 'files that are read as one table need columns of the same types' },
        );
      }
    }
    return first?.columns ?? [];
  } finally {
    connection.disconnectSync();
  }
}

async function schemaOf<Result>(file: InputFile, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    throw explainDuckDb(error, file.shown);
  }
}
