import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { atMost, lowerLimit, rateOf, upperLimit } from './support/binomial.ts';
import { CORRUPTIONS } from './support/corruptions.ts';
import { dependenceGrid } from './support/dependence.ts';
import {
  categoricalFalseAlarms,
  CATEGORY_SHARES,
  MIXED_TABLE,
  numericFalseAlarms,
  tableFalseAlarms,
} from './support/false-alarms.ts';
import { multivariateRates, UNCHANGED } from './support/multivariate.ts';
import { PAGE, renewed } from './support/page.ts';
import { MOVES, powerGrid } from './support/power.ts';
import { realTable } from './support/real-data.ts';
import { corrupted, randomSplits } from './support/real-runs.ts';
import { hasResults, RESULT_NAMES } from './support/results.ts';
import { Source } from './support/random.ts';

/*
 * A sample of the suites of `npm run test:statistics`, with seeds of its own grid. So few runs prove no bound of 2 %; they refuse a rate that is
 * far above it: a count that a true rate of 2 % exceeds once in a thousand times.
 */
const ALARM = 0.02;

function expectFew(cell: { count: number; runs: number; row: string; column: string }, bound = ALARM): void {
  const chance = 1 - atMost(cell.count - 1, cell.runs, bound);
  expect(chance, `${cell.row} ${cell.column}: ${cell.count} of ${cell.runs}`).toBeGreaterThan(0.001);
}

describe('without a change', () => {
  it('tables of one column of numbers are hardly ever called drift', async () => {
    for (const cell of await numericFalseAlarms(['100/100', '1000/100'], () => 60)) expectFew(cell);
  });

  it('tables of one column of levels are hardly ever called drift', async () => {
    const cells = await categoricalFalseAlarms(CATEGORY_SHARES, ['100/100', '2000/200'], () => 100);
    for (const cell of cells) expectFew(cell);
  });

  it('tables of 20 columns are hardly ever called drift, and their columns even less', async () => {
    for (const cell of await tableFalseAlarms([MIXED_TABLE], ['50/50', '1000/100'], () => 40)) {
      expectFew(cell);
      expectFew({ ...cell, ...cell.columns }, 0.002);
    }
  });

  it('rows that depend on one another raise no alarms', async () => {
    const { naive, alarms, power } = await dependenceGrid([0.9], [1000], () => 60);
    for (const cell of alarms) expectFew(cell);
    // They would, if they counted as independent.
    expect(naive[0]?.rate).toBeGreaterThan(0.5);
    expect(power[0]?.runs).toBe(60);
  });

  it('random parts of real data are hardly ever called drift', async () => {
    const weather = realTable('seattle-weather.csv', { leaveOut: ['date'] });
    for (const table of [weather, realTable('penguins.json')]) expectFew(await randomSplits(table, 60));
  });

  it('the multivariate checks hardly ever call drift', () => {
    const [independent] = UNCHANGED;
    if (independent === undefined) throw new Error('there are drawn data');
    expectFew(multivariateRates(independent, '100/100', 30), 0.01);
  });
});

describe('with a change', () => {
  it('half a standard deviation is found at 300 rows, a whole one at 100, and in no other column', async () => {
    const [, , half, whole] = MOVES;
    const cells = [
      ...(await powerGrid(half === undefined ? [] : [half], ['300/300'], { columns: 5, runsOf: () => 40 })),
      ...(await powerGrid(whole === undefined ? [] : [whole], ['100/100'], { columns: 5, runsOf: () => 40 })),
    ];
    expect(cells.length).toBe(2);
    for (const cell of cells) {
      expect(lowerLimit(cell), cell.row).toBeGreaterThanOrEqual(0.7);
      expectFew({ ...cell, ...cell.others });
    }
  });

  it('what is broken in real data is found and named first', async () => {
    const weather = realTable('weather.csv', { leaveOut: ['date'] });
    for (const corruption of CORRUPTIONS) {
      const [cell] = await corrupted(corruption, [weather], 8);
      expect(cell?.runs, corruption.name).toBe(8);
      expect(cell?.count, corruption.name).toBe(8);
      expect(cell?.more?.['first']?.count, `${corruption.name}, first`).toBeGreaterThanOrEqual(7);
    }
  });
});

describe('the tools of the suites', () => {
  it('limit rates as Clopper and Pearson do', () => {
    // 1 - .001^(1/n) without a case; .001^(1/n) where all are.
    expect(upperLimit(rateOf(0, 1000))).toBeCloseTo(1 - 0.001 ** (1 / 1000), 8);
    expect(lowerLimit(rateOf(50, 50))).toBeCloseTo(0.001 ** (1 / 50), 8);
    const { count, runs } = rateOf(12, 1000);
    expect(atMost(count, runs, upperLimit(rateOf(count, runs)))).toBeCloseTo(0.001, 6);
    expect(atMost(count - 1, runs, lowerLimit(rateOf(count, runs)))).toBeCloseTo(0.999, 6);
  });

  it('draw numbers that are even, independent and normal', () => {
    const source = new Source(1, 2);
    const values = Float64Array.from({ length: 100_000 }, () => source.next());
    const mean = (of: (value: number, at: number) => number): number =>
      values.reduce((sum, value, at) => sum + of(value, at), 0) / values.length;
    expect(mean((value) => value)).toBeCloseTo(0.5, 2);
    expect(mean((value) => value * value)).toBeCloseTo(1 / 3, 2);
    expect(mean((value, at) => (value - 0.5) * ((values[at - 1] ?? 0.5) - 0.5))).toBeCloseTo(0, 2);
    const normal = Float64Array.from({ length: 100_000 }, () => source.normal());
    expect(normal.reduce((sum, value) => sum + value ** 2, 0) / normal.length).toBeCloseTo(1, 1);
    expect(normal.filter((value) => value > 1.6449).length / normal.length).toBeCloseTo(0.05, 2);
    expect(new Source(1, 3).next()).not.toBe(new Source(1, 2).next());
    expect([...source.permutation(50)].toSorted((x, y) => x - y)).toEqual(
      Array.from({ length: 50 }, (_, at) => at),
    );
  });

  it('have written all tables of docs/drift.md, from the kept results', () => {
    expect(RESULT_NAMES.filter((name) => !hasResults(name))).toEqual([]);
    const page = readFileSync(PAGE, 'utf8');
    expect(renewed(page)).toBe(page);
  });
});
