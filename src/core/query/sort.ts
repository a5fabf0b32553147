import { createCursor, type Cursor } from './cursor.ts';
import { readField } from './field.ts';
import { valueOf, type Field, type FilterSubject, type QueryOptions } from './subject.ts';

export interface SortKey {
  field: Field;
  descending: boolean;
}

const HINT = 'write a key such as metrics.accuracy, -created or "metrics.f1 DESC, created"';
const NUMERIC = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Parses sort keys separated by commas: `metrics.accuracy`, `-created`, `metrics.f1 DESC, created ASC`. Names are those of
 * `parseFilter`; the direction is ascending unless a `-` stands before the name or DESC after it.
 *
 * @throws UsageError `SORT_INVALID` naming the 1-based position (UTF-16 units) and what was expected there
 */
export function parseSort(text: string, options: QueryOptions = {}): readonly SortKey[] {
  const cursor = createCursor(text, { code: 'SORT_INVALID', subject: 'sort order', hint: HINT });
  const keys = [readSortKey(cursor, options)];
  while (cursor.takeSymbol(',')) keys.push(readSortKey(cursor, options));
  if (!cursor.atEnd()) throw cursor.expected('ASC, DESC, a comma or the end of the sort order');
  return keys;
}

function readSortKey(cursor: Cursor, options: QueryOptions): SortKey {
  const minus = cursor.takeSymbol('-');
  const field = readField(cursor, options);
  if (field.entity === 'datasets') throw cursor.expected('a field with one value; data sets have many');
  if (minus) return { field, descending: true };
  const descending = cursor.takeWord('DESC');
  if (!descending) cursor.takeWord('ASC');
  return { field, descending };
}

/**
 * A comparison for `Array.prototype.toSorted`; equal subjects keep their order, as that sort is stable.
 *
 * In either direction a missing value comes last and NaN just before it. Among the others numbers come before text when ascending.
 * Params and tags that are written as decimal numbers are ordered as such, so `depth` 9 stands before 10.
 */
export function compareBy(keys: readonly SortKey[]): (left: FilterSubject, right: FilterSubject) => number {
  return (left, right) => {
    for (const { field, descending } of keys) {
      const order = compareValues(sortValue(left, field), sortValue(right, field), descending);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function sortValue(subject: FilterSubject, field: Field): string | number | undefined {
  const value = valueOf(subject, field);
  const isText = typeof value === 'string' && (field.entity === 'params' || field.entity === 'tags');
  return isText && NUMERIC.test(value) ? Number(value) : value;
}

function compareValues(
  left: string | number | undefined,
  right: string | number | undefined,
  descending: boolean,
): number {
  const emptiness = emptinessOf(left) - emptinessOf(right);
  if (emptiness !== 0 || left === undefined || right === undefined || emptinessOf(left) > 0) return emptiness;
  const order = compareDefined(left, right);
  return descending ? -order : order;
}

function emptinessOf(value: string | number | undefined): number {
  if (value === undefined) return 2;
  return Number.isNaN(value) ? 1 : 0;
}

function compareDefined(left: string | number, right: string | number): number {
  if (typeof left !== typeof right) return typeof left === 'number' ? -1 : 1;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
