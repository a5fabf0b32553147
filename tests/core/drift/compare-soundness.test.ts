import { expect, test } from 'vitest';
import { columnOf, compare } from './support/compare.ts';
import { column, type MemoryColumn } from './support/memory-side.ts';
import { Random } from './support/random.ts';

const LEVELS = [2, 2, 5, 10, 50, 300];

/** 20 columns: 14 of numbers of seven shapes, 6 of levels, the k-th as frequent as 1 / k. */
function table(random: Random, rows: number): MemoryColumn[] {
  const shapes: ((each: Random) => number)[] = [
    (each) => each.normal(),
    (each) => Math.exp(each.normal()),
    (each) => each.normal() / Math.sqrt((each.normal() ** 2 + each.normal() ** 2 + each.normal() ** 2) / 3),
    (each) => each.whole(10),
    (each) => Math.round(10 * each.normal()),
    (each) => (1 - each.next()) ** (-1 / 1.5),
    (each) => (each.next() < 0.5 ? 0 : each.next()),
  ];
  const numbers = Array.from({ length: 14 }, (_, index) =>
    column(`n${index}`, random.numbers(rows, shapes[index % shapes.length])),
  );
  const levels = LEVELS.map((count, index) =>
    column(
      `c${index}`,
      random.levels(
        rows,
        Array.from({ length: count }, (_, level) => 1 / (level + 1)),
      ),
    ),
  );
  return [...numbers, ...levels];
}

// The rule itself allows one false alarm in a hundred data sets; the seeds are fixed.
test.each([
  [50, 50],
  [100, 100],
  [300, 300],
  [2000, 100],
])('data of %i and %i rows without drift raises no alarm in 25 data sets of 20 columns', async (n, m) => {
  const random = new Random(n + 7 * m);
  let drifted = 0;
  for (let run = 0; run < 25; run += 1) {
    const report = await compare(table(random, n), table(random, m));
    drifted += report.totals.drift;
  }
  expect(drifted).toBe(0);
});

test('a shift of half a standard deviation at 1,000 rows is found in that column and no other', async () => {
  const random = new Random(5);
  for (let run = 0; run < 10; run += 1) {
    const current = table(random, 1000).map((each) =>
      each.name === 'n0'
        ? column(
            'n0',
            each.cells.map((cell) => Number(cell) + 0.5),
          )
        : each,
    );
    const report = await compare(table(random, 1000), current);
    expect(
      report.columns.filter(({ verdict }) => verdict === 'drift').map(({ column: name }) => name),
    ).toEqual(['n0']);
  }
});

test('rows that depend on one another raise no alarm', async () => {
  const random = new Random(6);
  const walk = (rows: number): number[] => {
    let value = random.normal();
    return Array.from({ length: rows }, () => (value = 0.9 * value + Math.sqrt(0.19) * random.normal()));
  };
  for (let run = 0; run < 40; run += 1) {
    const report = await compare([column('x', walk(1000))], [column('x', walk(1000))]);
    expect(columnOf(report, 'x').verdict).not.toBe('drift');
  }
});
