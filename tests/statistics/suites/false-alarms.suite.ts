import { describe, expect, it } from 'vitest';
import { upperLimit } from '../support/binomial.ts';
import {
  categoricalFalseAlarms,
  CATEGORY_SHARES,
  MIXED_TABLE,
  normalTable,
  numericFalseAlarms,
  tableFalseAlarms,
} from '../support/false-alarms.ts';
import type { Sizes } from '../support/grid.ts';
import { keepResults } from '../support/results.ts';

/**
 * Nothing changes in any of these data sets. The bounds are proven, not met by chance: the upper end of a one-sided 99.9 % interval of the true
 * rate has to lie at or below them.
 */
export const ANY_ALARM = 0.02;
export const COLUMN_ALARM = 0.002;

/** Few rows cost little and have the highest rates. */
const runsOf = ({ reference, current }: Sizes): number =>
  reference + current <= 6000 ? 4000 : reference + current <= 12_000 ? 2000 : 1000;

describe('data sets of one column without a change', () => {
  it(`are called drift in ${100 * ANY_ALARM} % of the runs at most, whatever the distribution of the numbers`, async () => {
    const sizes = [
      '100/100',
      '300/300',
      '1000/1000',
      '1000/100',
      '5000/100',
      '5000/500',
      '10000/1000',
      '10000/10000',
    ];
    const cells = await numericFalseAlarms(sizes, runsOf);
    keepResults('numeric-false-alarms', cells);
    for (const cell of cells) {
      expect(upperLimit(cell), `${cell.row} ${cell.column}`).toBeLessThanOrEqual(ANY_ALARM);
    }
  });

  it(`are called drift in ${100 * ANY_ALARM} % of the runs at most, whatever the levels`, async () => {
    const sizes = ['100/100', '1000/100', '1000/1000', '10000/1000', '10000/10000'];
    const cells = await categoricalFalseAlarms(CATEGORY_SHARES, sizes, () => 4000);
    keepResults('categorical-false-alarms', cells);
    for (const cell of cells) {
      expect(upperLimit(cell), `${cell.row} ${cell.column}`).toBeLessThanOrEqual(ANY_ALARM);
    }
  });
});

describe('data sets of many columns without a change', () => {
  it(`are called drift in ${100 * ANY_ALARM} % of the runs at most, and ${100 * COLUMN_ALARM} % of their columns`, async () => {
    const mixed = ['50/50', '100/100', '300/300', '1000/1000', '5000/100', '10000/1000', '20000/20000'];
    const cells = [
      ...(await tableFalseAlarms([MIXED_TABLE], mixed, runsOf)),
      ...(await tableFalseAlarms([normalTable(10)], ['100/100', '1000/1000'], () => 2000)),
      ...(await tableFalseAlarms([normalTable(100)], ['100/100', '1000/1000'], () => 1000)),
      ...(await tableFalseAlarms([normalTable(300)], ['100/100', '1000/100'], () => 1000)),
    ];
    keepResults(
      'table-false-alarms',
      cells.map(({ columns, ...cell }) => ({ ...cell, more: { columns } })),
    );
    for (const cell of cells) {
      const name = `${cell.row} ${cell.column}`;
      expect(upperLimit(cell), name).toBeLessThanOrEqual(ANY_ALARM);
      expect(upperLimit(cell.columns), `columns of ${name}`).toBeLessThanOrEqual(COLUMN_ALARM);
    }
  });
});
