import type { AlignedLevels } from '../levels.ts';
import type { Limits } from '../policy/limits.ts';
import { excessTvd, homogeneity } from '../statistics/chi-square.ts';
import { sumOf, type SampleSizes } from '../statistics/counts.ts';
import { detectableTvd } from '../statistics/detectable.ts';
import { chiSquareSf } from '../statistics/gamma.ts';
import { hypergeometricMeanDeviation } from '../statistics/hypergeometric.ts';
import { effectText, percent, quoted } from '../text-of.ts';
import { type Finding, untested, withEnoughRows } from './finding.ts';

export interface LevelRule {
  readonly alpha: number;
  readonly limits: Limits;
  /** A level as people know it. */
  readonly shown: (level: string) => string;
}

/**
 * Whether the levels have the same shares on both sides: homogeneity chi-square with rare levels pooled, Fisher's exact test for small
 * 2 x 2 tables. The effect is the total variation distance less what chance alone makes of it.
 *
 * Where a side counted its rare levels together, p is an upper and the effect a lower bound of what the single levels would give.
 */
export function compareLevels(levels: AlignedLevels, { alpha, limits, shown }: LevelRule): Finding {
  const sizes = { reference: sumOf(levels.reference), current: sumOf(levels.current) };
  const missing = emptySide(sizes);
  if (missing !== undefined) return untested('distribution', 'chi2', missing);
  if (levels.labels.length === 1 && levels.hidden === 0) return constant(levels, shown);
  const test = homogeneity(levels.reference, levels.current);
  const { tvd, excess } = excessTvd(levels.reference, levels.current);
  const beyond = Math.max(0, excess - hiddenChance(levels, sizes));
  const df = test.df + hiddenDegrees(levels, sizes);
  const isTested = test.method !== 'none';
  const finding: Finding = {
    check: 'distribution',
    test: isTested && test.pooled > 0 ? `${test.method} pooled` : test.method,
    statistic: isTested ? test.chi2 : null,
    p: isTested ? Math.max(test.p, df > test.df ? chiSquareSf(test.chi2, df) : 0) : null,
    effects: [{ kind: 'excessTvd', value: beyond, limits }],
    detectable: isTested ? detectableTvd(df, sizes, alpha) : null,
    ...(isTested ? {} : { tooFew: true }),
    detail: describe(levels, { tvd, beyond, sizes, shown }),
    reason: isTested ? null : 'every level is too rare for a test',
  };
  return withEnoughRows(finding, sizes);
}

function emptySide({ reference, current }: SampleSizes): string | undefined {
  if (reference === 0 && current === 0) return 'neither side has values';
  if (reference === 0) return 'the reference has no values';
  return current === 0 ? 'the current data has no values' : undefined;
}

function constant({ labels }: AlignedLevels, shown: LevelRule['shown']): Finding {
  const label = labels[0] ?? null;
  return {
    check: 'distribution',
    test: 'none',
    statistic: null,
    p: null,
    effects: [{ kind: 'excessTvd', value: 0, limits: null }],
    detectable: null,
    settled: true,
    detail: `constant on both sides${label === null ? '' : ` (${quoted(shown(label))})`}`,
    reason: 'both sides are the same constant: there is nothing to test',
  };
}

function hiddenRows({ labels, reference, current }: AlignedLevels): number {
  const last = labels.length - 1;
  return labels[last] === null ? (reference[last] as number) + (current[last] as number) : 0;
}

/** Rows of one level that chi-square needs in the smaller sample (see homogeneity). */
const LEAST_EXPECTED = 5;

/** Degrees of freedom that the single levels would have added at most. */
function hiddenDegrees(levels: AlignedLevels, sizes: SampleSizes): number {
  const smaller = Math.min(sizes.reference, sizes.current) / (sizes.reference + sizes.current);
  const frequent = Math.floor((hiddenRows(levels) * smaller) / LEAST_EXPECTED);
  return Math.max(0, Math.min(levels.hidden - 1, frequent));
}

/** What chance would make of the total variation distance if the levels that were counted together had been counted one by one, at most: when all are equally frequent. */
function hiddenChance(levels: AlignedLevels, { reference, current }: SampleSizes): number {
  const rows = hiddenRows(levels);
  if (levels.hidden < 2 || rows === 0) return 0;
  const total = reference + current;
  const deviation = (marked: number): number =>
    hypergeometricMeanDeviation({ total, marked: Math.min(total, marked), draws: reference });
  const many = levels.hidden * deviation(Math.ceil(rows / levels.hidden));
  return Math.max(0, (many - deviation(rows)) * (total / (reference * current))) / 2;
}

interface Described {
  tvd: number;
  beyond: number;
  sizes: SampleSizes;
  shown: LevelRule['shown'];
}

function describe(
  { labels, reference, current }: AlignedLevels,
  { tvd, beyond, sizes, shown }: Described,
): string {
  let widest = 0;
  let change = 0;
  for (let level = 0; level < labels.length; level += 1) {
    const difference =
      (current[level] as number) / sizes.current - (reference[level] as number) / sizes.reference;
    if (Math.abs(difference) > Math.abs(change)) {
      change = difference;
      widest = level;
    }
  }
  const distance = `TVD=${effectText(tvd)} (${effectText(beyond)} beyond chance)`;
  if (change === 0) return distance;
  const label = labels[widest] ?? null;
  const before = percent((reference[widest] as number) / sizes.reference);
  const after = percent((current[widest] as number) / sizes.current);
  return `${distance}, ${label === null ? 'the rare levels' : quoted(shown(label))} ${before} -> ${after}`;
}
