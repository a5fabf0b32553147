import { type Distribution, shareBelow, shareUpTo } from '../distribution.ts';
import type { Limits } from '../policy/limits.ts';
import type { OutOfRange } from '../report.ts';
import { detectableExceedance } from '../statistics/detectable.ts';
import { outOfRangeP } from '../statistics/hypergeometric.ts';
import { percent, short } from '../text-of.ts';
import { type Finding, withEnoughRows } from './finding.ts';

export interface RangeRule {
  readonly alpha: number;
  readonly limits: Limits;
  readonly format?: ((value: number) => string) | undefined;
}

export interface RangeCheck {
  readonly finding: Finding;
  readonly outside: OutOfRange | null;
}

/**
 * Values below the reference's minimum or above its maximum. p is that of all values outside, as an error of units throws them out on both
 * sides; the effect is the share on this one. Both sides must have values.
 */
export function compareRange(
  side: 'below' | 'above',
  { reference, current }: { reference: Distribution; current: Distribution },
  { alpha, limits, format = short }: RangeRule,
): RangeCheck {
  const limit = (side === 'below' ? reference.min : reference.max) ?? 0;
  const reached = (side === 'below' ? current.min : current.max) ?? 0;
  const outside = {
    below: shareOutside('below', reference, current),
    above: shareOutside('above', reference, current),
  };
  const share = outside[side];
  const count = Math.round(share * current.rows);
  const all = Math.round(outside.below * current.rows) + Math.round(outside.above * current.rows);
  const scale = current.rows === 0 ? 0 : current.effective / current.rows;
  const sizes = { reference: Math.round(reference.effective), current: Math.round(current.effective) };
  const p = count === 0 ? 1 : outOfRangeP(Math.round(all * scale), sizes);
  const finding: Finding = {
    check: side === 'below' ? 'below-range' : 'above-range',
    test: 'exceedance',
    statistic: count,
    p,
    effects: [{ kind: 'share', value: share, limits }],
    detectable: detectableExceedance(sizes, alpha, 2),
    detail: `${percent(share)} of the values are ${side} the reference's ${side === 'below' ? 'minimum' : 'maximum'} ${format(limit)} (${side === 'below' ? 'down' : 'up'} to ${format(reached)})`,
    reason: null,
  };
  const isOutside = side === 'below' ? reached < limit : reached > limit;
  const rows = Math.round(share * current.total);
  const tested = withEnoughRows(finding, { reference: reference.rows, current: current.rows });
  return { finding: tested, outside: isOutside ? { side, limit, reached, rows, share } : null };
}

/** Of a profile's share only what is certain. */
function shareOutside(side: 'below' | 'above', reference: Distribution, current: Distribution): number {
  const limit = (side === 'below' ? reference.min : reference.max) ?? 0;
  const raw = side === 'below' ? shareBelow(current, limit) : 1 - shareUpTo(current, limit);
  return Math.max(0, raw - current.error);
}
