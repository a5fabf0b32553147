import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { csvParse } from 'd3-dsv';
import type { Source } from './random.ts';
import { labelled, numeric, sampledSide } from './sampled-side.ts';
import type { ColumnData } from '../../../src/storage/tables/table.ts';

/** A column of a real data set: numbers with NaN, or texts with null, where a cell is empty. */
export type RealColumn =
  | { readonly name: string; readonly type: 'numeric'; readonly values: Float64Array }
  | { readonly name: string; readonly type: 'categorical'; readonly values: readonly (string | null)[] };

export interface RealTable {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly RealColumn[];
}

type Row = Readonly<Record<string, unknown>>;

/** The file of the package vega-datasets: real measurements, prices, sports, films. */
function read(file: string): Row[] {
  const path = fileURLToPath(new URL(`../data/${file}`, import.meta.resolve('vega-datasets')));
  const text = readFileSync(path, 'utf8');
  return file.endsWith('.csv') ? csvParse(text) : (JSON.parse(text) as Row[]);
}

/** Every distinct value once, or nearly: names and identifiers, of which nothing can be compared. */
const MOST_DISTINCT = 0.5;

/** A data set with all its columns but names, identifiers and dates; `rows` in the order of the file. */
export function realTable(
  file: string,
  options: { leaveOut?: readonly string[]; where?: (row: Row) => boolean } = {},
): RealTable {
  const rows = read(file).filter(options.where ?? (() => true));
  const names = Object.keys(rows[0] ?? {}).filter((name) => options.leaveOut?.includes(name) !== true);
  const columns = names.flatMap((name) => {
    const column = columnOf(
      name,
      rows.map((row) => row[name]),
    );
    return column === undefined ? [] : [column];
  });
  return { name: file, rows: rows.length, columns };
}

function columnOf(name: string, cells: readonly unknown[]): RealColumn | undefined {
  const texts = cells.map((cell) =>
    cell === null || cell === undefined || cell === ''
      ? null
      : typeof cell === 'object'
        ? JSON.stringify(cell)
        : String(cell as string | number | boolean),
  );
  const present = texts.filter((text) => text !== null);
  const isNumeric = present.length > 0 && present.every((text) => Number.isFinite(Number(text)));
  const distinct = new Set(present).size;
  if (isNumeric && distinct > 10) {
    return {
      name,
      type: 'numeric',
      values: Float64Array.from(texts, (text) => (text === null ? NaN : Number(text))),
    };
  }
  return distinct > MOST_DISTINCT * cells.length ? undefined : { name, type: 'categorical', values: texts };
}

/** The given rows of a table, in this order. */
export function pick({ name, columns }: RealTable, rows: Uint32Array): RealTable {
  return {
    name,
    rows: rows.length,
    columns: columns.map((column): RealColumn =>
      column.type === 'numeric'
        ? { ...column, values: Float64Array.from(rows, (row) => column.values[row] as number) }
        : { ...column, values: Array.from(rows, (row) => column.values[row] ?? null) },
    ),
  };
}

/** Two disjoint parts drawn at random, the first with `share` of the rows. */
export function split(
  table: RealTable,
  source: Source,
  share: number,
): { reference: RealTable; current: RealTable } {
  const order = source.permutation(table.rows);
  const cut = Math.round(share * table.rows);
  return { reference: pick(table, order.subarray(0, cut)), current: pick(table, order.subarray(cut)) };
}

export function sideOf({ columns }: RealTable): ReturnType<typeof sampledSide> {
  return sampledSide(columns.map(dataOf));
}

function dataOf(column: RealColumn): ColumnData {
  if (column.type === 'numeric') {
    const values = column.values.filter((value) => !Number.isNaN(value));
    return numeric(column.name, values, column.values.length - values.length);
  }
  const counts = new Map<string, number>();
  let nulls = 0;
  for (const value of column.values) {
    if (value === null) nulls += 1;
    else counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return labelled(column.name, counts, nulls);
}

/** The data sets of the permutation and corruption tests. */
export function realTables(): RealTable[] {
  return [
    realTable('birdstrikes.csv', { leaveOut: ['Flight Date'] }),
    realTable('seattle-weather.csv', { leaveOut: ['date'] }),
    realTable('weather.csv', { leaveOut: ['date'] }),
    realTable('movies.json', { leaveOut: ['Title', 'Release Date'] }),
    realTable('flights-10k.json', { leaveOut: ['date'] }),
    realTable('football.json', { leaveOut: ['date'] }),
    realTable('species.csv', { leaveOut: ['item_id'] }),
    realTable('airports.csv', { leaveOut: ['iata', 'name'] }),
    realTable('jobs.json'),
    realTable('cars.json', { leaveOut: ['Name', 'Year'] }),
    realTable('penguins.json'),
  ];
}
