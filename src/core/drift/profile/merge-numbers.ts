import type { Distribution, ValueShare } from '../distribution.ts';
import { emptyDistribution } from './parse-numbers.ts';
import { PROFILE_SIZES } from './profile.ts';

/** A shard's distribution with its part in the whole. */
interface Part {
  readonly distribution: Distribution;
  /** Its share of all values. */
  readonly weight: number;
}

/**
 * The distribution of the values of all shards, each as weighty as it has values.
 *
 * Of shard i it is known that its distribution function lies within error_i - 1/(2 k_i) of the middle of each of its k_i steps. So the weighted mean
 * of the middles is within the weighted mean of these of the true function, and knots taken of it have the error 1/k more. Where
 * no shard was merged before this is 1.5/k.
 */
export function mergeDistributions(distributions: readonly Distribution[]): Distribution {
  const present = distributions.filter(({ rows }) => rows > 0);
  const [first] = present;
  if (first === undefined) return emptyDistribution();
  if (present.length === 1) return { ...first, ordered: distributions.length === 1 && first.ordered };
  const total = sumOf(present, ({ total: values }) => values);
  const parts = present.map((distribution): Part => ({ distribution, weight: distribution.total / total }));
  const rows = sumOf(present, (each) => each.rows);
  // The variance of a mean over the mixture, in independent rows.
  const effective = 1 / sumOf(parts, ({ weight, distribution }) => weight ** 2 / distribution.effective);
  const knots = mergeKnots(parts);
  return {
    ...knots,
    rows,
    total,
    effective: Math.min(rows, effective),
    r: present.some(({ r }) => r === null)
      ? null
      : sumOf(parts, ({ weight, distribution }) => weight * (distribution.r ?? 0)),
    ordered: present.some(({ ordered }) => ordered),
    min: knots.values[0] as number,
    max: knots.values.at(-1) as number,
    ...mergeFrequent(parts),
  };
}

interface Step {
  value: number;
  part: number;
  /** What the mean of the middles gains there. */
  gain: number;
}

function mergeKnots(parts: readonly Part[]): Pick<Distribution, 'values' | 'error'> {
  const most = Math.max(...parts.map(({ distribution }) => distribution.values.length));
  const count = Math.min(PROFILE_SIZES.knots, most);
  const steps = stepsOf(parts);
  const knots = new Float64Array(count);
  const last = count - 1;
  let level = 0;
  let next = 0;
  for (const [index, { value, gain }] of steps.entries()) {
    level += gain;
    if (steps[index + 1]?.value === value) continue;
    // The smallest value at which the mean has reached the share.
    while (next < last && level >= next / last - 1e-12) {
      knots[next] = value;
      next += 1;
    }
  }
  const max = Math.max(...parts.map(({ distribution }) => distribution.max ?? -Infinity));
  knots.fill(max, next);
  if (knots[0] === max) return { values: knots, error: 1e-6 };
  const uncertain = sumOf(parts, ({ weight, distribution }) => weight * uncertainty(distribution));
  return { values: knots, error: Math.min(1, roundUp(1 / last + uncertain)) };
}

function uncertainty({ values, error, min, max }: Distribution): number {
  return min === max ? 0 : Math.max(0, error - 0.5 / (values.length - 1));
}

function stepsOf(parts: readonly Part[]): Step[] {
  const steps: Step[] = [];
  for (const [part, { distribution, weight }] of parts.entries()) {
    const { values } = distribution;
    const last = values.length - 1;
    let before = 0;
    for (let knot = 0; knot <= last; knot += 1) {
      const value = values[knot] as number;
      if (values[knot + 1] === value) continue;
      const middle = knot === last ? 1 : (knot + 0.5) / last;
      steps.push({ value, part, gain: weight * (middle - before) });
      before = middle;
    }
  }
  return steps.sort((x, y) => x.value - y.value || x.part - y.part);
}

function roundUp(error: number): number {
  return Math.ceil(error * 1e7 - 1e-5) / 1e7;
}

/** Only values whose share every shard knows are listed; for all others there is an upper bound. */
function mergeFrequent(parts: readonly Part[]): Pick<Distribution, 'top' | 'others'> {
  const shards = parts.map(({ distribution, weight }) => ({
    distribution,
    weight,
    listed: new Map(distribution.top.map(({ value, share }) => [value, share])),
    others: distribution.others ?? distribution.top.at(-1)?.share ?? 1,
  }));
  const exact: ValueShare[] = [];
  let others = sumOf(shards, (shard) => shard.weight * shard.others);
  for (const value of new Set(shards.flatMap(({ listed }) => [...listed.keys()]))) {
    let least = 0;
    let most = 0;
    for (const { distribution, weight, listed, others: bound } of shards) {
      const share = listed.get(value);
      const isBeyond = value < (distribution.min ?? Infinity) || value > (distribution.max ?? -Infinity);
      least += weight * (share ?? 0);
      most += weight * (share ?? (isBeyond ? 0 : bound));
    }
    if (least === most) exact.push({ value, share: least });
    else others = Math.max(others, most);
  }
  exact.sort((x, y) => y.share - x.share || x.value - y.value);
  const top = exact.slice(0, PROFILE_SIZES.frequent);
  return { top, others: Math.max(others, exact[top.length]?.share ?? 0) };
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
