import type { Limits } from '../policy/limits.ts';
import type { CheckName } from '../report.ts';
import type { Share } from '../statistics/fisher.ts';
import { detectableShareChange } from '../statistics/detectable.ts';
import { compareShares } from '../statistics/proportions.ts';
import { percent } from '../text-of.ts';
import type { Finding } from './finding.ts';

export interface ShareRule {
  readonly alpha: number;
  readonly limits: Limits;
}

export interface ShareCheck {
  readonly check: CheckName;
  /** What is counted, for the sentence: `nulls`. */
  readonly what: string;
  readonly reference: Share;
  readonly current: Share;
}

/**
 * Whether the share of some cells changed: Fisher's exact test, or z for very large counts.
 *
 * undefined where no cell of either side, or every one, is counted (or a side has no rows): no outcome could have been significant, so the
 * test does not belong to the family.
 */
export function compareShareOf(
  { check, what, reference, current }: ShareCheck,
  rule: ShareRule,
): Finding | undefined {
  const counted = reference.count + current.count;
  if (counted === 0 || counted === reference.rows + current.rows) return undefined;
  if (reference.rows === 0 || current.rows === 0) return undefined;
  const { difference, p, method } = compareShares(reference, current);
  const before = reference.count / reference.rows;
  const sizes = { reference: reference.rows, current: current.rows };
  return {
    check,
    test: method,
    statistic: difference,
    p,
    effects: [{ kind: 'shareDifference', value: Math.abs(difference), limits: rule.limits }],
    detectable: detectableShareChange(before, sizes, rule.alpha),
    detail: `${what} ${percent(before)} -> ${percent(current.count / current.rows)}`,
    reason: null,
  };
}

/** Nulls. A current side without any value, whose reference has some, is `all-null` and critical. */
export function compareNulls(
  reference: Share,
  current: Share,
  { alpha, limits, fromZero }: { alpha: number; limits: Limits; fromZero: Limits },
): Finding | undefined {
  const chosen = reference.count === 0 ? fromZero : limits;
  const finding = compareShareOf(
    { check: 'null-share', what: 'nulls', reference, current },
    { alpha, limits: chosen },
  );
  if (finding === undefined || current.count < current.rows || reference.count === reference.rows)
    return finding;
  return {
    ...finding,
    check: 'all-null',
    effects: finding.effects.map((effect) => ({
      ...effect,
      limits: { medium: chosen.medium, high: chosen.medium, critical: chosen.medium },
    })),
    detail: `all ${current.rows} rows are null now, ${percent(reference.count / reference.rows)} were`,
  };
}
