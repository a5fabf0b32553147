import type { AlignedLevels } from '../levels.ts';
import type { Limits } from '../policy/limits.ts';
import { excessTvd, homogeneity } from '../statistics/chi-square.ts';
import { sumOf } from '../statistics/counts.ts';
import { detectableTvd } from '../statistics/detectable.ts';
import { effectText, percent, quoted } from '../text-of.ts';
import { type Finding, untested, withEnoughRows } from './finding.ts';

export interface LevelRule {
  readonly alpha: number;
  readonly limits: Limits;
}

/**
 * Whether the levels have the same shares on both sides: homogeneity chi-square with rare levels pooled, Fisher's exact test for small
 * 2 x 2 tables. The effect is the total variation distance less what chance alone makes of it.
 */
export function compareLevels(levels: AlignedLevels, { alpha, limits }: LevelRule): Finding {
  const sizes = { reference: sumOf(levels.reference), current: sumOf(levels.current) };
  const missing = emptySide(sizes);
  if (missing !== undefined) return untested('distribution', 'chi2', missing);
  const test = homogeneity(levels.reference, levels.current);
  const { tvd, excess } = excessTvd(levels.reference, levels.current);
  if (levels.labels.length === 1) return constant(levels);
  const finding: Finding = {
    check: 'distribution',
    test: test.method === 'none' ? 'none' : test.pooled > 0 ? `${test.method} pooled` : test.method,
    statistic: test.method === 'none' ? null : test.chi2,
    p: test.method === 'none' ? null : test.p,
    effects: [{ kind: 'excessTvd', value: excess, limits }],
    detectable: test.method === 'none' ? null : detectableTvd(test.df, sizes, alpha),
    detail: describe(levels, { tvd, excess, sizes }),
    reason: null,
  };
  if (test.method !== 'none') return withEnoughRows(finding, sizes);
  return { ...finding, tooFew: true, reason: 'every level is too rare for a test' };
}

function emptySide({ reference, current }: { reference: number; current: number }): string | undefined {
  if (reference === 0 && current === 0) return 'neither side has values';
  if (reference === 0) return 'the reference has no values';
  return current === 0 ? 'the current data has no values' : undefined;
}

function constant({ labels }: AlignedLevels): Finding {
  const label = labels[0] ?? null;
  return {
    check: 'distribution',
    test: 'none',
    statistic: null,
    p: null,
    effects: [{ kind: 'excessTvd', value: 0, limits: null }],
    detectable: null,
    settled: true,
    detail: `constant on both sides${label === null ? '' : ` (${quoted(label)})`}`,
    reason: 'both sides are the same constant: there is nothing to test',
  };
}

interface Described {
  tvd: number;
  excess: number;
  sizes: { reference: number; current: number };
}

function describe({ labels, reference, current }: AlignedLevels, { tvd, excess, sizes }: Described): string {
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
  const distance = `TVD=${effectText(tvd)} (${effectText(excess)} beyond chance)`;
  if (change === 0) return distance;
  const label = labels[widest] ?? null;
  const before = percent((reference[widest] as number) / sizes.reference);
  const after = percent((current[widest] as number) / sizes.current);
  return `${distance}, ${label === null ? 'the rare levels' : quoted(label)} ${before} -> ${after}`;
}
