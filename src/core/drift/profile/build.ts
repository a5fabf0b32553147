import { UsageError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { ColumnType } from '../../../storage/tables/table.ts';
import { checkNamedColumns } from '../policy/column-names.ts';
import type { Resolved } from '../policy/limits.ts';
import type { ResolvedPolicy } from '../policy/resolve.ts';
import type { Side, SideColumn } from '../side.ts';
import type { ColumnSummary, PinnedColumn } from '../summary.ts';
import { columnText } from '../text-of.ts';
import { profileColumn } from './column.ts';
import { encodeProfile } from './encode.ts';
import type { LevelHasher } from './level-hash.ts';
import { parseProfile } from './parse.ts';
import type { Profile, ProfileColumn } from './profile.ts';

export interface ProfileOptions {
  /** Which columns are left out, and the types that a person chose. */
  readonly policy: Pick<ResolvedPolicy, 'column' | 'named' | 'chosen'>;
  /** Levels, values and steps between knots of fewer rows are not shown; 1 unless told. */
  readonly minCount?: number | undefined;
  /** Levels are hashed by it; undefined: they are written as they are. */
  readonly hasher?: LevelHasher | undefined;
  /** Called after each column. */
  onColumn?(done: number, total: number): void;
}

/**
 * The profile of a data set, read column by column: no more than one column's rows are kept at a time.
 *
 * @throws UsageError `UNKNOWN_COLUMN`, `COLUMN_SKIPPED`, `PROFILE_OF_PROFILE`; as `Side.read`
 */
export async function buildProfile(side: Side, options: ProfileOptions): Promise<Profile> {
  if (side.kind === 'profile') {
    throw new UsageError('PROFILE_OF_PROFILE', `${printable(side.name)} is a profile already`, {
      hint: 'several profiles become one with `mlops profile --merge <profile>... -o <file>`',
    });
  }
  const { policy, minCount = 1, hasher } = options;
  checkNamedColumns(
    policy.named,
    side.columns.map(({ name }) => name),
  );
  const chosen = chooseColumns(side, options);
  const plan = chosen.flatMap(({ pin }) => (pin === null ? [] : [pin]));
  const summaries = await readInOrder(side, plan);
  const columns: ProfileColumn[] = [];
  for (const { column, pin, pinned } of chosen) {
    const summary = pin === null ? undefined : await summaries(pin.name);
    columns.push(
      pin === null || summary === undefined
        ? {
            name: column.name,
            pin: null,
            pinned: false,
            skipped: column.skipped,
            summary: null,
            characters: 0,
          }
        : profileColumn(summary, { pin, pinned }, { minCount, hasher }),
    );
    options.onColumn?.(columns.length, chosen.length);
  }
  const { rows, duplicates } = side.facts();
  return {
    rows,
    duplicates: duplicates === null ? null : { rows: duplicates.rows, exact: duplicates.exact },
    labels: hasher?.scheme ?? null,
    minCount: minCount > 1 ? minCount : null,
    columns,
  };
}

/**
 * The bytes of a profile that every reader will take.
 *
 * @throws UsageError `LIMIT_EXCEEDED`
 */
export function encodeCheckedProfile(profile: Profile): Uint8Array {
  const bytes = encodeProfile(profile);
  try {
    parseProfile(bytes, 'the profile');
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError('LIMIT_EXCEEDED', `the profile can't be written: ${cause.message}`, {
      hint: 'leave columns out: --exclude <column>',
      cause,
    });
  }
  return bytes;
}

interface Chosen {
  column: SideColumn;
  pin: PinnedColumn | null;
  pinned: boolean;
}

function chooseColumns(side: Side, { policy }: ProfileOptions): Chosen[] {
  const selected = policy.chosen(side.columns.map(({ name }) => name));
  const wanted = selected === undefined ? undefined : new Set(selected);
  return side.columns.flatMap((column): Chosen[] => {
    const { ignored, type } = policy.column(column.name);
    if (ignored.value || wanted?.has(column.name) === false) return [];
    if (type === undefined) {
      return [{ column, pin: column.skipped === undefined ? column.inferred : null, pinned: false }];
    }
    if (column.skipped !== undefined) {
      const message = `the column ${columnText(column.name)} can't be read as ${type.value} (${type.origin}): ${column.skipped}`;
      throw new UsageError('COLUMN_SKIPPED', message, {
        hint: 'let it have no type, or leave it out: --exclude',
      });
    }
    return [{ column, pin: pinAs(column, type), pinned: true }];
  });
}

function pinAs({ name, inferred }: SideColumn, { value: type, origin }: Resolved<ColumnType>): PinnedColumn {
  const integers = type === 'categorical' && (inferred?.integers ?? inferred?.type === 'numeric');
  return { name, type, reason: `set by ${origin}`, ...(integers ? { integers } : {}) };
}

/** Summaries by name, asked for in the order of the plan; the rows of one are let go before the next is read. */
async function readInOrder(
  side: Side,
  plan: readonly PinnedColumn[],
): Promise<(name: string) => Promise<ColumnSummary>> {
  const summaries = (await side.read(plan))[Symbol.asyncIterator]();
  return async (name) => {
    const next = await summaries.next();
    if (next.done === true || next.value.name !== name)
      throw new Error(`the column ${name} was not read in its turn`);
    return next.value;
  };
}
