import type { ColumnType } from '../table.ts';
import type { ParquetColumn } from './parquet-schema.ts';

/** The values of a column as text, in SQL. */
export function textOf({ declared }: ParquetColumn, name: string): string {
  return declared === 'VARCHAR' ? name : `CAST(${name} AS VARCHAR)`;
}

/** Whether the values of a column need not be read from their text to be what is wanted. */
export function isNumberOf({ kind }: ParquetColumn, type: ColumnType): boolean {
  return (type === 'numeric' && kind === 'number') || (type === 'datetime' && kind === 'time');
}

/** The values of a column of numbers, or of times as milliseconds since 1970, as DOUBLE in SQL. */
export function numberOf({ declared, kind }: ParquetColumn, name: string): string {
  if (kind !== 'time') return declared === 'DOUBLE' ? name : `CAST(${name} AS DOUBLE)`;
  const milliseconds =
    declared === 'DATE' ? `CAST(epoch_ms(${name}) AS DOUBLE)` : `CAST(epoch_us(${name}) AS DOUBLE) / 1000`;
  // DuckDB knows days before and after all others.
  return (
    `CASE WHEN ${name} IS NULL THEN NULL WHEN isfinite(${name}) THEN ${milliseconds} ` +
    `WHEN ${name} > '1970-01-01' THEN 'inf'::DOUBLE ELSE '-inf'::DOUBLE END`
  );
}
