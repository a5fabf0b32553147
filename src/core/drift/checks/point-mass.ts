import { type Distribution, shareOf } from '../distribution.ts';
import type { Limits } from '../policy/limits.ts';
import { detectableShareChange } from '../statistics/detectable.ts';
import { compareShares } from '../statistics/proportions.ts';
import { percent, short } from '../text-of.ts';
import { countRivals } from './rivals.ts';
import { type Finding, withEnoughRows } from './finding.ts';

export interface PointMassRule {
  readonly alpha: number;
  readonly limits: Limits;
  readonly format?: ((value: number) => string) | undefined;
}

/**
 * The most frequent value of either side: a column filled with a constant, or one whose usual value is gone. Of the two the one whose share
 * changed more counts. Its p is multiplied by the values among which it was chosen: those that are as frequent, of either side. Both sides must have values.
 *
 * undefined where the values are different each time on both sides: nothing stands out.
 */
export function comparePointMass(
  reference: Distribution,
  current: Distribution,
  { alpha, limits, format = short }: PointMassRule,
): Finding | undefined {
  const candidates = new Set([reference.top[0], current.top[0]].flatMap((entry) => entry?.value ?? []));
  const changes = Array.from(candidates, (value) => changeOf(reference, current, value));
  const sure = Math.max(0, ...changes.map(({ least }) => least));
  // Between rows this is the one that changed most. Which one that is a profile may leave open: then the least of what each would say holds.
  const possible = changes.filter(({ most }) => most >= sure);
  const tested = possible.flatMap((each) => testChange(each, { reference, current }) ?? []);
  const [weakest] = tested.toSorted((x, y) => y.p - x.p || x.least - y.least);
  if (weakest === undefined) return undefined;
  const { value, before, after, p, method } = weakest;
  const sizes = { reference: reference.effective, current: current.effective };
  const effect = Math.min(...tested.map(({ least }) => least));
  const pooled = (before * reference.rows + after * current.rows) / (reference.rows + current.rows);
  const choices = 2 * countRivals(pooled, reference, current);
  const isOpen = Math.max(hiddenTop(reference), hiddenTop(current)) >= sure;
  const finding: Finding = {
    check: 'point-mass',
    test: method,
    statistic: after - before,
    p: isOpen ? 1 : Math.min(1, choices * p),
    effects: [{ kind: 'shareDifference', value: effect, limits }],
    detectable: detectableShareChange(before, sizes, alpha / choices),
    detail: `value ${format(value)} in ${percent(before)} -> ${percent(after)} of the values`,
    reason: null,
  };
  return withEnoughRows(finding, { reference: reference.rows, current: current.rows });
}

/** Of a profile that does not list its most frequent value: the share that this may have at most; 0 where it is listed. */
function hiddenTop({ error, top, others = 0 }: Distribution): number {
  return error > 0 && others > (top[0]?.share ?? 0) ? others : 0;
}

interface Change {
  readonly value: number;
  readonly before: number;
  readonly after: number;
  /** The difference of the two. */
  readonly least: number;
  /** What it may be where a side is a profile that does not list the value. */
  readonly most: number;
}

/** The shares of a value on both sides; where a profile leaves them open, as near to one another as they may be. */
function changeOf(reference: Distribution, current: Distribution, value: number): Change {
  const before = shareOf(reference, value);
  const after = shareOf(current, value);
  const most = Math.max(before.most - after.least, after.most - before.least);
  if (before.most < after.least) return change(value, [before.most, after.least], most);
  if (after.most < before.least) return change(value, [before.least, after.most], most);
  const common = Math.max(before.least, after.least);
  return change(value, [common, common], most);
}

function change(value: number, [before, after]: readonly [number, number], most: number): Change {
  return { value, before, after, least: Math.abs(after - before), most };
}

/** undefined where each side has the value once at most. */
function testChange(
  found: Change,
  { reference, current }: { reference: Distribution; current: Distribution },
): (Change & { p: number; method: string }) | undefined {
  const count = (share: number, { rows }: Distribution) => ({ count: Math.round(share * rows), rows });
  const before = count(found.before, reference);
  const after = count(found.after, current);
  if (before.count <= 1 && after.count <= 1 && reference.rows + current.rows > 2) return undefined;
  const { p, method } = compareShares(before, after, {
    reference: reference.effective,
    current: current.effective,
  });
  return { ...found, p, method };
}
