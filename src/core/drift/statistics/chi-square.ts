import { checkSameLevels, sumOf, type Counts, type SampleSizes } from './counts.ts';
import { fisherExact } from './fisher.ts';
import { chiSquareSf } from './gamma.ts';
import { hypergeometricMeanDeviation } from './hypergeometric.ts';

export interface Homogeneity {
  /** Pearson's statistic of the pooled k x 2 table, without continuity correction. */
  readonly chi2: number;
  readonly df: number;
  readonly p: number;
  /** `none`: nothing is left to compare, p is 1. */
  readonly method: 'chi2' | 'fisher' | 'none';
  /** How many levels went into the pool of rare ones. */
  readonly pooled: number;
  /** Groups that were compared, the pool included. */
  readonly groups: number;
}

interface Group {
  readonly reference: number;
  readonly current: number;
}

/** Cochran's rule: fewer expected rows than this make the chi-square distribution a bad approximation. */
const LEAST_EXPECTED = 5;

/**
 * Whether the levels of a category have the same shares on both sides: k x 2 chi-square test of homogeneity on counts (level by level,
 * equally long, whole numbers).
 *
 * Levels of which fewer than 5 rows are expected in the smaller sample are pooled into one; while the pool itself expects fewer, the rarest
 * remaining level joins it, as long as two groups remain. Two groups get Fisher's exact test where fewer than 5 rows are expected of one.
 * Where every level is rare nothing is compared. With `effective` sizes smaller than the rows, chi-square is divided by the design effect (Rao & Scott 1981, first order) and rows are
 * expected of the effective sizes.
 */
export function homogeneity(reference: Counts, current: Counts, effective?: SampleSizes): Homogeneity {
  const n = sumOf(reference);
  const m = sumOf(current);
  const levels = presentLevels(reference, current);
  if (n === 0 || m === 0 || levels.length < 2) return nothingToCompare(levels.length, 0);
  const sizes = {
    reference: Math.min(n, effective?.reference ?? n),
    current: Math.min(m, effective?.current ?? m),
  };
  const smaller = Math.min(sizes.reference, sizes.current);
  const expected = ({ reference: r, current: c }: Group): number => ((r + c) / (n + m)) * smaller;
  const { groups, pooled } = levels.length > 2 ? poolRare(levels, expected) : { groups: levels, pooled: 0 };
  if (groups.length < 2) return nothingToCompare(groups.length, pooled);
  const designEffect = (1 / sizes.reference + 1 / sizes.current) / (1 / n + 1 / m);
  const chi2 = pearson(groups, n, m) / designEffect;
  const df = groups.length - 1;
  const common = { chi2, df, pooled, groups: groups.length };
  if (df === 1 && groups.some((group) => expected(group) < LEAST_EXPECTED)) {
    const [first] = groups as [Group, Group];
    const count = (part: number, all: number, size: number) => ({
      rows: Math.round(size),
      count: Math.round((part / all) * Math.round(size)),
    });
    const p = fisherExact(count(first.reference, n, sizes.reference), count(first.current, m, sizes.current));
    return { ...common, p, method: 'fisher' };
  }
  return { ...common, p: chiSquareSf(chi2, df), method: 'chi2' };
}

export interface ExcessTvd {
  /** Total variation distance of the two sets of shares, 0 to 1. */
  readonly tvd: number;
  /** Its expectation if both sides were drawn from the pooled rows. */
  readonly expected: number;
  /** max(0, tvd - expected). */
  readonly excess: number;
}

/**
 * Total variation distance less what chance alone makes of it; counts level by level, equally long, whole numbers. Zeros without rows.
 *
 * The expectation is exact, given the pooled counts: half the sum of the mean absolute deviations of hypergeometric counts. For large
 * counts it is the sum of sqrt(p_i (1 - p_i) (1/n + 1/m) / (2 pi)); for many rare levels that formula is too small by a fifth and more.
 * With `effective` sizes it grows by the root of the design effect, up to 1.
 */
export function excessTvd(reference: Counts, current: Counts, effective?: SampleSizes): ExcessTvd {
  const n = sumOf(reference);
  const m = sumOf(current);
  if (n === 0 || m === 0) return { tvd: 0, expected: 0, excess: 0 };
  let sum = 0;
  let expectedSum = 0;
  for (let level = 0; level < reference.length; level += 1) {
    const before = reference[level] as number;
    const after = current[level] as number;
    sum += Math.abs(before / n - after / m);
    if (before + after > 0) {
      const deviation = hypergeometricMeanDeviation({ total: n + m, marked: before + after, draws: n });
      expectedSum += deviation * ((n + m) / (n * m));
    }
  }
  const ne = Math.min(n, effective?.reference ?? n);
  const me = Math.min(m, effective?.current ?? m);
  const designEffect = (1 / ne + 1 / me) / (1 / n + 1 / m);
  const tvd = sum / 2;
  const expected = Math.min(1, (expectedSum / 2) * Math.sqrt(designEffect));
  return { tvd, expected, excess: Math.max(0, tvd - expected) };
}

function nothingToCompare(groups: number, pooled: number): Homogeneity {
  return { chi2: 0, df: 0, p: 1, method: 'none', pooled, groups };
}

function presentLevels(reference: Counts, current: Counts): Group[] {
  checkSameLevels(reference, current);
  const levels: Group[] = [];
  for (let level = 0; level < reference.length; level += 1) {
    const group = { reference: reference[level] as number, current: current[level] as number };
    if (group.reference + group.current > 0) levels.push(group);
  }
  return levels;
}

function poolRare(levels: readonly Group[], expected: (group: Group) => number) {
  const ascending = levels.toSorted((x, y) => x.reference + x.current - (y.reference + y.current));
  let pool: Group = { reference: 0, current: 0 };
  let pooled = 0;
  for (const level of ascending) {
    const poolStands = pooled === 0 || expected(pool) >= LEAST_EXPECTED || pooled === levels.length - 1;
    if (poolStands && expected(level) >= LEAST_EXPECTED) break;
    pool = { reference: pool.reference + level.reference, current: pool.current + level.current };
    pooled += 1;
  }
  const kept = ascending.slice(pooled);
  return { groups: pooled === 0 ? kept : [pool, ...kept], pooled };
}

function pearson(groups: readonly Group[], n: number, m: number): number {
  let sum = 0;
  for (const { reference, current } of groups) {
    // (observed - expected)^2 / expected of both cells of a row, in one term.
    const difference = reference / n - current / m;
    sum += (difference * difference) / (reference + current);
  }
  return sum * n * m;
}
