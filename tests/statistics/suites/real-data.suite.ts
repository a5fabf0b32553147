import { expect, it } from 'vitest';
import { lowerLimit, rateOf, upperLimit } from '../support/binomial.ts';
import { CORRUPTIONS } from '../support/corruptions.ts';
import { realTables } from '../support/real-data.ts';
import { corrupted, LARGE, randomSplits, timeSplits } from '../support/real-runs.ts';
import { keepResults, type ResultCell } from '../support/results.ts';

it('random parts of real data sets are called drift in 2 % of the runs at most', async () => {
  const cells: ResultCell[] = [];
  for (const table of realTables()) cells.push(await randomSplits(table, table.rows > 5000 ? 200 : 500));
  const sum = (of: (cell: ResultCell) => number): number =>
    cells.reduce((total, cell) => total + of(cell), 0);
  const columns = rateOf(
    sum(({ more }) => more?.['columns']?.count ?? 0),
    sum(({ more }) => more?.['columns']?.runs ?? 0),
  );
  const all: ResultCell = {
    row: 'all',
    column: '',
    ...rateOf(
      sum(({ count }) => count),
      sum(({ runs }) => runs),
    ),
    more: { columns },
  };
  keepResults('real-data', [...cells, all]);
  expect(upperLimit(all)).toBeLessThanOrEqual(0.02);
  expect(upperLimit(columns)).toBeLessThanOrEqual(0.002);
  for (const cell of cells) expect(cell.rate, cell.row).toBeLessThanOrEqual(0.02);
});

it('what is broken in real data sets is found and named first', async () => {
  const tables = realTables();
  const cells: ResultCell[] = [];
  for (const corruption of CORRUPTIONS) cells.push(...(await corrupted(corruption, tables, 30)));
  keepResults('corruptions', cells);
  for (const cell of cells.filter(({ column }) => column.startsWith(String(LARGE)))) {
    expect(lowerLimit(cell), cell.row).toBeGreaterThanOrEqual(0.9);
    expect(lowerLimit(cell.more?.['first'] ?? rateOf(0, 1)), `${cell.row}, first`).toBeGreaterThanOrEqual(
      0.9,
    );
  }
});

it('real data of different times are told apart, by the columns that changed', async () => {
  const splits = await timeSplits();
  keepResults(
    'time-splits',
    splits.map(({ row, verdict, severity, first, drifted }) => ({
      row,
      column: verdict,
      ...rateOf(drifted.length, drifted.length),
      text: `${severity}, first ${first ?? 'none'}; drifted: ${drifted.join(', ')}`,
    })),
  );
  expect(splits.map(({ verdict }) => verdict)).toEqual(splits.map(() => 'drift'));
  const [seasons, years] = splits;
  expect(['temp_max', 'temp_min', 'precipitation']).toContain(seasons?.first);
  expect(seasons?.drifted).toEqual(expect.arrayContaining(['temp_max', 'temp_min', 'precipitation']));
  expect(seasons?.severity).toBe('critical');
  expect(years?.first).toBe('weather');
});
