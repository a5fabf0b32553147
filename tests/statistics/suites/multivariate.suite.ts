import { expect, it } from 'vitest';
import { lowerLimit, rateOf, upperLimit } from '../support/binomial.ts';
import { CHANGED, multivariateRates, randomHalves, UNCHANGED } from '../support/multivariate.ts';
import { realTable } from '../support/real-data.ts';
import { keepResults, type ResultCell } from '../support/results.ts';

it('tells sides apart that hang together differently, and no others', () => {
  const real = [
    realTable('seattle-weather.csv', { leaveOut: ['date'] }),
    realTable('movies.json', { leaveOut: ['Title', 'Release Date'] }),
    realTable('penguins.json'),
  ];
  const unchanged: ResultCell[] = [
    ...UNCHANGED.flatMap((drawn) =>
      ['200/200', '500/500'].map((size) => multivariateRates(drawn, size, 500)),
    ),
    ...real.map((table) =>
      multivariateRates(randomHalves(table), `${table.rows / 2}/${table.rows / 2}`, 200),
    ),
  ];
  const changed = CHANGED.flatMap((drawn) =>
    ['300/300', '1000/1000'].map((size) => multivariateRates(drawn, size, 100)),
  );
  keepResults('multivariate', [...unchanged, ...changed]);
  // alpha is .01; a rate is refused if it is proven to be above it, and if it is above 2 % altogether.
  for (const cell of unchanged)
    expect(lowerLimit(cell), `${cell.row} ${cell.column}`).toBeLessThanOrEqual(0.01);
  const sum = (of: (cell: ResultCell) => number): number =>
    unchanged.reduce((total, cell) => total + of(cell), 0);
  const all = rateOf(
    sum(({ count }) => count),
    sum(({ runs }) => runs),
  );
  expect(upperLimit(all)).toBeLessThanOrEqual(0.02);
  for (const cell of changed.filter(({ row, column }) => row.includes('0.5') || column === '1000/1000')) {
    expect(lowerLimit(cell), `${cell.row} ${cell.column}`).toBeGreaterThanOrEqual(0.9);
  }
});
