import type { ColumnData } from '../../../src/storage/tables/table.ts';
import { rateOf } from './binomial.ts';
import { type Cell, cellOf, type Sizes, sizesOf, wordOf } from './grid.ts';
import { outcomeOf } from './outcome.ts';
import { type Draw, even, DISTRIBUTIONS, Source, zipf } from './random.ts';
import { categorical, numeric, sampledSide } from './sampled-side.ts';

/** How often a grid draws each of its cells, by the sizes of the two sides. */
export type RunsOf = (sizes: Sizes) => number;

/** Tables of one numeric column whose two sides come from one distribution: how often it is called drift. */
export async function numericFalseAlarms(sizeTexts: readonly string[], runsOf: RunsOf): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const [name, draw] of DISTRIBUTIONS) {
    for (const text of sizeTexts) {
      const sizes = sizesOf(text);
      const side = (source: Source, rows: number) => sampledSide([numeric('x', drawn(source, rows, draw))]);
      const word = wordOf(`numeric ${name} ${text}`);
      cells.push(
        await cellOf({ row: name, column: text, runs: runsOf(sizes) }, async (run) => {
          const source = new Source(word, run);
          const outcome = await outcomeOf(side(source, sizes.reference), side(source, sizes.current));
          return outcome.alarmed.size > 0;
        }),
      );
    }
  }
  return cells;
}

/** The same for tables of one categorical column. */
export async function categoricalFalseAlarms(
  levels: readonly (readonly [name: string, shares: readonly number[]])[],
  sizeTexts: readonly string[],
  runsOf: RunsOf,
): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const [name, shares] of levels) {
    for (const text of sizeTexts) {
      const sizes = sizesOf(text);
      const word = wordOf(`categorical ${name} ${text}`);
      const side = (source: Source, rows: number) =>
        sampledSide([categorical('x', source.levels(rows, shares))]);
      cells.push(
        await cellOf({ row: name, column: text, runs: runsOf(sizes) }, async (run) => {
          const source = new Source(word, run);
          const outcome = await outcomeOf(side(source, sizes.reference), side(source, sizes.current));
          return outcome.alarmed.size > 0;
        }),
      );
    }
  }
  return cells;
}

export const CATEGORY_SHARES: readonly (readonly [name: string, shares: readonly number[]])[] = [
  ['2 levels, even', even(2)],
  ['2 levels, 1 % and 99 %', [0.01, 0.99]],
  ['5 levels, even', even(5)],
  ['10 levels, zipf', zipf(10)],
  ['50 levels, zipf', zipf(50)],
  ['200 levels, zipf', zipf(200)],
  ['1000 levels, zipf', zipf(1000)],
];

const MIXED_LEVELS = [2, 2, 5, 10, 50, 300];

/** 20 columns: 14 numeric ones of eight distributions, and categories of 2, 2, 5, 10, 50 and 300 levels. */
export function mixedColumns(source: Source, rows: number): ColumnData[] {
  const numbers = Array.from({ length: 14 }, (_, index) => {
    const [, draw] = DISTRIBUTIONS[index % DISTRIBUTIONS.length] as (typeof DISTRIBUTIONS)[number];
    return numeric(`number ${index}`, drawn(source, rows, draw));
  });
  const categories = MIXED_LEVELS.map((levels, index) =>
    categorical(`category ${index}`, source.levels(rows, levels === 2 ? even(2) : zipf(levels))),
  );
  return [...numbers, ...categories];
}

export interface TableCell extends Cell {
  /** Alarms of single columns, of all columns of all runs. */
  readonly columns: { readonly count: number; readonly runs: number; readonly rate: number };
}

/** Tables of many columns without any change: how often one of them is called drift, and how many columns are. */
export async function tableFalseAlarms(
  kinds: readonly TableKind[],
  sizeTexts: readonly string[],
  runsOf: RunsOf,
): Promise<TableCell[]> {
  const cells: TableCell[] = [];
  for (const { name, columnsOf } of kinds) {
    for (const text of sizeTexts) {
      const sizes = sizesOf(text);
      const word = wordOf(`table ${name} ${text}`);
      let alarmed = 0;
      let columns = 0;
      const cell = await cellOf({ row: name, column: text, runs: runsOf(sizes) }, async (run) => {
        const source = new Source(word, run);
        const before = columnsOf(source, sizes.reference);
        const after = columnsOf(source, sizes.current);
        const outcome = await outcomeOf(sampledSide(before), sampledSide(after));
        alarmed += outcome.alarmed.size;
        columns += before.length;
        return outcome.alarmed.size > 0;
      });
      cells.push({ ...cell, columns: rateOf(alarmed, columns) });
    }
  }
  return cells;
}

export interface TableKind {
  readonly name: string;
  readonly columnsOf: (source: Source, rows: number) => ColumnData[];
}

export const MIXED_TABLE: TableKind = { name: '20 mixed columns', columnsOf: mixedColumns };

/** Tables of normal columns only. */
export function normalTable(columns: number): TableKind {
  return {
    name: `${columns} numeric columns`,
    columnsOf: (source, rows) =>
      Array.from({ length: columns }, (_, index) =>
        numeric(
          `number ${index}`,
          drawn(source, rows, (each) => each.normal()),
        ),
      ),
  };
}

export function drawn(source: Source, rows: number, draw: Draw): Float64Array {
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) values[row] = draw(source);
  return values;
}
