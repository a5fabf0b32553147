import type { AlignedLevels, AlignedNumbers, AlignedRows } from '../../../storage/tables/table.ts';

export type AlignedColumn = AlignedNumbers | AlignedLevels;

/** The column of that name; undefined where none was asked for or the side does not have it. */
export function columnOf(rows: AlignedRows, name: string | undefined): AlignedColumn | undefined {
  return name === undefined ? undefined : rows.columns.find((column) => column.name === name);
}

export function isNumbers(column: AlignedColumn): column is AlignedNumbers {
  return column.type === 'numeric' || column.type === 'datetime';
}

/** The values of a numeric column, NaN where a cell is missing or the column is not numeric. */
export function numbersOf(column: AlignedColumn | undefined, rows: number): Float64Array {
  return column !== undefined && isNumbers(column) ? column.values : new Float64Array(rows).fill(NaN);
}

/** The level of each row as text, null where it is missing; numbers as JavaScript writes them, so that `1.0` and `1` are one level. */
export function levelsOf(column: AlignedColumn | undefined, rows: number): (string | null)[] {
  if (column === undefined) return Array.from({ length: rows }, () => null);
  if (isNumbers(column))
    return Array.from(column.values, (value) => (Number.isNaN(value) ? null : String(value)));
  return Array.from(column.codes, (code) => column.levels[code] ?? null);
}

/** The different levels, sorted; of a numeric column undefined once there are more than `most`. */
export function distinctLevels(
  columns: readonly (AlignedColumn | undefined)[],
  most: number,
): string[] | undefined {
  const found = new Set<string>();
  for (const column of columns) {
    if (column === undefined) continue;
    if (isNumbers(column)) {
      for (const value of column.values) {
        if (!Number.isNaN(value)) found.add(String(value));
        if (found.size > most) return undefined;
      }
    } else {
      for (const code of new Set(column.codes)) {
        const level = column.levels[code];
        if (level !== undefined) found.add(level);
      }
    }
  }
  return [...found].toSorted();
}
