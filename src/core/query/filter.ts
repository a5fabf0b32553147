import { createCursor, type Cursor } from './cursor.ts';
import { kindOf, readField } from './field.ts';
import type { AttributeKind, Field, QueryOptions } from './subject.ts';

type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Test =
  | { operator: ComparisonOperator; value: number | string }
  | { operator: 'LIKE' | 'ILIKE'; pattern: string }
  | { operator: 'IN' | 'NOT IN'; values: readonly string[] }
  | { operator: 'IS NULL' }
  | { operator: 'IS NOT NULL' };

export interface Condition {
  field: Field;
  test: Test;
}

/** Conditions that must all hold; none at all means everything matches. */
export interface Filter {
  conditions: readonly Condition[];
}

const HINT = "write conditions joined by AND, such as metrics.accuracy > 0.9 AND tags.team = 'risk'";
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y;
// Longest first, so that `<=` is not read as `<`.
const COMPARISONS: readonly ComparisonOperator[] = ['!=', '<=', '>=', '=', '<', '>'];

/** Which tests the grammar allows for a field. `IS [NOT] NULL` is allowed for every field. */
interface Allowed {
  ordering: boolean;
  text: boolean;
  lists: boolean;
  literal: 'number' | 'string' | 'any';
  description: string;
}

/**
 * Parses the filter language of MLflow's `search_runs`: `<entity>.<key> <operator> <literal>` joined by AND.
 *
 * - `metrics` and numeric attributes: `> >= = != < <=` with a number
 * - `params` and `tags`: `= != LIKE ILIKE` with a quoted string
 * - string attributes and `datasets`: these, `IN ('a', 'b')` and `NOT IN`; times: also `> >= < <=`
 * - every field: `IS NULL`, `IS NOT NULL` (MLflow has them for params and tags only)
 *
 * Keywords and entities are read in any case, keys and values as they are. An empty text gives a filter that matches everything.
 *
 * @throws UsageError `FILTER_INVALID` naming the 1-based position (UTF-16 units) and what was expected there
 */
export function parseFilter(text: string, options: QueryOptions = {}): Filter {
  const cursor = createCursor(text, { code: 'FILTER_INVALID', subject: 'filter', hint: HINT });
  const conditions: Condition[] = [];
  if (cursor.atEnd()) return { conditions };
  do conditions.push(readCondition(cursor, options));
  while (cursor.takeWord('AND'));
  if (!cursor.atEnd()) throw afterCondition(cursor);
  return { conditions };
}

function afterCondition(cursor: Cursor): Error {
  const { offset } = cursor;
  return cursor.takeWord('OR')
    ? cursor.expected('AND or the end of the filter', {
        offset,
        hint: 'OR is not supported; run one search for each side',
      })
    : cursor.expected('AND or the end of the filter');
}

function readCondition(cursor: Cursor, options: QueryOptions): Condition {
  const field = readField(cursor, options);
  return { field, test: readTest(cursor, allowedFor(field, kindOf(field, options))) };
}

function allowedFor({ entity }: Field, kind: AttributeKind | undefined): Allowed {
  const lists = entity === 'attributes' || entity === 'datasets';
  if (kind === 'number') {
    const description = 'one of > >= = != < <= or IS [NOT] NULL';
    return { ordering: true, text: false, lists: false, literal: 'number', description };
  }
  if (kind === undefined) {
    const description = 'an operator: = != < <= > >= LIKE, ILIKE, IN, NOT IN or IS [NOT] NULL';
    return { ordering: true, text: true, lists, literal: 'any', description };
  }
  const ordering = kind === 'time';
  const description = `one of = != ${ordering ? '> >= < <= ' : ''}LIKE, ILIKE,${lists ? ' IN, NOT IN' : ''} or IS [NOT] NULL`;
  return { ordering, text: true, lists, literal: 'string', description };
}

function readTest(cursor: Cursor, allowed: Allowed): Test {
  const start = cursor.offset;
  const comparison = COMPARISONS.find((symbol) => cursor.takeSymbol(symbol));
  if (comparison !== undefined) {
    const isEquality = comparison === '=' || comparison === '!=';
    if (!isEquality && !allowed.ordering) throw cursor.expected(allowed.description, { offset: start });
    return { operator: comparison, value: readLiteral(cursor, allowed) };
  }
  if (cursor.takeWord('IS')) {
    const operator = cursor.takeWord('NOT') ? 'IS NOT NULL' : 'IS NULL';
    if (!cursor.takeWord('NULL')) throw cursor.expected(operator === 'IS NULL' ? 'NULL or NOT NULL' : 'NULL');
    return { operator };
  }
  if (allowed.text) {
    if (cursor.takeWord('LIKE')) return { operator: 'LIKE', pattern: readString(cursor) };
    if (cursor.takeWord('ILIKE')) return { operator: 'ILIKE', pattern: readString(cursor) };
  }
  if (allowed.lists) {
    if (cursor.takeWord('IN')) return { operator: 'IN', values: readList(cursor) };
    if (cursor.takeWord('NOT')) {
      if (!cursor.takeWord('IN')) throw cursor.expected('IN');
      return { operator: 'NOT IN', values: readList(cursor) };
    }
  }
  throw cursor.expected(allowed.description, { offset: start });
}

function readLiteral(cursor: Cursor, { literal }: Allowed): number | string {
  if (literal === 'string') return readString(cursor);
  const start = cursor.offset;
  const number = cursor.take(NUMBER);
  if (number !== undefined && !Number.isFinite(Number(number))) {
    throw cursor.expected('a number that a double can hold', { offset: start });
  }
  if (number !== undefined) return Number(number);
  if (literal === 'number') throw cursor.expected('a number without quotes, such as 0.95');
  const text = cursor.takeQuoted(`'"`);
  if (text === undefined) throw cursor.expected('a number or a string in quotes');
  return text;
}

function readString(cursor: Cursor): string {
  const text = cursor.takeQuoted(`'"`);
  if (text === undefined) throw cursor.expected('a string in quotes');
  return text;
}

function readList(cursor: Cursor): readonly string[] {
  if (!cursor.takeSymbol('(')) throw cursor.expected("a list such as ('a', 'b')");
  const values = [readString(cursor)];
  while (cursor.takeSymbol(',')) values.push(readString(cursor));
  if (!cursor.takeSymbol(')')) throw cursor.expected(', or )');
  return values;
}
