import { expect, it } from 'vitest';
import { lowerLimit, upperLimit } from '../support/binomial.ts';
import { dependenceGrid, duplicatesGrid } from '../support/dependence.ts';
import { keepResults } from '../support/results.ts';

it('rows that depend on one another raise no more alarms than independent ones', async () => {
  const { naive, alarms, power } = await dependenceGrid([0, 0.3, 0.5, 0.9], [500, 2000, 10_000], (rows) =>
    rows > 5000 ? 1000 : 2000,
  );
  keepResults(
    'dependence',
    alarms.map((cell, at) => {
      const others = { naive: naive[at] ?? cell, power: power[at] ?? cell };
      const rate = ({ count, runs, rate: value }: typeof cell) => ({ count, runs, rate: value });
      return { ...cell, more: { naive: rate(others.naive), power: rate(others.power) } };
    }),
  );
  for (const cell of alarms) expect(upperLimit(cell), `${cell.row} ${cell.column}`).toBeLessThanOrEqual(0.02);
  const found = (row: string, column: string): number =>
    lowerLimit(
      power.find((cell) => cell.row === row && cell.column === column) ?? { count: 0, runs: 1, rate: 0 },
    );
  expect(found('phi 0.5', '2000/2000')).toBeGreaterThanOrEqual(0.95);
  expect(found('phi 0.9', '10000/10000')).toBeGreaterThanOrEqual(0.9);
});

it('repeated rows are pointed out, whatever their order', async () => {
  const sizes: [number, number][] = [
    [1000, 100],
    [2000, 500],
    [10_000, 2000],
  ];
  const { alarms, warned } = await duplicatesGrid(10, sizes, 300);
  keepResults(
    'duplicates',
    alarms.map((cell, at) => {
      const { count, runs, rate } = warned[at] ?? cell;
      return { ...cell, more: { warned: { count, runs, rate } } };
    }),
  );
  for (const cell of warned) expect(cell.rate).toBe(1);
  for (const cell of alarms.filter(({ row }) => row.endsWith('row by row'))) {
    expect(upperLimit(cell), cell.row).toBeLessThanOrEqual(0.04);
  }
});
