import type { ColumnData } from '../../../src/storage/tables/table.ts';
import { rateOf } from './binomial.ts';
import { type Cell, cellOf, type Sizes, sizesOf, wordOf } from './grid.ts';
import { drawn } from './false-alarms.ts';
import { outcomeOf } from './outcome.ts';
import { type Draw, even, Source } from './random.ts';
import { categorical, numeric, sampledSide } from './sampled-side.ts';

/** A change of one column, and what its values are after it. */
export interface Change {
  readonly name: string;
  /** Of a standard normal value. */
  readonly draw: Draw;
}

const shifted = (by: number): Change => ({
  name: `mean + ${by} sd`,
  draw: (source) => source.normal() + by,
});
const scaled = (by: number): Change => ({ name: `sd x ${by}`, draw: (source) => by * source.normal() });

export const MOVES: readonly Change[] = [
  shifted(0.2),
  shifted(0.3),
  shifted(0.5),
  shifted(1),
  scaled(1.5),
  scaled(2),
];

/** What breaks in pipelines. */
export const BREAKS: readonly Change[] = [
  shifted(0.3),
  shifted(0.5),
  scaled(1.5),
  scaled(2),
  { name: '5 % constant 0', draw: (source) => (source.next() < 0.05 ? 0 : source.normal()) },
  { name: '10 % constant 0', draw: (source) => (source.next() < 0.1 ? 0 : source.normal()) },
  { name: '1 % x 100', draw: (source) => source.normal() * (source.next() < 0.01 ? 100 : 1) },
  { name: '2 % x 1000', draw: (source) => source.normal() * (source.next() < 0.02 ? 1000 : 1) },
];

const normal: Draw = (source) => source.normal();

export interface PowerCell extends Cell {
  /** Runs in which a column that was not changed is called drift. */
  readonly others: { readonly count: number; readonly runs: number; readonly rate: number };
}

/** How often a change of the first of `columns` normal columns is called drift, and any of the others. */
export async function powerGrid(
  changes: readonly Change[],
  sizeTexts: readonly string[],
  { columns, runsOf }: { columns: number; runsOf: (sizes: Sizes) => number },
): Promise<PowerCell[]> {
  const cells: PowerCell[] = [];
  for (const { name, draw } of changes) {
    for (const text of sizeTexts) {
      const sizes = sizesOf(text);
      const runs = runsOf(sizes);
      const word = wordOf(`power ${name} ${text} ${columns}`);
      const side = (source: Source, rows: number, first: Draw): ColumnData[] =>
        Array.from({ length: columns }, (_, index) =>
          numeric(`number ${index}`, drawn(source, rows, index === 0 ? first : normal)),
        );
      let others = 0;
      const cell = await cellOf({ row: name, column: text, runs }, async (run) => {
        const source = new Source(word, run);
        const before = side(source, sizes.reference, normal);
        const outcome = await outcomeOf(sampledSide(before), sampledSide(side(source, sizes.current, draw)));
        const isFound = outcome.alarmed.has('number 0');
        if (outcome.alarmed.size > (isFound ? 1 : 0)) others += 1;
        return isFound;
      });
      cells.push({ ...cell, others: rateOf(others, runs) });
    }
  }
  return cells;
}

/** How often five even levels are called drift once the first took `tvd` of all rows from the next ones, of each as much as it has. */
export async function categoricalPower(
  distances: readonly number[],
  sizeTexts: readonly string[],
  runsOf: (sizes: Sizes) => number,
): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const tvd of distances) {
    const before = even(5);
    let rest = tvd;
    const after = before.map((share, level) => {
      if (level === 0) return share + tvd;
      const lost = Math.min(share, rest);
      rest -= lost;
      return share - lost;
    });
    for (const text of sizeTexts) {
      const sizes = sizesOf(text);
      const word = wordOf(`tvd ${tvd} ${text}`);
      cells.push(
        await cellOf({ row: `TVD ${tvd}, 5 levels`, column: text, runs: runsOf(sizes) }, async (run) => {
          const source = new Source(word, run);
          const outcome = await outcomeOf(
            sampledSide([categorical('x', source.levels(sizes.reference, before))]),
            sampledSide([categorical('x', source.levels(sizes.current, after))]),
          );
          return outcome.alarmed.size > 0;
        }),
      );
    }
  }
  return cells;
}
