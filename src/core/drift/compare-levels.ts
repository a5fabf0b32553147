import { compareLevels as compareShares } from './checks/categorical.ts';
import { type Finding, untested } from './checks/finding.ts';
import { stabilityIndexFinding } from './checks/stability-index.ts';
import { compareUnseen } from './checks/unseen.ts';
import { categoriesOf } from './categories.ts';
import type { CompareRule, Part } from './compare-numbers.ts';
import { NO_DETAILS } from './compared.ts';
import { alignLevels, comparableLevels } from './levels.ts';
import { measuresOfBins, stabilityIndex } from './measures.ts';
import { sumOf } from './statistics/counts.ts';
import type { CategoricalSummary } from './summary.ts';

/** Columns of levels: categorical and boolean ones. */
export function compareLevels(
  reference: CategoricalSummary,
  current: CategoricalSummary,
  { kind, alpha, rules }: CompareRule,
): Part {
  const sides = comparableLevels(reference, current);
  if (sides === undefined) {
    const reason = 'both sides are profiles that hashed their levels with different secrets';
    return { findings: [untested('distribution', 'chi2', reason)], details: NO_DETAILS };
  }
  const { shown } = sides;
  const levels = alignLevels(sides.reference, sides.current);
  const shape = compareShares(levels, { alpha, limits: rules.limits('excessTvd').value, shown });
  const index = stabilityIndex(levels);
  // An index of a single row says nothing: with two levels or more it is far above each cut-off.
  const isSingle = Math.min(sumOf(levels.reference), sumOf(levels.current)) === 1;
  const byIndex = kind === 'psi' && index !== null && shape.settled !== true && !isSingle;
  const unseen = compareUnseen(sides, { alpha, limits: rules.limits('unseenShare').value });
  const findings: Finding[] = [byIndex ? stabilityIndexFinding(index, shape.detail) : shape];
  if (unseen !== undefined) findings.push(unseen);
  return {
    findings,
    details: {
      ...NO_DETAILS,
      categories: categoriesOf(levels, sides),
      additional: measuresOfBins(levels),
      notes: poolNotes(reference, current),
    },
  };
}

function poolNotes(reference: CategoricalSummary, current: CategoricalSummary): string[] {
  return (
    [
      ['reference', reference],
      ['current', current],
    ] as const
  ).flatMap(([side, { pooled }]) =>
    pooled.levels === 0
      ? []
      : [
          `${pooled.levels.toLocaleString('en-US')} rare levels of the ${side} data were counted together (${pooled.rows.toLocaleString('en-US')} rows)`,
        ],
  );
}
