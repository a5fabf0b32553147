import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countUpTo } from '../../../../src/core/drift/distribution.ts';
import { knotError, shortKnots } from '../../../../src/core/drift/profile/knots.ts';
import { numberText, readNumbers, writeNumbers } from '../../../../src/core/drift/profile/number-list.ts';
import { quantile, quantileKnots } from '../../../../src/core/drift/statistics/quantiles.ts';
import { Random } from '../support/random.ts';
import { furthestFromStep, sample } from './support/samples.ts';

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();
const bytesOf = (knots: Float64Array): number => writeNumbers(knots).join('').length;

describe('shortKnots', () => {
  it('states an error that holds everywhere, at most a step and a row for distinct values', () => {
    fc.assert(
      fc.property(sample(400), fc.integer({ min: 1, max: 30 }), (values, minCount) => {
        const rows = sorted(values);
        const { knots, error } = shortKnots(rows, { minCount });
        expect(furthestFromStep(rows, knots)).toBeLessThanOrEqual(error + 1e-12);
        expect(error).toBeLessThanOrEqual(1 / (knots.length - 1) + 1 / rows.length + 1e-6);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the minimum, the maximum and short numbers as they are', () => {
    const prices = sorted(
      Array.from({ length: 5000 }, (_, index) => Math.round((index * 7919) % 10_007) / 100),
    );
    const { knots, error } = shortKnots(prices);
    expect([...knots]).toEqual([...quantileKnots(prices, 1001)]);
    expect(error).toBeLessThanOrEqual(0.001 + 1e-7);
  });

  it('takes 8 to 16 KB for 1001 knots of long numbers, whatever their size and number', () => {
    for (const count of [500, 900, 1000, 1001, 2500, 3001, 20_011, 400_000]) {
      const random = new Random(count);
      for (const draw of [
        () => random.normal(),
        () => random.normal(1e6, 1e-2),
        () => Math.exp(random.normal(0, 8)),
        () => 1.7e12 + Math.floor(random.next() * 3e10),
        () => random.next() * 1e-200,
      ]) {
        const rows = sorted(random.numbers(count, draw));
        const { knots, error } = shortKnots(rows);
        expect(knots).toHaveLength(1001);
        expect(bytesOf(knots)).toBeLessThanOrEqual(16_000);
        expect(error).toBeLessThanOrEqual(0.001 + Math.max(1 / count, 2e-5) + 1e-6);
        expect([knots[0], knots[1000]]).toEqual([rows[0], rows.at(-1)]);
      }
    }
  });

  it('gives up a little more of the error where long numbers come several times each', () => {
    const random = new Random(4);
    const rows = sorted(random.numbers(1000).flatMap((value) => Array.from({ length: 10 }, () => value)));
    const { knots, error } = shortKnots(rows);
    expect(bytesOf(knots)).toBeLessThanOrEqual(16_000);
    expect(error).toBeLessThanOrEqual(0.002 + 1e-6);
    expect(furthestFromStep(rows, knots)).toBeLessThanOrEqual(error + 1e-12);
  });

  it('moves no quantile towards the median, so that no range between quantiles becomes narrower', () => {
    const rows = sorted(new Random(5).numbers(3001));
    const { knots } = shortKnots(rows);
    const exact = quantileKnots(rows, 1001);
    for (let knot = 0; knot <= 1000; knot += 1) {
      const moved = (knots[knot] as number) - (exact[knot] as number);
      expect(knot <= 500 ? -moved : moved).toBeGreaterThanOrEqual(0);
    }
    for (const tail of [0.25, 0.1, 0.05]) {
      const wide = quantile(knots, 1 - tail + 0.001) - quantile(knots, tail - 0.001);
      expect(wide).toBeGreaterThanOrEqual(quantile(rows, 1 - tail) - quantile(rows, tail));
    }
  });

  it('leaves as many values as asked for between knots, and moves rare ends outwards to round numbers', () => {
    const rows = sorted(new Random(6).numbers(1000, (random) => random.normal(40, 12)));
    const { knots } = shortKnots(rows, { minCount: 20 });
    expect(knots).toHaveLength(51);
    expect(knots[0]).toBeLessThanOrEqual(rows[0] as number);
    expect(knots[50]).toBeGreaterThanOrEqual(rows.at(-1) as number);
    expect([knots[0], knots[50]].map((end) => (end as number) % 10)).toEqual([0, 0]);
    for (let knot = 1; knot < knots.length; knot += 1) {
      const between = countUpTo(rows, knots[knot] as number) - countUpTo(rows, knots[knot - 1] as number);
      expect(between).toBeGreaterThanOrEqual(19);
    }
  });

  it('shows an end that enough rows share', () => {
    const rows = sorted([
      ...Array.from({ length: 30 }, () => 0.1234567),
      ...new Random(7).numbers(500, (random) => 1 + random.next()),
    ]);
    expect(shortKnots(rows, { minCount: 20 }).knots[0]).toBe(0.1234567);
    expect(shortKnots(rows, { minCount: 31 }).knots[0]).toBe(0.1);
  });

  it('begins and ends with the range of all rows where only a sample is there', () => {
    const rows = sorted([2, 3, 4]);
    const { knots, error } = shortKnots(rows, { ends: { min: -1, max: 9 } });
    expect([knots[0], knots.at(-1)]).toEqual([-1, 9]);
    expect(furthestFromStep(rows, knots)).toBeLessThanOrEqual(error + 1e-12);
  });

  it('keeps a constant, the largest doubles and the smallest', () => {
    expect(shortKnots(sorted([0.1 + 0.2, 0.1 + 0.2]))).toMatchObject({ error: 1e-6 });
    const extremes = sorted([-Number.MAX_VALUE, -1e-310, 5e-324, Number.MAX_VALUE]);
    for (const minCount of [1, 2]) {
      const { knots } = shortKnots(extremes, { minCount });
      expect(knots.every(Number.isFinite)).toBe(true);
      expect(knotError(extremes, knots)).toBeGreaterThan(0);
    }
  });
});

describe('lists of numbers', () => {
  it('are read as they were written, in lines of 50', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 130 }),
        (values) => {
          const numbers = Float64Array.from(values, (value) => value + 0).sort();
          const lines = writeNumbers(numbers);
          expect(readNumbers(lines, 130)).toEqual(numbers);
          expect(lines.every((line) => line.split(' ').length <= 50)).toBe(true);
        },
      ),
    );
  });

  it('write the shorter of two texts, and repeated numbers once', () => {
    expect([1577836812345, 15_778e8, 1e21, 0.1, 5e-324, -12].map(numberText)).toEqual([
      '1577836812345',
      '1.5778e12',
      '1e21',
      '0.1',
      '5e-324',
      '-12',
    ]);
    expect(writeNumbers(Float64Array.of(0, 0, 0, 1, 2, 2))).toEqual(['0*3 1 2*2']);
  });

  it.each([
    ['a word', ['1 two']],
    ['an empty item', ['1  2']],
    ['no number at all', ['']],
    ['infinity', ['1e999']],
    ['a hexadecimal number', ['0x10']],
    ['a fraction of a repetition', ['1*1.5']],
    ['no repetition', ['1*0']],
    ['two repetitions', ['1*2*3']],
    ['a repetition beyond the limit', ['1*999999999']],
    ['more numbers than allowed', ['1 2 3 4 5 6 7 8 9 10 11']],
  ])('refuse %s', (_, lines) => {
    expect(readNumbers(lines, 10)).toHaveProperty('problem');
  });
});
