import type { CharacterShares } from '../../../storage/tables/table.ts';
import type { Limits } from '../policy/limits.ts';
import { excessTvd, homogeneity } from '../statistics/chi-square.ts';
import { detectableTvd } from '../statistics/detectable.ts';
import type { TextSummary } from '../summary.ts';
import { effectText, percent } from '../text-of.ts';
import { type Finding, withEnoughRows } from './finding.ts';

const CLASSES: readonly (keyof CharacterShares)[] = ['letter', 'digit', 'space', 'punctuation', 'other'];
const NAMES: Readonly<Record<keyof CharacterShares, string>> = {
  letter: 'letters',
  digit: 'digits',
  space: 'spaces',
  punctuation: 'punctuation',
  other: 'other characters',
};

export interface ClassRule {
  readonly alpha: number;
  readonly limits: Limits;
}

/**
 * Whether texts are made of the same kinds of characters. Characters of one text belong together, so each side counts as many independent
 * draws as it has texts (long ones counting more): chi-square on the shares of these, with the total variation distance beyond chance as
 * the effect.
 *
 * undefined where a side has no characters, or all characters are of one kind.
 */
export function compareCharacterClasses(
  reference: TextSummary,
  current: TextSummary,
  { alpha, limits }: ClassRule,
): Finding | undefined {
  const sizes = {
    reference: Math.round(reference.effectiveTexts),
    current: Math.round(current.effectiveTexts),
  };
  if (sizes.reference < 1 || sizes.current < 1) return undefined;
  const before = CLASSES.map((name) => Math.round(reference.classShares[name] * sizes.reference));
  const after = CLASSES.map((name) => Math.round(current.classShares[name] * sizes.current));
  const test = homogeneity(before, after);
  if (CLASSES.filter((name) => reference.classShares[name] + current.classShares[name] > 0).length < 2)
    return undefined;
  const isTested = test.method !== 'none';
  const { excess } = excessTvd(before, after);
  const finding: Finding = {
    check: 'character-classes',
    test: test.method,
    statistic: isTested ? test.chi2 : null,
    p: isTested ? test.p : null,
    effects: [{ kind: 'excessTvd', value: excess, limits }],
    detectable: isTested ? detectableTvd(test.df, sizes, alpha) : null,
    ...(isTested ? {} : { tooFew: true }),
    detail: `${largestChange(reference.classShares, current.classShares)} of the characters, TVD beyond chance ${effectText(excess)}`,
    reason: isTested ? null : 'too few texts are independent of one another',
  };
  return withEnoughRows(finding, sizes);
}

function largestChange(before: CharacterShares, after: CharacterShares): string {
  const [most] = CLASSES.toSorted((x, y) => Math.abs(after[y] - before[y]) - Math.abs(after[x] - before[x]));
  const name = most ?? 'other';
  return `${NAMES[name]} ${percent(before[name])} -> ${percent(after[name])}`;
}

/** Total variation distance of two sides' kinds of characters. */
export function compareCharacters(before: CharacterShares, after: CharacterShares): number {
  return CLASSES.reduce((sum, name) => sum + Math.abs(after[name] - before[name]), 0) / 2;
}
