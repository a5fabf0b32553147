import type { AlignedLevels } from '../levels.ts';
import { excessTvd, type Homogeneity, homogeneity } from '../statistics/chi-square.ts';
import type { SampleSizes } from '../statistics/counts.ts';
import { chiSquareSf } from '../statistics/gamma.ts';
import { hypergeometricMeanDeviation } from '../statistics/hypergeometric.ts';

/** Rows of one level that chi-square needs in the smaller sample; see `homogeneity`. */
const LEAST_EXPECTED = 5;

interface Level {
  readonly reference: number;
  readonly current: number;
  readonly expected: number;
}

/**
 * Homogeneity where rare levels of a side were counted together: p is at least what it would be had every level been counted, however the
 * levels in the pool would pair up.
 *
 * Levels that are frequent for sure stay, everything else is one group. These groups are unions of those that the single levels would be tested
 * in, so that chi-square is not larger (dividing a group never lowers it); it is held against the degrees of freedom that the single levels would
 * have at most. What is pooled there may take the rarest frequent level along, so that it is no group of its own here.
 */
export function homogeneityOfHidden(levels: AlignedLevels, sizes: SampleSizes): Homogeneity {
  const { listed, hidden } = levelsOf(levels, sizes);
  const rare = listed.filter(({ expected }) => expected < LEAST_EXPECTED);
  const frequent = listed.filter(({ expected }) => expected >= LEAST_EXPECTED);
  const leastFrequent = Math.min(...frequent.map(({ expected }) => expected));
  const standsAlone = sum(rare, 'expected') >= LEAST_EXPECTED;
  const alone = frequent.filter(({ expected }) => standsAlone || expected > leastFrequent);
  const rest = [...listed.filter((level) => !alone.includes(level)), hidden];
  const groups = [...alone, { reference: sum(rest, 'reference'), current: sum(rest, 'current') }];
  const test = homogeneity(
    groups.map(({ reference }) => reference),
    groups.map(({ current }) => current),
  );
  if (test.method === 'none') return test;
  const mostHidden = Math.min(levels.hidden, Math.floor(hidden.expected / LEAST_EXPECTED));
  const df = Math.max(test.df, frequent.length + mostHidden);
  return { ...test, df, p: Math.max(test.p, chiSquareSf(test.chi2, df)), pooled: rest.length };
}

/**
 * Total variation distance, and what is left of it after all that chance could have made of the single levels: a lower bound of their excess.
 *
 * k levels of T rows together have at most the mean deviation of k equally frequent ones, as the standard deviation, which bounds the mean one, is
 * concave in the rows.
 */
export function excessOfHidden(levels: AlignedLevels, sizes: SampleSizes): { tvd: number; excess: number } {
  const { tvd, expected } = excessTvd(levels.reference, levels.current);
  const { hidden } = levelsOf(levels, sizes);
  const { reference: n, current: m } = sizes;
  const total = n + m;
  const rows = hidden.reference + hidden.current;
  const count = Math.min(levels.hidden, rows);
  const each = count === 0 ? 0 : rows / count;
  const deviation = Math.sqrt((((each * n) / total) * m * (total - each)) / total / Math.max(1, total - 1));
  const together = hypergeometricMeanDeviation({ total, marked: rows, draws: n });
  const more = Math.max(0, count * deviation - together) * (total / (n * m)) * 0.5;
  return { tvd, excess: Math.max(0, tvd - expected - more) };
}

function levelsOf({ labels, reference, current }: AlignedLevels, sizes: SampleSizes) {
  const smaller = Math.min(sizes.reference, sizes.current) / (sizes.reference + sizes.current);
  const all = labels.map((label, place) => {
    const before = reference[place] as number;
    const after = current[place] as number;
    return { label, reference: before, current: after, expected: (before + after) * smaller };
  });
  const listed: Level[] = all.filter(({ label }) => label !== null);
  const hidden: Level = all.find(({ label }) => label === null) ?? { reference: 0, current: 0, expected: 0 };
  return { listed, hidden };
}

function sum(levels: readonly Level[], what: keyof Level): number {
  return levels.reduce((total, level) => total + level[what], 0);
}
