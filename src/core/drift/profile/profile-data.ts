import type { ReadOptions, TableReader } from '../../../storage/tables/table.ts';
import { tableSide } from '../table-side.ts';
import { buildProfile, type ProfileOptions } from './build.ts';
import type { Profile } from './profile.ts';

export interface ProfileDataRequest extends ProfileOptions {
  /** Files and globs; together they are one table. */
  readonly words: readonly string[];
  /** Relative paths start here. */
  readonly cwd: string;
  /** Instead of the usual tokens for missing values. */
  readonly nullTokens?: readonly string[] | undefined;
  /** How much of the data is kept in memory, and the signal that ends reading it. */
  readonly reading?: Pick<ReadOptions, 'sample' | 'keepRows' | 'seed' | 'signal'>;
}

export interface ProfiledData {
  readonly profile: Profile;
  /** What was assumed about the files, for people. */
  readonly notes: readonly string[];
}

/** The profile of data files. @throws UsageError for malformed files; as `TableReader.open` and `buildProfile` */
export async function profileData(
  { words, cwd, nullTokens, reading = {}, ...options }: ProfileDataRequest,
  reader: TableReader,
): Promise<ProfiledData> {
  const table = await reader.open(words, { cwd, ...(nullTokens === undefined ? {} : { nullTokens }) });
  try {
    const side = await tableSide(table, { name: words.join(' '), ...reading });
    const profile = await buildProfile(side, options);
    return { profile, notes: side.facts().notes };
  } finally {
    await table.close();
  }
}
