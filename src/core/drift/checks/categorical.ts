import type { AlignedLevels } from '../levels.ts';
import type { Limits } from '../policy/limits.ts';
import { excessTvd, homogeneity } from '../statistics/chi-square.ts';
import { sumOf, type SampleSizes } from '../statistics/counts.ts';
import { detectableTvd } from '../statistics/detectable.ts';
import { effectText, percent, quoted } from '../text-of.ts';
import { type Finding, untested, withEnoughRows } from './finding.ts';
import { excessOfHidden, homogeneityOfHidden } from './hidden-levels.ts';

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
  const isHidden = levels.hidden > 0;
  const test = isHidden ? homogeneityOfHidden(levels, sizes) : homogeneity(levels.reference, levels.current);
  const { tvd, excess } = isHidden
    ? excessOfHidden(levels, sizes)
    : excessTvd(levels.reference, levels.current);
  const isTested = test.method !== 'none';
  const finding: Finding = {
    check: 'distribution',
    test: isTested && test.pooled > 0 ? `${test.method} pooled` : test.method,
    statistic: isTested ? test.chi2 : null,
    p: isTested ? test.p : null,
    effects: [{ kind: 'excessTvd', value: excess, limits }],
    detectable: isTested ? detectableTvd(test.df, sizes, alpha) : null,
    ...(isTested ? {} : { tooFew: true, untold: isHidden }),
    detail: describe(levels, { tvd, beyond: excess, sizes, shown }),
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
