import { normalUpperQuantile } from './normal.ts';

/** An estimate with the interval that holds the true value with the stated confidence (.95 unless told), both in the estimate's unit. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export const CONFIDENCE = 0.95;

/** How many standard errors an interval of this confidence reaches to either side: 1.96 for .95. A RangeError outside of (0, 1). */
export function standardErrors(confidence: number): number {
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`a confidence lies between 0 and 1, not ${confidence}`);
  return normalUpperQuantile((1 - confidence) / 2);
}

/**
 * A share with Wilson's score interval (1927), which is right for few rows and near 0 and 1. A RangeError unless 0 <= count <= rows and
 * rows > 0.
 */
export function wilsonInterval(count: number, rows: number, confidence = CONFIDENCE): Estimate {
  if (!(rows > 0 && count >= 0 && count <= rows))
    throw new RangeError(`${count} of ${rows} rows is no share`);
  const z = standardErrors(confidence);
  const share = count / rows;
  const scale = 1 + (z * z) / rows;
  const centre = (share + (z * z) / (2 * rows)) / scale;
  const reach = (z * Math.sqrt((share * (1 - share)) / rows + (z * z) / (4 * rows * rows))) / scale;
  return {
    value: share,
    low: count === 0 ? 0 : Math.max(0, centre - reach),
    high: count === rows ? 1 : Math.min(1, centre + reach),
  };
}

/** The estimate with an interval `factor` (1 or more) times as wide, within [lowest, highest]: for rows that are worth fewer. */
export function widened(
  { value, low, high }: Estimate,
  factor: number,
  [lowest, highest]: readonly [number, number],
): Estimate {
  return {
    value,
    low: Math.max(lowest, value - factor * (value - low)),
    high: Math.min(highest, value + factor * (high - value)),
  };
}

/**
 * `after` less `before`, two estimates from independent rows with intervals of one confidence: the limits are combined as squares
 * (MOVER: Zou & Donner 2008; for Wilson's intervals that is Newcombe's method 10, 1998).
 */
export function differenceOf(before: Estimate, after: Estimate): Estimate {
  const value = after.value - before.value;
  return {
    value,
    low: value - Math.hypot(after.value - after.low, before.high - before.value),
    high: value + Math.hypot(after.high - after.value, before.value - before.low),
  };
}
