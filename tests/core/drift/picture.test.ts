import { expect, test } from 'vitest';
import { type Distribution, distributionOf } from '../../../src/core/drift/distribution.ts';
import { histogramOf } from '../../../src/core/drift/picture.ts';

function of(values: readonly number[]): Distribution {
  const raw = Float64Array.from(values);
  return distributionOf({ values: raw, consecutive: raw, total: raw.length });
}

const hundred = Array.from({ length: 1000 }, (_, row) => ((row * 389) % 1000) / 10);

function shares(reference: readonly number[], current: readonly number[]) {
  const histogram = histogramOf(of(reference), of(current));
  if (histogram === null) throw new Error('both sides have values');
  return histogram;
}

test('a few values in another unit leave the others in more than one bin', () => {
  const mixed = hundred.map((value, row) => (row % 33 === 0 ? value * 1000 : value));
  const { edges, reference, current } = shares(hundred, mixed);
  expect(edges.at(-1)).toBeLessThan(300);
  expect(reference.filter((share) => share > 0.01).length).toBeGreaterThan(5);
  expect(current.at(-1)).toBeCloseTo(0.03, 1);
});

test('data that moved away as a whole are in the picture', () => {
  const away = hundred.map((value) => value + 10_000);
  const { edges, current } = shares(hundred, away);
  expect(edges.at(-1)).toBeGreaterThan(10_090);
  expect(current.at(-1)).toBeGreaterThan(0.3);
});

test('a shift within a width of the reference is drawn as it is', () => {
  const { edges } = shares(
    hundred,
    hundred.map((value) => value + 50),
  );
  expect(edges[0]).toBeLessThan(1);
  expect(edges.at(-1)).toBeGreaterThan(148);
});

test('shares add up to one', () => {
  const { reference, current } = shares(hundred, [...hundred, 1e308, -1e308]);
  for (const side of [reference, current]) {
    expect(side.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
  }
});
