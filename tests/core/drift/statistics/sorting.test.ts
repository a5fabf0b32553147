import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSorted, sortedCopy } from '../../../../src/core/drift/statistics/sorting.ts';

/** Values of all magnitudes, as bits: what the radix sort has to order. Repeated up to the length from which it is used. */
const manyValues = fc
  .array(
    fc.oneof(
      fc.double({ noNaN: true }),
      fc.integer().map(Number),
      fc.constantFrom(0, -0, Infinity, -Infinity, 5e-324, -5e-324, 1e308),
    ),
    { minLength: 1, maxLength: 60 },
  )
  .map((values) =>
    Float64Array.from({ length: 9000 }, (_, index) => {
      const value = values[index % values.length] as number;
      return index < values.length ? value : value * ((index * 7919) % 101);
    }).filter((value) => !Number.isNaN(value)),
  );

describe('sortedCopy', () => {
  it('orders many values as the engine does, with -0 before 0', () => {
    fc.assert(
      fc.property(manyValues, (values) => {
        const actual = sortedCopy(values);
        const expected = values.slice().sort();
        expect(actual.length).toBe(expected.length);
        expect(actual.every((value, index) => Object.is(value, expected[index]))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('orders negative and positive values that differ in their last bits only', () => {
    const values = Float64Array.from({ length: 20_000 }, (_, index) => {
      const near = 1 + ((index * 7919) % 20_000) * Number.EPSILON;
      return index % 2 === 0 ? near : -near;
    });
    const actual = sortedCopy(values);
    expect(isSorted(actual)).toBe(true);
    expect(new Set(actual).size).toBe(20_000);
  });

  it('leaves the given values alone, few or many', () => {
    for (const length of [3, 10_000]) {
      const values = Float64Array.from({ length }, (_, index) => -index);
      const sorted = sortedCopy(values);
      expect(values[1]).toBe(-1);
      expect(sorted[0]).toBe(1 - length);
    }
  });
});

describe('isSorted', () => {
  it('tells ascending values, equal neighbours included, from others', () => {
    expect(isSorted(Float64Array.of(1, 1, 2))).toBe(true);
    expect(isSorted(Float64Array.of())).toBe(true);
    expect(isSorted(Float64Array.of(1, 3, 2))).toBe(false);
  });
});
