import { open } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { TableColumn } from '../table.ts';
import type { InputFile } from '../text/input-file.ts';
import { malformedParquet } from './parquet-errors.ts';
import { parquetOf } from './parquet-files.ts';

/** How the values of a column come out of the file. */
export type ValueKind = 'number' | 'time' | 'boolean' | 'text';

export interface ParquetColumn extends TableColumn {
  declared: string;
  /** Undefined for columns that are skipped. */
  kind: ValueKind | undefined;
}

const MAGIC = Buffer.from('PAR1');
const NUMBERS = /^(?:U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const TIMES = /^(?:DATE|TIMESTAMP(?:_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE)$/;
const TEXTS = /^(?:VARCHAR|UUID|ENUM\(.*\))$/s;

/** @throws UsageError if a file's ends are not those of a Parquet file */
export async function checkParquetEnds({ path, shown, size }: InputFile): Promise<void> {
  const tail = Buffer.alloc(8);
  const handle = await open(path);
  try {
    await handle.read(tail, 0, 8, Math.max(0, size - 8));
  } finally {
    await handle.close();
  }
  const footer = tail.readUInt32LE(0);
  if (size >= 12 && tail.subarray(4).equals(MAGIC) && footer <= size - 12) return;
  throw malformedParquet(shown, 'it is cut off: a Parquet file ends with its footer and PAR1');
}

/** The names of the columns of one file as it has them; DuckDB itself would rename those that differ in case only. */
export async function columnNames(connection: DuckDBConnection, path: string): Promise<string[]> {
  const schema = await connection.runAndReadAll('SELECT name, num_children FROM parquet_schema($1)', [path]);
  return topLevelNames(schema.getRows().map(([name, children]) => [String(name), Number(children ?? 0)]));
}

/** The types of the columns of files that are read as one. */
export async function columnTypes(connection: DuckDBConnection, paths: readonly string[]): Promise<string[]> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${parquetOf(paths.length)}`, [
    ...paths,
  ]);
  return described.getRows().map(([, type]) => String(type));
}

/** The tree comes as a list in which children follow their parent. */
function topLevelNames(elements: readonly (readonly [name: string, children: number])[]): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = (): void => {
    const children = elements[at]?.[1] ?? 0;
    at += 1;
    for (let child = 0; child < children; child += 1) skip();
  };
  for (let left = elements[0]?.[1] ?? 0; left > 0; left -= 1) {
    names.push(elements[at]?.[0] ?? '');
    skip();
  }
  return names;
}

export function columnOf(name: string, declared: string): ParquetColumn {
  const kind = kindOf(declared);
  return { name, declared, kind, skipped: kind === undefined ? reason(declared) : undefined };
}

export function kindOf(declared: string): ValueKind | undefined {
  if (NUMBERS.test(declared)) return 'number';
  if (TIMES.test(declared)) return 'time';
  if (declared === 'BOOLEAN') return 'boolean';
  return TEXTS.test(declared) ? 'text' : undefined;
}

function reason(declared: string): string {
  if (declared.endsWith(']') || /^(?:STRUCT|MAP|UNION|VARIANT|JSON)\b/.test(declared))
    return 'nested values are not compared';
  if (declared === 'BLOB' || declared === 'BIT') return 'binary values are not compared';
  if (declared.startsWith('TIME')) return 'times of day without a date are not compared';
  if (declared === 'INTERVAL') return 'durations are not compared';
  return `values of the type ${declared.slice(0, 40)} are not compared`;
}
