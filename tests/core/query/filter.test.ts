import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matches, parseFilter, type QueryOptions } from '../../../src/core/query/index.ts';
import { UsageError } from '../../../src/errors.ts';
import { subject } from './subjects.ts';

const options: QueryOptions = {
  attributes: { version: 'string', size: 'number', createdAt: 'time', createdBy: 'string' },
  aliases: { created: 'createdAt' },
};

function errorOf(text: string, given: QueryOptions = options): UsageError {
  try {
    parseFilter(text, given);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`"${text}" was accepted`);
}

describe('parsing', () => {
  test.each([
    ['metrics.accuracy > 0.95', 'metrics', 'accuracy', { operator: '>', value: 0.95 }],
    ['metric.loss<=1e-3', 'metrics', 'loss', { operator: '<=', value: 0.001 }],
    ['METRICS.f1 != -.5', 'metrics', 'f1', { operator: '!=', value: -0.5 }],
    ["params.model = 'forest'", 'params', 'model', { operator: '=', value: 'forest' }],
    ['parameter.model = "forest"', 'params', 'model', { operator: '=', value: 'forest' }],
    ["parameters.model ilike 'For%'", 'params', 'model', { operator: 'ILIKE', pattern: 'For%' }],
    ["tag.team Like 'r_sk'", 'tags', 'team', { operator: 'LIKE', pattern: 'r_sk' }],
    ['tags.team IS NULL', 'tags', 'team', { operator: 'IS NULL' }],
    ['tags.team is  not\tnull', 'tags', 'team', { operator: 'IS NOT NULL' }],
    [
      'attributes.version IN (\'v1\', "v2")',
      'attributes',
      'version',
      { operator: 'IN', values: ['v1', 'v2'] },
    ],
    ["attr.version not in('v1')", 'attributes', 'version', { operator: 'NOT IN', values: ['v1'] }],
    ['run.size >= 1024', 'attributes', 'size', { operator: '>=', value: 1024 }],
    ["version = 'v1'", 'attributes', 'version', { operator: '=', value: 'v1' }],
    ["created >= '2026-11'", 'attributes', 'createdAt', { operator: '>=', value: '2026-11' }],
    ["datasets.name = 'train'", 'datasets', 'name', { operator: '=', value: 'train' }],
  ])('reads %s', (text, entity, key, expected) => {
    expect(parseFilter(text, options)).toEqual({ conditions: [{ field: { entity, key }, test: expected }] });
  });

  test('joins conditions with AND in any case', () => {
    const { conditions } = parseFilter("metrics.a > 1 and params.b = 'x' AND tags.c IS NULL");
    expect(conditions.map(({ field }) => field.key)).toEqual(['a', 'b', 'c']);
  });

  test('takes an empty filter to mean everything', () => {
    expect(parseFilter('  ')).toEqual({ conditions: [] });
  });

  test.each([
    ['metrics.`val loss` < 1', 'val loss'],
    ['metrics."val loss" < 1', 'val loss'],
    ['metrics.`it``s` < 1', 'it`s'],
    ['metrics.val/loss-2.top_1 < 1', 'val/loss-2.top_1'],
    ['metrics.`a AND b > 1` < 1', 'a AND b > 1'],
  ])('reads the key of %s', (text, key) => {
    expect(parseFilter(text).conditions.map(({ field }) => field.key)).toEqual([key]);
  });

  test('keeps operators, keywords and doubled quotes inside a string', () => {
    const { conditions } = parseFilter("tags.note = 'it''s > 1 AND \"so\"'");
    expect(conditions[0]?.test).toEqual({ operator: '=', value: 'it\'s > 1 AND "so"' });
  });

  test('reads any key and string back from its quoted form', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (key, value) => {
        const text = `tags.\`${key.replaceAll('`', '``')}\` = '${value.replaceAll("'", "''")}'`;
        expect(parseFilter(text).conditions).toEqual([
          { field: { entity: 'tags', key }, test: { operator: '=', value } },
        ]);
      }),
    );
  });

  test('reads any finite number back from its text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        // The text of -0 is "0".
        expect(parseFilter(`metrics.x = ${value}`).conditions[0]?.test).toEqual({
          operator: '=',
          value: value + 0,
        });
      }),
    );
  });
});

