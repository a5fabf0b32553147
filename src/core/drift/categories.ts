import type { AlignedLevels, ComparableLevels } from './levels.ts';
import type { Categories } from './report.ts';
import { sumOf } from './statistics/counts.ts';
import { firstCharacters } from './text-of.ts';

type Change = Categories['changed'][number];

const MOST_LISTED = 10;
const MOST_BARS = 20;
const LONGEST_LABEL = 200;

/** What a report shows of the levels; null where a side has no values. */
export function categoriesOf(
  levels: AlignedLevels,
  { reference, current, shown }: ComparableLevels,
): Categories | null {
  const sizes = { reference: sumOf(levels.reference), current: sumOf(levels.current) };
  if (sizes.reference === 0 || sizes.current === 0) return null;
  const changes: Change[] = levels.labels.map((label, level) => {
    const referenceRows = levels.reference[level] as number;
    const currentRows = levels.current[level] as number;
    return {
      category: label === null ? null : firstCharacters(shown(label), LONGEST_LABEL),
      referenceRows,
      currentRows,
      referenceShare: referenceRows / sizes.reference,
      currentShare: currentRows / sizes.current,
    };
  });
  // Of a side that pooled levels it cannot be said that it does not have one.
  const unseen = reference.pooled.levels > 0 ? [] : changes.filter((change) => change.referenceRows === 0);
  const gone = current.pooled.levels > 0 ? [] : changes.filter((change) => change.currentRows === 0);
  const moved = changes.filter(({ referenceShare, currentShare }) => referenceShare !== currentShare);
  return {
    changed: moved.toSorted((x, y) => moveOf(y) - moveOf(x)).slice(0, MOST_LISTED),
    unseen: unseen.toSorted((x, y) => y.currentRows - x.currentRows).slice(0, MOST_LISTED),
    unseenCount: unseen.length,
    gone: gone.toSorted((x, y) => y.referenceRows - x.referenceRows).slice(0, MOST_LISTED),
    goneCount: gone.length,
    bars: barsOf(changes),
  };
}

function moveOf({ referenceShare, currentShare }: Change): number {
  return Math.abs(currentShare - referenceShare);
}

function barsOf(changes: readonly Change[]): Change[] {
  const size = ({ referenceShare, currentShare }: Change): number => Math.max(referenceShare, currentShare);
  const named = changes.filter(({ category }) => category !== null).toSorted((x, y) => size(y) - size(x));
  const rest = [...named.slice(MOST_BARS), ...changes.filter(({ category }) => category === null)];
  const [first] = rest;
  if (first === undefined) return named;
  const others = rest.reduce(
    (sum, change) => ({
      category: null,
      referenceRows: sum.referenceRows + change.referenceRows,
      currentRows: sum.currentRows + change.currentRows,
      referenceShare: sum.referenceShare + change.referenceShare,
      currentShare: sum.currentShare + change.currentShare,
    }),
    { category: null, referenceRows: 0, currentRows: 0, referenceShare: 0, currentShare: 0 },
  );
  return [...named.slice(0, MOST_BARS), { ...others, ...within(others) }];
}

/** Sums of shares are a hair above 1 at times. */
function within({ referenceShare, currentShare }: Change) {
  return { referenceShare: Math.min(1, referenceShare), currentShare: Math.min(1, currentShare) };
}
