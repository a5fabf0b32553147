import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBy, parseSort, type FilterSubject } from '../../../src/core/query/index.ts';
import { UsageError } from '../../../src/errors.ts';
import { subject } from './subjects.ts';

const options = {
  attributes: { version: 'string', createdAt: 'time' },
  aliases: { created: 'createdAt' },
} as const;

function sorted(text: string, subjects: readonly FilterSubject[]): readonly FilterSubject[] {
  return subjects.toSorted(compareBy(parseSort(text)));
}

describe('parsing', () => {
  test.each([
    ['metrics.accuracy', [['metrics', 'accuracy', false]]],
    ['-created', [['attributes', 'createdAt', true]]],
    ['created DESC', [['attributes', 'createdAt', true]]],
    ['created asc', [['attributes', 'createdAt', false]]],
    [
      'metrics.`val loss` desc, version',
      [
        ['metrics', 'val loss', true],
        ['attributes', 'version', false],
      ],
    ],
    [
      '-params.depth,tags.team',
      [
        ['params', 'depth', true],
        ['tags', 'team', false],
      ],
    ],
  ])('reads %s', (text, expected) => {
    const keys = parseSort(text, options);
    expect(keys.map(({ field, descending }) => [field.entity, field.key, descending])).toEqual(expected);
  });

  test.each([
    ['', 'position 1: expected a name'],
    ['metrics.a,', 'position 11: expected a name'],
    ['metrics.a up', 'position 11: expected ASC, DESC'],
    ['-metrics.a DESC', 'position 12: expected ASC, DESC'],
    ['creatd', 'position 1: expected a known attribute'],
    ['datasets.name', 'expected a field with one value'],
  ])('refuses "%s"', (text, message) => {
    expect(() => parseSort(text, options)).toThrow(expect.objectContaining({ code: 'SORT_INVALID' }));
    expect(() => parseSort(text, options)).toThrow(UsageError);
    expect(() => parseSort(text, options)).toThrow(message);
  });
});

describe('order', () => {
  test('numbers by value, missing ones last and NaN before them, in both directions', () => {
    const subjects = [{}, { x: NaN }, { x: 10 }, { x: 9 }, { x: -Infinity }].map(
      (metrics: Record<string, number>) => subject({ metrics }),
    );
    const values = (text: string) => sorted(text, subjects).map(({ metrics }) => metrics['x']);
    expect(values('metrics.x')).toEqual([-Infinity, 9, 10, NaN, undefined]);
    expect(values('-metrics.x')).toEqual([10, 9, -Infinity, NaN, undefined]);
  });

  test('params written as numbers by value, before those that are not', () => {
    const subjects = ['10', 'deep', '9', '1e1', ''].map((depth) => subject({ params: { depth } }));
    expect(sorted('params.depth', subjects).map(({ params }) => params['depth'])).toEqual([
      '9',
      '10',
      '1e1',
      '',
      'deep',
    ]);
  });

  test('attributes that look like numbers as the text they are', () => {
    const subjects = ['10', '9'].map((version) => subject({ attributes: { version } }));
    expect(sorted('version', subjects).map(({ attributes }) => attributes['version'])).toEqual(['10', '9']);
  });

  test('a later key decides only where the earlier ones are equal', () => {
    const subjects = [
      subject({ metrics: { f1: 1 }, tags: { name: 'b' } }),
      subject({ metrics: { f1: 2 }, tags: { name: 'c' } }),
      subject({ metrics: { f1: 1 }, tags: { name: 'a' } }),
    ];
    expect(sorted('metrics.f1 DESC, tags.name', subjects).map(({ tags }) => tags['name'])).toEqual([
      'c',
      'a',
      'b',
    ]);
  });

  test('is a consistent order over anything that a value can be', () => {
    const value = fc.oneof(fc.double(), fc.string(), fc.double().map(String), fc.constant(undefined));
    const anySubject = value.map((x) =>
      subject({
        attributes: { x },
        params: typeof x === 'string' ? { x } : {},
        metrics: typeof x === 'number' ? { x } : {},
      }),
    );
    const key = fc.constantFrom('x', '-x', 'params.x', '-params.x', 'metrics.x', '-metrics.x');
    fc.assert(
      fc.property(key, anySubject, anySubject, anySubject, (text, a, b, c) => {
        const compare = compareBy(parseSort(text));
        expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0);
        expect(compare(a, a)).toBe(0);
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
