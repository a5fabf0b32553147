import type { Condition, Filter, Test } from './filter.ts';
import { matchesLike } from './like.ts';
import { ownValue, valueOf, type FilterSubject } from './subject.ts';

/**
 * Whether all conditions of the filter hold.
 *
 * A missing value satisfies nothing but `IS NULL`, as in SQL: `tags.team != 'risk'` leaves out what has no such tag.
 * Numbers compare as IEEE 754 doubles: a NaN metric satisfies `!=` with any number, and no other comparison. A number never
 * equals a string and has no order with one, so such a comparison does not hold, not even `!=`. Strings are ordered by UTF-16 code unit.
 * A condition on `datasets` holds when it does for at least one of them; `datasets.x IS NULL` when none has `x`.
 */
export function matches(filter: Filter, subject: FilterSubject): boolean {
  return filter.conditions.every((condition) => holds(condition, subject));
}

function holds({ field, test }: Condition, subject: FilterSubject): boolean {
  if (field.entity !== 'datasets') return passes(test, valueOf(subject, field));
  const values = (subject.datasets ?? []).map((dataset) => ownValue(dataset, field.key));
  if (test.operator === 'IS NULL') return values.every((value) => value === undefined);
  return values.some((value) => passes(test, value));
}

function passes(test: Test, value: string | number | undefined): boolean {
  if (test.operator === 'IS NULL') return value === undefined;
  if (value === undefined) return false;
  switch (test.operator) {
    case 'IS NOT NULL':
      return true;
    case 'LIKE':
    case 'ILIKE':
      return (
        typeof value === 'string' &&
        matchesLike(value, test.pattern, { ignoreCase: test.operator === 'ILIKE' })
      );
    case 'IN':
      return typeof value === 'string' && test.values.includes(value);
    case 'NOT IN':
      return typeof value === 'string' && !test.values.includes(value);
    case '=':
      return value === test.value;
    case '!=':
      return typeof value === typeof test.value && value !== test.value;
    default:
      return typeof value === typeof test.value && isOrdered(test.operator, value, test.value);
  }
}

function isOrdered(
  operator: '<' | '<=' | '>' | '>=',
  left: string | number,
  right: string | number,
): boolean {
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}
