import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../errors.ts';
import type { InputFile } from '../text/input-file.ts';
import { describeName, placesOf } from '../text/names.ts';
import { openDatabase, type Database } from './load-duckdb.ts';
import { explainDuckDb } from './parquet-errors.ts';
import { ParquetFiles } from './parquet-files.ts';
import {
  checkParquetEnds,
  columnNames,
  columnOf,
  columnTypes,
  kindOf,
  type ParquetColumn,
} from './parquet-schema.ts';
import { ParquetTable } from './parquet-table.ts';

/** @throws UsageError for damaged files and files that do not fit together; MlopsError `MISSING_DEPENDENCY` */
export async function openParquet(
  files: readonly InputFile[],
  nullTokens: readonly string[] | undefined,
): Promise<ParquetTable> {
  for (const file of files) await checkParquetEnds(file);
  const temporary = await mkdtemp(join(tmpdir(), 'mlops-table-'));
  let database: Database | undefined;
  const close = async (): Promise<void> => {
    database?.close();
    await rm(temporary, { recursive: true, force: true });
  };
  try {
    database = await openDatabase({ files: files.map(({ path }) => path), temporary });
    const columns = await agreedColumns(files, database);
    const asked = new ParquetFiles(files, database, columns.length);
    return new ParquetTable({ files: asked, columns, notes: [], nullTokens, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Schema {
  file: InputFile;
  names: string[];
  types: string[];
}

/** The columns of all files, which need the same names, and types of the same kind. */
async function agreedColumns(files: readonly InputFile[], database: Database): Promise<ParquetColumn[]> {
  const connection = await database.connect();
  const schemaOf = async (file: InputFile): Promise<Schema> => {
    try {
      const [names, types] = [
        await columnNames(connection, file.path),
        await columnTypes(connection, [file.path]),
      ];
      return { file, names, types };
    } catch (error) {
      throw explainDuckDb(error, [file]);
    }
  };
  try {
    let first: Schema | undefined;
    for (const file of files) {
      const schema = await schemaOf(file);
      first ??= schema;
      checkAgreement(first, schema);
    }
    const { names = [], types = [] } = first ?? {};
    const paths = files.map(({ path }) => path);
    const common = files.length > 1 ? await columnTypes(connection, paths) : types;
    return names.map((name, place) => columnOf(name, common[place] ?? ''));
  } catch (error) {
    throw explainDuckDb(error, files);
  } finally {
    connection.disconnectSync();
  }
}

function checkAgreement(first: Schema, other: Schema): void {
  const places = placesOf(first, other);
  for (const [index, place] of places.entries()) {
    const expected = first.types[index] ?? '';
    const found = other.types[place] ?? '';
    const same = kindOf(expected) === undefined ? expected === found : kindOf(expected) === kindOf(found);
    // DuckDB matches names whatever their case, so names that differ in it only must not be in another order.
    const clear =
      index === place || new Set(first.names.map((name) => name.toLowerCase())).size === places.length;
    if (same && clear) continue;
    throw new UsageError(
      'TABLE_SCHEMAS_DIFFER',
      same
        ? `${describeName(first.names[index] ?? '')} is column ${place + 1} of ${other.file.shown} and ${index + 1} of ${first.file.shown}`
        : `${describeName(first.names[index] ?? '')} is ${found} in ${other.file.shown} and ${expected} in ${first.file.shown}`,
      { hint: 'files that are read as one table need the same columns of the same types' },
    );
  }
}
