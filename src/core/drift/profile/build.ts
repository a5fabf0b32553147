import { UsageError } from '../../../errors.ts';
import { suggestNames } from '../../../lib/nearest.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { ColumnType } from '../../../storage/tables/table.ts';
import type { Side, SideColumn } from '../side.ts';
import type { ColumnSummary, PinnedColumn } from '../summary.ts';
import { profileColumn } from './column.ts';
import { encodeProfile } from './encode.ts';
import type { LevelHasher } from './level-hash.ts';
import { parseProfile } from './parse.ts';
import type { Profile, ProfileColumn } from './profile.ts';

export interface ProfileOptions {
  /** Only these; all unless told. */
  readonly columns?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Types that a person chose. */
  readonly types?: ReadonlyMap<string, ColumnType> | undefined;
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
 * @throws UsageError `COLUMN_NOT_FOUND`, `COLUMN_SKIPPED`, `PROFILE_OF_PROFILE`; as `Side.read`
 */
export async function buildProfile(side: Side, options: ProfileOptions = {}): Promise<Profile> {
  if (side.kind === 'profile') {
    throw new UsageError('PROFILE_OF_PROFILE', `${printable(side.name)} is a profile already`, {
      hint: 'several profiles become one with `mlops profile --merge <profile>... -o <file>`',
    });
  }
  const { minCount = 1, hasher } = options;
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

function chooseColumns(side: Side, { columns, exclude = [], types = new Map() }: ProfileOptions): Chosen[] {
  const known = new Map(side.columns.map((column) => [column.name, column]));
  for (const name of [...(columns ?? []), ...exclude, ...types.keys()]) assertKnown(name, known, side);
  const wanted = columns === undefined ? undefined : new Set(columns);
  const excluded = new Set(exclude);
  return side.columns
    .filter(({ name }) => !excluded.has(name) && wanted?.has(name) !== false)
    .map((column): Chosen => {
      const type = types.get(column.name);
      if (type === undefined)
        return { column, pin: column.skipped === undefined ? column.inferred : null, pinned: false };
      if (column.skipped !== undefined) {
        const message = `the column "${printable(column.name)}" can't be read as ${type}: ${column.skipped}`;
        throw new UsageError('COLUMN_SKIPPED', message, { hint: `leave --type for this column out` });
      }
      return { column, pin: pinAs(column, type), pinned: true };
    });
}

function pinAs({ name, inferred }: SideColumn, type: ColumnType): PinnedColumn {
  const integers = type === 'categorical' && (inferred?.integers ?? inferred?.type === 'numeric');
  return { name, type, reason: 'given by --type', ...(integers ? { integers } : {}) };
}

function assertKnown(name: string, known: ReadonlyMap<string, SideColumn>, side: Side): void {
  if (known.has(name)) return;
  const hint = suggestNames(name, [...known.keys()]);
  throw new UsageError('COLUMN_NOT_FOUND', `${printable(side.name)} has no column "${printable(name)}"`, {
    hint: hint ?? 'see the columns in the first line of the file',
  });
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
