import { UsageError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { Side, SideColumn, SideFacts } from '../side.ts';
import type { CategoricalSummary, ColumnSummary, PinnedColumn } from '../summary.ts';
import { hasherFor, type LevelHasher } from './level-hash.ts';
import { emptyDistribution } from './parse-numbers.ts';
import type { Profile, ProfileColumn } from './profile.ts';

export interface ProfileSideOptions {
  /** As the person named it. */
  readonly name: string;
  /** The secret that hashed levels were made with, as the environment has it. */
  readonly secret: string | undefined;
}

/**
 * A profile as one side of a comparison.
 *
 * @throws UsageError `PROFILE_KEY_MISSING`, `PROFILE_KEY_INVALID` where its levels are hashed with a secret that was not given
 */
export function profileSide(profile: Profile, { name, secret }: ProfileSideOptions): Side {
  const hasher = profile.labels === null ? undefined : hasherFor(profile.labels, secret, name);
  const known = new Map(profile.columns.map((column) => [column.name, column]));
  const facts = factsOf(profile);
  return {
    name,
    kind: 'profile',
    columns: profile.columns.map(sideColumn),
    facts: () => facts,
    read: (plan) => Promise.resolve(summariesFor(plan, known, { profile, name, hasher })),
  };
}

async function* summariesFor(
  plan: readonly PinnedColumn[],
  known: ReadonlyMap<string, ProfileColumn>,
  source: Source,
): AsyncGenerator<ColumnSummary> {
  for (const pin of plan) yield summaryFor(known.get(pin.name), pin, source);
}

function sideColumn({ name, pin, skipped }: ProfileColumn): SideColumn {
  return { name, inferred: pin, declared: pin?.type, skipped };
}

function factsOf({ rows, duplicates, minCount, labels }: Profile): SideFacts {
  const notes: string[] = [];
  if (minCount !== null) notes.push(`the profile shows nothing that fewer than ${minCount} rows have`);
  if (labels !== null) notes.push(`the profile holds hashes of its levels (${labels.scheme})`);
  return {
    rows,
    duplicates:
      duplicates === null
        ? null
        : { rows: duplicates.rows, share: rows === 0 ? 0 : duplicates.rows / rows, exact: duplicates.exact },
    notes,
  };
}

interface Source {
  profile: Profile;
  name: string;
  hasher: LevelHasher | undefined;
}

function summaryFor(
  column: ProfileColumn | undefined,
  pin: PinnedColumn,
  { profile, name, hasher }: Source,
): ColumnSummary {
  if (column === undefined || column.skipped !== undefined) {
    throw new Error(`the profile ${name} was asked for the column ${pin.name}, which it does not have`);
  }
  if (column.summary === null) return allNull(pin, profile.rows);
  const { summary } = column;
  if (summary.type !== pin.type) {
    const what = `${printable(name)} has the column "${printable(pin.name)}" as ${summary.type}; reading it as ${pin.type} takes its rows`;
    throw new UsageError('PROFILE_TYPE', what, {
      hint: `profile the data again with --type ${printable(pin.name)}=${pin.type}`,
    });
  }
  return summary.type === 'categorical' && hasher !== undefined ? { ...summary, hasher } : summary;
}

function allNull({ name, type }: PinnedColumn, rows: number): ColumnSummary {
  const base = { name, rows, nulls: rows, unparsable: 0, unparsableExamples: [] };
  switch (type) {
    case 'numeric':
    case 'datetime':
      return {
        ...base,
        type,
        nan: 0,
        positiveInfinite: 0,
        negativeInfinite: 0,
        distribution: emptyDistribution(),
      };
    case 'categorical':
    case 'boolean':
      return { ...base, type, ...NO_LEVELS };
    case 'text':
      return {
        ...base,
        type,
        distribution: emptyDistribution(),
        classShares: { letter: 0, digit: 0, space: 0, punctuation: 0, other: 0 },
        effectiveTexts: 0,
        distinct: 0,
        distinctExact: true,
        emptyStrings: 0,
      };
  }
}

const NO_LEVELS: Pick<CategoricalSummary, 'counts' | 'distinct' | 'distinctExact' | 'pooled'> = {
  counts: new Map(),
  distinct: 0,
  distinctExact: true,
  pooled: { levels: 0, rows: 0 },
};
