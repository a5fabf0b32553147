import { expect, test } from 'vitest';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { column } from './support/memory-side.ts';
import { Random } from './support/random.ts';

test('a shift of half a standard deviation at 1,000 rows is drift, with its size, place and direction', async () => {
  const random = new Random(1);
  const report = await compare(
    [column('age', random.numbers(1000))],
    [
      column(
        'age',
        random.numbers(1000, (r) => r.normal(0.5)),
      ),
    ],
  );
  const age = columnOf(report, 'age');
  expect(age.verdict).toBe('drift');
  expect(checkOf(report, 'age', 'distribution').qValue).toBeLessThan(1e-6);
});
