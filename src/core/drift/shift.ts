import type { Gap } from './checks/numeric.ts';
import { type Distribution, medianValue, quantileOf } from './distribution.ts';
import type { Shift } from './report.ts';

const STEPS = 19;
/** From this part of all movement on that goes one way the values moved as a whole. */
const ONE_WAY = 0.5;

/**
 * Where and in which direction the values moved. Quantiles .05 to .95 are compared: their movements add up in one direction, or cancel, and
 * then the width changed. null where a side has no values.
 */
export function shiftOf(reference: Distribution, current: Distribution, gap: Gap | null): Shift | null {
  const medianBefore = medianValue(reference);
  const medianAfter = medianValue(current);
  if (gap === null || medianBefore === null || medianAfter === null) return null;
  const { location, referenceShare, currentShare } = gap;
  const direction = gap.d === 0 ? 'none' : directionOf(reference, current, gap);
  return { direction, medianBefore, medianAfter, location, referenceShare, currentShare };
}

function directionOf(reference: Distribution, current: Distribution, gap: Gap): Shift['direction'] {
  let net = 0;
  let gross = 0;
  let width = 0;
  for (let step = 1; step <= STEPS; step += 1) {
    const share = step / (STEPS + 1);
    // Divided first: the difference of two values may be larger than any double.
    const move = quantileOf(current, share) / 64 - quantileOf(reference, share) / 64;
    net += move;
    gross += Math.abs(move);
    width += share < 0.5 ? -move : share > 0.5 ? move : 0;
  }
  // Only what lies beyond these quantiles moved.
  if (gross === 0) return gap.currentShare < gap.referenceShare ? 'up' : 'down';
  if (Math.abs(net) >= ONE_WAY * gross) return net > 0 ? 'up' : 'down';
  return width >= 0 ? 'spread' : 'narrowed';
}
