import { type Distribution, shareOf } from '../distribution.ts';
import type { Limits } from '../policy/limits.ts';
import { detectableShareChange } from '../statistics/detectable.ts';
import { compareShares } from '../statistics/proportions.ts';
import { percent, short } from '../text-of.ts';
import { type Finding, withEnoughRows } from './finding.ts';

export interface PointMassRule {
  readonly alpha: number;
  readonly limits: Limits;
  readonly format?: ((value: number) => string) | undefined;
}

/**
 * The most frequent value of either side: a column filled with a constant, or one whose usual value is gone. Of the two the one whose share
 * changed more counts, with p doubled for the choice. Both sides must have values.
 *
 * undefined where the values are different each time on both sides: nothing stands out.
 */
export function comparePointMass(
  reference: Distribution,
  current: Distribution,
  { alpha, limits, format = short }: PointMassRule,
): Finding | undefined {
  const candidates = [reference.top[0], current.top[0]].flatMap((entry) =>
    entry === undefined ? [] : [entry.value],
  );
  const compared = candidates.map((value) => ({ value, ...nearestShares(reference, current, value) }));
  const most = compared.toSorted((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before))[0];
  if (most === undefined) return undefined;
  const { value, before, after } = most;
  const sizes = { reference: reference.effective, current: current.effective };
  const count = (share: number, { rows }: Distribution) => ({ count: Math.round(share * rows), rows });
  const beforeCount = count(before, reference);
  const afterCount = count(after, current);
  if (beforeCount.count <= 1 && afterCount.count <= 1 && reference.rows + current.rows > 2) return undefined;
  const { p, method } = compareShares(beforeCount, afterCount, sizes);
  const finding: Finding = {
    check: 'point-mass',
    test: method,
    statistic: after - before,
    p: Math.min(1, 2 * p),
    effects: [{ kind: 'shareDifference', value: Math.abs(after - before), limits }],
    detectable: detectableShareChange(before, sizes, alpha / 2),
    detail: `value ${format(value)} in ${percent(before)} -> ${percent(after)} of the values`,
    reason: null,
  };
  return withEnoughRows(finding, { reference: reference.rows, current: current.rows });
}

/** The shares of a value on both sides; where a profile leaves them open, as near to one another as they may be. */
function nearestShares(reference: Distribution, current: Distribution, value: number) {
  const before = shareOf(reference, value);
  const after = shareOf(current, value);
  if (before.most < after.least) return { before: before.most, after: after.least };
  if (after.most < before.least) return { before: before.least, after: after.most };
  const common = Math.max(before.least, after.least);
  return { before: common, after: common };
}
