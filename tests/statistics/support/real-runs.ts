import { rateOf } from './binomial.ts';
import type { Corruption } from './corruptions.ts';
import { wordOf } from './grid.ts';
import { outcomeOf } from './outcome.ts';
import { Source } from './random.ts';
import { pick, type RealTable, realTable, sideOf, split } from './real-data.ts';
import type { ResultCell } from './results.ts';

/** Random halves, and random tenths, of a real data set: how often they are called drift. */
export async function randomSplits(table: RealTable, runs: number): Promise<ResultCell> {
  let alarms = 0;
  let columns = 0;
  for (let run = 0; run < runs; run += 1) {
    const source = new Source(wordOf(table.name), run);
    const { reference, current } = split(table, source, run % 2 === 0 ? 0.5 : 0.9);
    const outcome = await outcomeOf(sideOf(reference), sideOf(current));
    if (outcome.alarmed.size > 0) alarms += 1;
    columns += outcome.alarmed.size;
  }
  const size = `${table.rows} rows, ${table.columns.length} columns`;
  return {
    row: table.name,
    column: size,
    ...rateOf(alarms, runs),
    more: { columns: rateOf(columns, runs * table.columns.length) },
  };
}

/** Data sets of fewer rows than this are counted apart: what they cannot show is no failure. */
export const LARGE = 1000;

/** Random halves of which the second is broken: how often the broken column is called drift, and is the first in the report. */
export async function corrupted(
  { name, apply }: Corruption,
  tables: readonly RealTable[],
  runs: number,
): Promise<ResultCell[]> {
  const counts = { large: { runs: 0, found: 0, first: 0 }, small: { runs: 0, found: 0, first: 0 } };
  for (const table of tables) {
    const count = table.rows >= LARGE ? counts.large : counts.small;
    for (let run = 0; run < runs; run += 1) {
      const source = new Source(wordOf(`${name} ${table.name}`), run);
      const { reference, current } = split(table, source, 0.5);
      const broken = apply(current, source);
      if (broken === undefined) break;
      const outcome = await outcomeOf(sideOf(reference), sideOf(broken.table));
      count.runs += 1;
      if (broken.changed.some((column) => outcome.alarmed.has(column))) count.found += 1;
      if (outcome.first !== undefined && broken.changed.includes(outcome.first)) count.first += 1;
    }
  }
  return (['large', 'small'] as const)
    .filter((size) => counts[size].runs > 0)
    .map((size) => ({
      row: name,
      column: size === 'large' ? `${LARGE} rows or more` : 'fewer rows',
      ...rateOf(counts[size].found, counts[size].runs),
      more: { first: rateOf(counts[size].first, counts[size].runs) },
    }));
}

export interface TimeSplit {
  readonly row: string;
  readonly verdict: string;
  readonly severity: string;
  readonly first: string | undefined;
  readonly drifted: readonly string[];
}

/** Real data of one time against another. */
export async function timeSplits(): Promise<TimeSplit[]> {
  const weather = (months: readonly string[]): RealTable =>
    realTable('seattle-weather.csv', {
      leaveOut: ['date'],
      where: (each) => months.includes(dateOf(each, 'date').slice(5, 7)),
    });
  const year = (wanted: string): RealTable =>
    realTable('seattle-weather.csv', {
      leaveOut: ['date'],
      where: (each) => dateOf(each, 'date').startsWith(wanted),
    });
  const prices = realTable('sp500-2000.csv', { leaveOut: ['date'] });
  const half = Math.floor(prices.rows / 2);
  const rows = Uint32Array.from({ length: prices.rows }, (_, row) => row);
  const strikes = (from: number, to: number): RealTable =>
    realTable('birdstrikes.csv', {
      leaveOut: ['Flight Date'],
      where: (each) => {
        const when = Number(dateOf(each, 'Flight Date').slice(0, 4));
        return when >= from && when <= to;
      },
    });
  return Promise.all([
    timeSplit(
      'Seattle, January and February / July and August',
      weather(['01', '02']),
      weather(['07', '08']),
    ),
    timeSplit('Seattle, 2012 / 2015', year('2012'), year('2015')),
    timeSplit(
      'S&P 500, first / second half since 2000',
      pick(prices, rows.subarray(0, half)),
      pick(prices, rows.subarray(half)),
    ),
    timeSplit('bird strikes, 1990-1995 / 1998-2002', strikes(1990, 1995), strikes(1998, 2002)),
  ]);
}

function dateOf(row: Readonly<Record<string, unknown>>, name: string): string {
  const date = row[name];
  return typeof date === 'string' ? date : '';
}

async function timeSplit(row: string, reference: RealTable, current: RealTable): Promise<TimeSplit> {
  const { report, alarmed, first } = await outcomeOf(sideOf(reference), sideOf(current));
  return { row, verdict: report.verdict, severity: report.severity, first, drifted: [...alarmed] };
}
