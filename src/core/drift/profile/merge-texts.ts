import type { CharacterShares } from '../../../storage/tables/table.ts';
import type { TextSummary } from '../summary.ts';
import { mergeDistributions } from './merge-numbers.ts';

export interface ShardTexts {
  readonly summary: TextSummary;
  /** Sum of the compared lengths. */
  readonly characters: number;
}

/**
 * The texts of all shards: shares of characters by their number, and as many independent texts as (sum of lengths)^2 / sum of squared lengths over all of them says,
 * each compared text standing for as many as were not looked at. Different texts can't be told from equal ones, so `distinct` is a lower bound.
 */
export function mergeTexts(shards: readonly ShardTexts[]): Omit<
  TextSummary,
  'name' | 'type' | 'rows' | 'nulls' | 'unparsable' | 'unparsableExamples'
> & {
  characters: number;
} {
  const distribution = mergeDistributions(shards.map(({ summary }) => summary.distribution));
  const parts = shards.map(({ summary, characters }) => {
    const { rows, total } = summary.distribution;
    const each = rows === 0 ? 1 : total / rows;
    const squares = summary.effectiveTexts === 0 ? 0 : characters ** 2 / summary.effectiveTexts;
    return { summary, characters: each * characters, squares: each ** 2 * squares };
  });
  const all = sum(parts.map(({ characters }) => characters));
  const squares = sum(parts.map((part) => part.squares));
  const share = (name: keyof CharacterShares): number => {
    if (all === 0) return 0;
    return Math.min(
      1,
      sum(parts.map(({ summary, characters }) => (characters / all) * summary.classShares[name])),
    );
  };
  const { rows, total } = distribution;
  return {
    distribution,
    classShares: {
      letter: share('letter'),
      digit: share('digit'),
      space: share('space'),
      punctuation: share('punctuation'),
      other: share('other'),
    },
    effectiveTexts: squares === 0 ? 0 : Math.min(rows, all ** 2 / squares),
    characters: rows === 0 ? 0 : (all * rows) / total,
    distinct: Math.max(0, ...shards.map(({ summary }) => summary.distinct)),
    distinctExact: shards.length === 1 && shards[0]?.summary.distinctExact === true,
    emptyStrings: sum(shards.map(({ summary }) => summary.emptyStrings)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
