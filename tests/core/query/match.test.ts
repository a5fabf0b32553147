import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matches, parseFilter } from '../../../src/core/query/index.ts';
import { subject } from './subjects.ts';

const version = subject({
  metrics: { accuracy: 0.95, broken: NaN, huge: Infinity },
  params: { depth: '10', model: 'RandomForest' },
  tags: { team: 'risk', 'owner name': 'Ada' },
  attributes: { version: 'v1.0.1', size: 4096, createdAt: '2026-11-23T10:15:00.000Z', stage: undefined },
  datasets: [
    { name: 'train.csv', role: 'train' },
    { name: 'test.csv', role: 'test', digest: 'sha256:ab' },
  ],
});

function holds(text: string): boolean {
  return matches(parseFilter(text), version);
}

describe('a version matches', () => {
  test.each([
    '',
    'metrics.accuracy > 0.9',
    'metrics.accuracy >= 0.95 AND metrics.accuracy <= 0.95 AND metrics.accuracy = 0.95',
    'metrics.accuracy < 1 AND metrics.accuracy != 1',
    'metrics.huge > 1e300',
    "params.depth = '10'",
    "params.depth != '9'",
    "params.model LIKE 'Random%'",
    "params.model ILIKE 'RANDOM_OREST'",
    "tags.`owner name` = 'Ada'",
    'tags.team IS NOT NULL AND tags.region IS NULL',
    "version IN ('v1.0.0', 'v1.0.1')",
    "version NOT IN ('v1.0.0')",
    'size > 4095',
    "createdAt >= '2026-11-23' AND createdAt < '2026-11-24'",
    'stage IS NULL',
    "datasets.name = 'test.csv'",
    "datasets.name = 'test.csv' AND datasets.role = 'train'",
    'datasets.digest IS NOT NULL',
    'datasets.context IS NULL',
  ])('%s', (text) => {
    expect(holds(text)).toBe(true);
  });
});

describe('a version does not match', () => {
  test.each([
    'metrics.accuracy > 0.95',
    'metrics.accuracy > 0.9 AND metrics.accuracy < 0.95',
    "params.depth = '10.0'",
    "params.model LIKE 'random%'",
    "version IN ('v1.0')",
    "version NOT IN ('v1.0.1')",
    "datasets.name = 'other.csv'",
    'datasets.name IS NULL',
  ])('%s', (text) => {
    expect(holds(text)).toBe(false);
  });
});

test.each([
  'metrics.missing > 0',
  'metrics.missing != 0',
  "params.missing != 'a'",
  "tags.missing LIKE '%'",
  "stage != 'production'",
  "stage NOT IN ('production')",
  "datasets.context != 'a'",
])('a missing value does not satisfy %s', (text) => {
  expect(holds(text)).toBe(false);
});

test('a NaN metric differs from every number and has no order with any', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (limit) => {
      expect(holds(`metrics.broken != ${limit}`)).toBe(true);
      for (const operator of ['=', '<', '<=', '>', '>=']) {
        expect(holds(`metrics.broken ${operator} ${limit}`)).toBe(false);
      }
    }),
  );
});

test('a number and a string neither equal, differ nor have an order', () => {
  for (const operator of ['=', '!=', '<', '>=']) {
    expect(holds(`size ${operator} '4096'`)).toBe(false);
    expect(holds(`version ${operator} 1`)).toBe(false);
  }
  expect(holds("size LIKE '4096'")).toBe(false);
});

test('a key that an object inherits counts as missing', () => {
  expect(holds('tags.constructor IS NULL AND metrics.toString IS NULL AND datasets.__proto__ IS NULL')).toBe(
    true,
  );
});

test('each operator on metrics agrees with that of JavaScript', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(finite, finite, (value, limit) => {
      const satisfied = ['<', '<=', '=', '!=', '>=', '>'].map((operator) =>
        matches(parseFilter(`metrics.x ${operator} ${limit}`), subject({ metrics: { x: value } })),
      );
      expect(satisfied).toEqual([
        value < limit,
        value <= limit,
        value === limit,
        value !== limit,
        value >= limit,
        value > limit,
      ]);
    }),
  );
});
