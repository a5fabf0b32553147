import type { Distribution, ValueShare } from '../distribution.ts';
import { isSorted } from '../statistics/sorting.ts';
import { type NumbersDocument, PROFILE_LIMITS } from './document.ts';
import { readNumber, readNumbers } from './number-list.ts';
import type { Place } from './place.ts';

/** Of a column without values. */
export function emptyDistribution(): Distribution {
  return {
    values: new Float64Array(0),
    error: 0,
    rows: 0,
    total: 0,
    effective: 0,
    r: null,
    ordered: false,
    min: null,
    max: null,
    top: [],
  };
}

/** @throws UsageError `PROFILE_INVALID` for numbers that contradict one another */
export function decodeNumbers(numbers: NumbersDocument, place: Place): Distribution {
  const { compared, total, effective, autocorrelation, ordered, error } = numbers;
  if (compared > total) throw place.at('compared').problem(`${compared} of ${total} values`);
  if (effective > compared) throw place.at('effective').problem(`${effective} of ${compared} values`);
  const values = decodeKnots(numbers, place);
  const min = values[0] as number;
  const max = values.at(-1) as number;
  return {
    values,
    error,
    rows: compared,
    total,
    effective,
    r: autocorrelation ?? null,
    ordered,
    min,
    max,
    ...decodeFrequent(numbers, { min, max }, place),
  };
}

function decodeKnots({ knots, error }: NumbersDocument, place: Place): Float64Array {
  const values = readNumbers(knots, PROFILE_LIMITS.knots);
  if ('problem' in values) throw place.at('knots').problem(values.problem);
  if (values.length < 2) throw place.at('knots').problem('fewer than 2 numbers');
  if (!isSorted(values)) throw place.at('knots').problem('are not in ascending order');
  // Between two unequal knots the share is at least half a step from one end of the step, wherever it is.
  const least = values[0] === values.at(-1) ? 0 : 0.5 / (values.length - 1);
  if (error < least - 1e-9)
    throw place.at('error').problem(`${error} is less than ${values.length} knots allow`);
  return values;
}

function decodeFrequent(
  { frequent, others, compared }: NumbersDocument,
  { min, max }: { min: number; max: number },
  place: Place,
): Pick<Distribution, 'top' | 'others'> {
  const top: ValueShare[] = [];
  const seen = new Set<number>();
  let sum = 0;
  let previous = compared;
  for (const [index, entry] of frequent.entries()) {
    const here = place.at(`frequent.${index}`);
    const [rows, value, ...more] = entry.split(' ').map(readNumber);
    if (rows === undefined || value === undefined || more.length > 0)
      throw here.problem('is not "<rows> <value>"');
    if (!(rows > 0 && rows <= previous))
      throw here.problem('is more frequent than the one before, or not at all');
    if (seen.has(value) || value < min || value > max)
      throw here.problem('is listed before, or beyond all knots');
    seen.add(value);
    previous = rows;
    sum += rows;
    top.push({ value, share: rows / compared });
  }
  if (sum > compared * (1 + 1e-9)) throw place.at('frequent').problem(`${sum} rows of ${compared}`);
  const most = others ?? (top.length === 0 ? compared : previous);
  if (most > compared) throw place.at('others').problem(`${most} rows of ${compared}`);
  return { top, others: most / compared };
}
