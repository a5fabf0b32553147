import { expect, test } from 'vitest';
import { drawn } from '../../../src/core/drift/draw.ts';

const values = Float64Array.from({ length: 10_000 }, (_, place) => place);

test.each([1, 100, 4999, 5001, 9999])(
  '%i of 10,000 are different ones in their order, the same each time',
  (most) => {
    const sample = drawn(values, most);
    expect(sample).toHaveLength(most);
    for (let at = 1; at < most; at += 1) expect(sample[at]).toBeGreaterThan(sample[at - 1] as number);
    expect(drawn(values, most)).toEqual(sample);
  },
);

test('they come from all over the values', () => {
  const sample = drawn(values, 1000);
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const inTenth = sample.filter((value) => Math.floor(value / 1000) === tenth).length;
    // 100 +- 9
    expect(Math.abs(inTenth - 100)).toBeLessThan(45);
  }
});

test('no more values than there are', () => {
  expect(drawn(values, 10_000)).toBe(values);
  expect(drawn(new Float64Array(0), 5)).toHaveLength(0);
});