describe('refusing', () => {
  test.each([
    ['metrics.accuracy', 17, 'one of > >= = != < <= or IS [NOT] NULL', 'the end of the filter'],
    ['metrics.accuracy >', 19, 'a number without quotes', 'the end of the filter'],
    ["metrics.accuracy > '0.9'", 20, 'a number without quotes', "`'`"],
    ['metrics.accuracy > 0.9.1', 20, 'a number', '`0.9.1`'],
    ['metrics.accuracy > 1e999', 20, 'a number that a double can hold', '`1e999`'],
    ["metrics.accuracy LIKE 'a%'", 18, 'one of > >=', '`LIKE`'],
    ['params.depth = 10', 16, 'a string in quotes', '`10`'],
    ["params.depth > '10'", 14, 'one of = != LIKE', '`>`'],
    ["params.depth IN ('1')", 14, 'one of = != LIKE', '`IN`'],
    ["version = 'v1", 14, "a closing '", 'the end of the filter'],
    ["version IN 'v1'", 12, "a list such as ('a', 'b')", "`'`"],
    ["version IN ('v1'", 17, ', or )', 'the end of the filter'],
    ["version IN ('v1',)", 18, 'a string in quotes', '`)`'],
    ['version IN (1)', 13, 'a string in quotes', '`1`'],
    ["version NOT LIKE 'v%'", 13, 'IN', '`LIKE`'],
    ["size = '5'", 8, 'a number without quotes', "`'`"],
    ['tags.a IS 5', 11, 'NULL or NOT NULL', '`5`'],
    ['tags.a IS NOT 5', 15, 'NULL', '`5`'],
    ['tags. = 1', 7, 'a key after tags.', '`=`'],
    ["tags.`` = 'a'", 6, 'a key after tags.', '``'],
    ['> 5', 1, 'a name such as metrics.accuracy', '`>`'],
    ['metrics.a > 1 AND', 18, 'a name', 'the end of the filter'],
    ['metrics.a > 1 metrics.b > 2', 15, 'AND or the end of the filter', '`metrics.b`'],
    ['metrics.a == 1', 12, 'a number', '`=`'],
  ])('%s at position %i', (text, position, expected, found) => {
    const error = errorOf(text);
    expect(error.code).toBe('FILTER_INVALID');
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(`filter, position ${position}: expected ${expected}`);
    expect(error.message).toContain(found);
  });

  test.each([
    ['metrcs.accuracy > 1', 'did you mean metrics.?'],
    ["parms.depth = 'a'", 'did you mean params.?'],
    ["tgs.team = 'a'", 'did you mean tags.?'],
    ["versoin = 'v1'", 'did you mean version?'],
    ["attributes.createdat > '2026'", 'did you mean createdAt?'],
    ['metrics.a > 1 OR metrics.b > 1', 'OR is not supported; run one search for each side'],
  ])('%s with the hint "%s"', (text, hint) => {
    expect(errorOf(text).hint).toBe(hint);
  });

  test('a bare metric name with the way to write it', () => {
    const { message, hint } = errorOf('accuracy > 0.9');
    expect(message).toContain('position 1: expected a known attribute, found `accuracy`');
    expect(hint).toContain('metrics are written metrics.accuracy');
  });

  test('names that an object inherits', () => {
    expect(errorOf("constructor = 'a'").message).toContain('expected a known attribute');
    expect(errorOf("toString.a = 'a'").message).toContain('expected metrics., params., tags.');
  });

  test('a text too long to be a filter', () => {
    expect(errorOf(`tags.a = '${'x'.repeat(9000)}'`).message).toContain('at most 8192');
  });

  test('nothing with anything but a UsageError that names a position inside the text', () => {
    const words = [
      'metrics.a',
      'tags.`b',
      'params.',
      "'x'",
      '"',
      '>',
      '=',
      'LIKE',
      'IN',
      '(',
      ')',
      ',',
      'IS',
      'NOT',
      'NULL',
      'AND',
      '1.',
      '𝒳',
    ];
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.constantFrom(...words)).map((list) => list.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(matches(parseFilter(text), subject())).toBeTypeOf('boolean');
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          const position = Number(/position (\d+)/.exec(error.message)?.[1]);
          expect(position).toBeGreaterThanOrEqual(1);
          expect(position).toBeLessThanOrEqual(text.length + 1);
        }
      }),
    );
  });
});
