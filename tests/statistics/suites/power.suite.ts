import { describe, expect, it } from 'vitest';
import { lowerLimit, upperLimit } from '../support/binomial.ts';
import type { Cell } from '../support/grid.ts';
import { BREAKS, categoricalPower, MOVES, powerGrid, type PowerCell } from '../support/power.ts';
import { keepResults } from '../support/results.ts';

/**
 * What is found at least, by change and sizes: the lower end of a one-sided 99.9 % interval of the true rate has to reach it. Changes near the
 * floor of the effect (D .1) or near what the rows can show are found more rarely; their rates are in docs/drift.md without a bound.
 */
type Bounds = Readonly<Record<string, Readonly<Record<string, number>>>>;

function expectFound(cells: readonly Cell[], bounds: Bounds): void {
  for (const [row, bySizes] of Object.entries(bounds)) {
    for (const [column, least] of Object.entries(bySizes)) {
      const cell = cells.find((each) => each.row === row && each.column === column);
      expect(cell, `${row} ${column}`).toBeDefined();
      if (cell !== undefined) expect(lowerLimit(cell), `${row} ${column}`).toBeGreaterThanOrEqual(least);
    }
  }
}

/** Alarms of the columns that did not change; a true alarm lets q of the others fall, so that they may be a little more frequent. */
function expectFewOthers(cells: readonly PowerCell[], most: number): void {
  const runs = cells.reduce((sum, { others }) => sum + others.runs, 0);
  const count = cells.reduce((sum, { others }) => sum + others.count, 0);
  expect(upperLimit({ count, runs, rate: count / runs })).toBeLessThanOrEqual(most);
}

const asResult = ({ others, ...cell }: PowerCell) => ({ ...cell, more: { others } });

describe('one column that changes', () => {
  it('is found as often as the grid of the reference says', async () => {
    const sizes = ['100/100', '300/300', '1000/1000', '10000/10000'];
    const cells = await powerGrid(MOVES, sizes, {
      columns: 1,
      runsOf: ({ reference }) => (reference > 5000 ? 200 : 1000),
    });
    keepResults('power', cells.map(asResult));
    expectFound(cells, {
      'mean + 0.3 sd': { '1000/1000': 0.9, '10000/10000': 0.95 },
      'mean + 0.5 sd': { '100/100': 0.35, '300/300': 0.95, '1000/1000': 0.98, '10000/10000': 0.95 },
      'mean + 1 sd': { '100/100': 0.97, '300/300': 0.98, '1000/1000': 0.98, '10000/10000': 0.95 },
      'sd x 1.5': { '300/300': 0.5, '1000/1000': 0.95, '10000/10000': 0.95 },
      'sd x 2': { '100/100': 0.6, '300/300': 0.98, '1000/1000': 0.98, '10000/10000': 0.95 },
    });
  });

  it('of levels is found by its distance beyond chance', async () => {
    const cells = await categoricalPower([0.1, 0.2, 0.3], ['100/100', '300/300', '1000/1000'], () => 1000);
    keepResults('categorical-power', cells);
    expectFound(cells, {
      'TVD 0.2, 5 levels': { '100/100': 0.7, '300/300': 0.95, '1000/1000': 0.98 },
      'TVD 0.3, 5 levels': { '100/100': 0.95, '300/300': 0.98, '1000/1000': 0.98 },
    });
  });
});

describe('one of 20 columns that changes', () => {
  it('is found, and no other', async () => {
    const half = MOVES.filter(({ name }) => name === 'mean + 0.5 sd');
    const cells = await powerGrid(half, ['100/100', '200/200', '300/300', '1000/1000'], {
      columns: 20,
      runsOf: () => 1000,
    });
    keepResults('table-power', cells.map(asResult));
    expectFound(cells, { 'mean + 0.5 sd': { '200/200': 0.55, '300/300': 0.85, '1000/1000': 0.98 } });
    expectFewOthers(cells, 0.02);
  });

  it('is found by what breaks in pipelines', async () => {
    const cells = await powerGrid(BREAKS, ['300/300', '1000/1000', '10000/1000'], {
      columns: 20,
      runsOf: ({ reference }) => (reference > 5000 ? 150 : 400),
    });
    keepResults('breaks', cells.map(asResult));
    expectFound(cells, {
      'mean + 0.3 sd': { '1000/1000': 0.85, '10000/1000': 0.9 },
      'mean + 0.5 sd': { '300/300': 0.85, '1000/1000': 0.95, '10000/1000': 0.95 },
      'sd x 1.5': { '1000/1000': 0.95, '10000/1000': 0.95 },
      'sd x 2': { '300/300': 0.95, '1000/1000': 0.95, '10000/1000': 0.95 },
      '10 % constant 0': { '300/300': 0.9, '1000/1000': 0.95, '10000/1000': 0.95 },
      '1 % x 100': { '10000/1000': 0.5 },
      '2 % x 1000': { '1000/1000': 0.6, '10000/1000': 0.95 },
    });
    expectFewOthers(cells, 0.02);
  });
});
