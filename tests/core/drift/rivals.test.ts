import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countRivals } from '../../../src/core/drift/checks/rivals.ts';
import { distributionOf } from '../../../src/core/drift/distribution.ts';

const distribution = (values: readonly number[]) => {
  const array = Float64Array.from(values);
  return distributionOf({ values: array, consecutive: array, total: array.length });
};

test('they are all values that come at least half as often, on both sides together', () => {
  const sample = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(sample, sample, fc.nat(), (before, after, pick) => {
      const counts = new Map<number, number>();
      for (const value of [...before, ...after]) counts.set(value, (counts.get(value) ?? 0) + 1);
      const all = [...counts.values()];
      const chosen = all[pick % all.length] ?? 1;
      const share = chosen / (before.length + after.length);
      const expected = all.filter((count) => count >= chosen / 2).length;
      expect(countRivals(share, distribution(before), distribution(after))).toBe(expected);
    }),
  );
});

test('of a profile they are as many as there can be', () => {
  const profile = { ...distribution([1, 2, 3]), error: 0.001 };
  expect(countRivals(0.25, profile, distribution([1]))).toBe(8);
});
