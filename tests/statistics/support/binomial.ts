/** A rate that was counted, with the ends of one-sided Clopper-Pearson intervals. */
export interface Rate {
  readonly count: number;
  readonly runs: number;
  readonly rate: number;
}

export function rateOf(count: number, runs: number): Rate {
  return { count, runs, rate: count / runs };
}

/**
 * The chance with which the bounds below are wrong: a true rate at the bound passes, or fails, no more often than once in a thousand times.
 */
const DOUBT = 0.001;

/**
 * The largest true rate that still leaves a chance of 1 in 1000 of seeing so few: with a true rate above it, a count as low as this one
 * is rarer than that.
 */
export function upperLimit({ count, runs }: Rate): number {
  if (count >= runs) return 1;
  return bisect((rate) => atMost(count, runs, rate) > DOUBT);
}

/** The smallest true rate that still leaves a chance of 1 in 1000 of seeing so many. */
export function lowerLimit({ count, runs }: Rate): number {
  if (count <= 0) return 0;
  return bisect((rate) => 1 - atMost(count - 1, runs, rate) <= DOUBT);
}

/** P(X <= count) of `runs` draws with the given chance. */
export function atMost(count: number, runs: number, chance: number): number {
  if (chance <= 0) return 1;
  if (chance >= 1) return count >= runs ? 1 : 0;
  let logTerm = runs * Math.log1p(-chance);
  let sum = 0;
  for (let x = 0; x <= count; x += 1) {
    sum += Math.exp(logTerm);
    logTerm += Math.log(((runs - x) / (x + 1)) * (chance / (1 - chance)));
  }
  return Math.min(1, sum);
}

/** The end of the rates that have a property which holds from 0 up to it. */
function bisect(holds: (rate: number) => boolean): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return high;
}
