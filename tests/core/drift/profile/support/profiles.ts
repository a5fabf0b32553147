import {
  buildProfile,
  encodeCheckedProfile,
  type ProfileOptions,
} from '../../../../../src/core/drift/profile/build.ts';
import type { PolicyOptions } from '../../../../../src/core/drift/policy/options.ts';
import { resolvePolicy } from '../../../../../src/core/drift/policy/resolve.ts';
import { parseProfile } from '../../../../../src/core/drift/profile/parse.ts';
import type { Profile } from '../../../../../src/core/drift/profile/profile.ts';
import { profileSide } from '../../../../../src/core/drift/profile/side.ts';
import type { Side } from '../../../../../src/core/drift/side.ts';
import type {
  CategoricalSummary,
  ColumnSummary,
  NumericSummary,
  PinnedColumn,
  TextSummary,
} from '../../../../../src/core/drift/summary.ts';

/** The summaries of some columns of a side, by the types that it infers. */
export async function summariesOf(side: Side, names: readonly string[]): Promise<ColumnSummary[]> {
  const plan = names.map((name) => {
    const pin = side.columns.find((column) => column.name === name)?.inferred;
    if (pin === undefined || pin === null) throw new Error(`no type for ${name}`);
    return pin;
  });
  return readAll(side, plan);
}

/** The summary of one column, read as that type. */
export function summariesAs(side: Side, pin: Omit<PinnedColumn, 'reason'>): Promise<ColumnSummary[]> {
  return readAll(side, [{ ...pin, reason: 'as the test says' }]);
}

async function readAll(side: Side, plan: readonly PinnedColumn[]): Promise<ColumnSummary[]> {
  const summaries: ColumnSummary[] = [];
  for await (const summary of await side.read(plan)) summaries.push(summary);
  return summaries;
}

/** Options of a profile, with those of the command line that choose columns and types. */
export type TestOptions = Partial<Omit<ProfileOptions, 'policy'>> & {
  readonly chosen?: Pick<PolicyOptions, 'columns' | 'exclude' | 'types'>;
};

export function profile(side: Side, { chosen = {}, ...options }: TestOptions = {}): Promise<Profile> {
  return buildProfile(side, { ...options, policy: resolvePolicy({ options: chosen }) });
}

/** The profile of a side after a way through its bytes. */
export async function profileOf(side: Side, options: TestOptions = {}): Promise<Profile> {
  return parseProfile(encodeCheckedProfile(await profile(side, options)), 'profile.json');
}

/** The same as one side of a comparison. */
export async function profiled(side: Side, options: TestOptions = {}): Promise<Side> {
  return profileSide(await profileOf(side, options), {
    name: `${side.name}.profile.json`,
    secret: undefined,
  });
}

/** What a profile keeps of its first column, which must be of that type. */
export function numbersOf({ columns: [column] }: Profile): NumericSummary {
  if (column?.summary?.type !== 'numeric') throw new Error('the first column has no numbers');
  return column.summary;
}

export function levelsOf({ columns: [column] }: Profile): CategoricalSummary {
  if (column?.summary?.type !== 'categorical') throw new Error('the first column has no levels');
  return column.summary;
}

export function textsOf({ columns: [column] }: Profile): TextSummary {
  if (column?.summary?.type !== 'text') throw new Error('the first column has no texts');
  return column.summary;
}
