import { UsageError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { CategoricalSummary, NumericSummary } from '../summary.ts';
import { mergeLevels } from './merge-levels.ts';
import { mergeDistributions } from './merge-numbers.ts';
import { mergeTexts } from './merge-texts.ts';
import type { Profile, ProfileColumn } from './profile.ts';

/** A profile with what messages call it. */
export interface NamedProfile {
  readonly name: string;
  readonly profile: Profile;
}

/**
 * The profile of the rows of all shards together, from their profiles alone. The columns must be the same, in any order, and of the same types; the
 * order is that of the first.
 *
 * Counts are added and exact. Of numbers see `mergeDistributions`: each merge adds half a step to the error, whatever the number of shards, so that one
 * merge of all is better than many of two. Rows that are equal across shards can't be known, so duplicates become a lower bound.
 *
 * @throws UsageError `PROFILES_DIFFER` naming the profiles and the column
 */
export function mergeProfiles(shards: readonly NamedProfile[]): Profile {
  const [first, ...others] = shards;
  if (first === undefined) throw new UsageError('PROFILES_DIFFER', 'there is no profile to merge');
  for (const other of others) assertSameColumns(first, other);
  const profiles = shards.map(({ profile }) => profile);
  const lookups = profiles.map(({ columns }) => new Map(columns.map((column) => [column.name, column])));
  const duplicates = profiles.map((profile) => profile.duplicates);
  return {
    rows: sum(profiles.map(({ rows }) => rows)),
    duplicates: duplicates.some((each) => each === null)
      ? null
      : {
          rows: sum(duplicates.map((each) => each?.rows ?? 0)),
          exact: shards.length === 1 && duplicates[0]?.exact === true,
        },
    labels: first.profile.labels,
    minCount: leastMinCount(profiles),
    columns: first.profile.columns.map(({ name }) =>
      mergeColumn(
        lookups.flatMap((lookup, index) => {
          const column = lookup.get(name);
          return column === undefined
            ? []
            : [{ column, rows: profiles[index]?.rows ?? 0, name: shards[index]?.name ?? '' }];
        }),
      ),
    ),
  };
}

function assertSameColumns(first: NamedProfile, other: NamedProfile): void {
  const before = first.profile.labels;
  const after = other.profile.labels;
  if (before?.scheme !== after?.scheme || before?.key !== after?.key) {
    throw differ(
      first.name,
      other.name,
      'hash their levels in different ways',
      'profile them with the same options',
    );
  }
  for (const [has, lacks] of [
    [first, other],
    [other, first],
  ] as const) {
    const names = new Set(lacks.profile.columns.map(({ name }) => name));
    const missing = has.profile.columns.find(({ name }) => !names.has(name));
    if (missing === undefined) continue;
    const what = `do not have the same columns: only ${printable(has.name)} has "${printable(missing.name)}"`;
    throw differ(first.name, other.name, what, `leave it out: --exclude ${printable(missing.name)}`);
  }
}

function differ(first: string, other: string, what: string, hint: string): UsageError {
  return new UsageError('PROFILES_DIFFER', `${printable(first)} and ${printable(other)} ${what}`, { hint });
}

interface ShardColumn {
  column: ProfileColumn;
  rows: number;
  /** Of the profile. */
  name: string;
}

function mergeColumn(shards: readonly ShardColumn[]): ProfileColumn {
  const typed = shards.filter(({ column }) => column.pin !== null);
  const skipped = shards.find(({ column }) => column.skipped !== undefined);
  const [first, ...others] = typed;
  if (skipped !== undefined && first !== undefined) {
    const what = `do not agree on the column "${printable(first.column.name)}": in one it was skipped`;
    throw differ(first.name, skipped.name, what, `leave it out: --exclude ${printable(first.column.name)}`);
  }
  const [any] = shards;
  if (first === undefined || first.column.pin === null) {
    return {
      name: any?.column.name ?? '',
      pin: null,
      pinned: false,
      skipped: skipped?.column.skipped,
      summary: null,
      characters: 0,
    };
  }
  const { pin } = first.column;
  for (const { column, name } of others) {
    if (column.pin?.type === pin.type && column.pin.integers === pin.integers) continue;
    const what = `do not agree on the column "${printable(pin.name)}": ${typeOf(first.column)} and ${typeOf(column)}`;
    throw differ(
      first.name,
      name,
      what,
      `profile the shards with the same types: --type ${printable(pin.name)}=${pin.type}`,
    );
  }
  const emptyRows = sum(shards.filter(({ column }) => column.pin === null).map(({ rows }) => rows));
  return {
    name: pin.name,
    pin,
    pinned: typed.every(({ column }) => column.pinned),
    skipped: undefined,
    ...mergeSummaries(
      typed.map(({ column }) => column),
      emptyRows,
    ),
  };
}

function typeOf({ pin }: ProfileColumn): string {
  return pin === null ? 'null only' : `${pin.type}${pin.integers === true ? ' of integers' : ''}`;
}

/** @param emptyRows rows of shards in which the column is null throughout */
function mergeSummaries(
  columns: readonly ProfileColumn[],
  emptyRows: number,
): Pick<ProfileColumn, 'summary' | 'characters'> {
  const summaries = columns.flatMap(({ summary }) => (summary === null ? [] : [summary]));
  const [first] = summaries;
  if (first === undefined) return { summary: null, characters: 0 };
  const base = {
    name: first.name,
    rows: emptyRows + sum(summaries.map(({ rows }) => rows)),
    nulls: emptyRows + sum(summaries.map(({ nulls }) => nulls)),
    unparsable: sum(summaries.map(({ unparsable }) => unparsable)),
    unparsableExamples: [],
  };
  switch (first.type) {
    case 'numeric':
    case 'datetime': {
      const same = summaries.filter((each): each is NumericSummary => each.type === first.type);
      const summary: NumericSummary = {
        ...base,
        type: first.type,
        nan: sum(same.map(({ nan }) => nan)),
        positiveInfinite: sum(same.map(({ positiveInfinite }) => positiveInfinite)),
        negativeInfinite: sum(same.map(({ negativeInfinite }) => negativeInfinite)),
        distribution: mergeDistributions(same.map(({ distribution }) => distribution)),
      };
      return { summary, characters: 0 };
    }
    case 'categorical':
    case 'boolean': {
      const same = summaries.filter((each): each is CategoricalSummary => each.type === first.type);
      return { summary: { ...base, type: first.type, ...mergeLevels(same) }, characters: 0 };
    }
    case 'text': {
      const texts = columns.flatMap(({ summary, characters }) =>
        summary?.type === 'text' ? [{ summary, characters }] : [],
      );
      const { characters, ...merged } = mergeTexts(texts);
      return { summary: { ...base, type: 'text', ...merged }, characters };
    }
  }
}

function leastMinCount(profiles: readonly Profile[]): number | null {
  const least = Math.min(...profiles.map(({ minCount }) => minCount ?? 1));
  return least > 1 ? least : null;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
