import { resolve } from 'node:path';
import { UsageError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { TableReader } from '../../../storage/tables/table.ts';
import type { Repository } from '../../repository/repository.ts';
import { resolvePolicy } from '../policy/resolve.ts';
import { encodeCheckedProfile } from './build.ts';
import { parseProfile } from './parse.ts';
import { profileData } from './profile-data.ts';
import { profileBytes } from './profile-file.ts';
import type { Profile } from './profile.ts';

export interface ReferenceSources {
  /** Relative paths start here. */
  readonly cwd: string;
  /** Its settings say which columns are left out, and which types they have. */
  readonly repository: Repository;
  tables(): Promise<TableReader>;
  readonly signal?: AbortSignal;
  /** Called after each column. */
  onColumn?(done: number, total: number): void;
}

/**
 * The canonical bytes of the profile of reference data: of files and globs, or of the one file that is a profile already.
 *
 * @throws UsageError `NO_ROWS`; for malformed files and profiles
 */
export async function profileReferenceData(
  words: readonly string[],
  { cwd, repository, tables, signal, onColumn }: ReferenceSources,
): Promise<{ bytes: Uint8Array; notes: readonly string[] }> {
  const [first = ''] = words;
  const written = words.length === 1 ? await profileBytes(resolve(cwd, first)) : undefined;
  if (written !== undefined) {
    const profile = parseProfile(written, printable(first));
    assertRows(profile, words);
    return { bytes: encodeCheckedProfile(profile), notes: [] };
  }
  const { profile, notes } = await profileData(
    {
      words,
      cwd,
      policy: resolvePolicy({ config: repository.config.drift ?? [] }),
      ...(signal === undefined ? {} : { reading: { signal } }),
      ...(onColumn === undefined ? {} : { onColumn }),
    },
    await tables(),
  );
  assertRows(profile, words);
  return { bytes: encodeCheckedProfile(profile), notes };
}

function assertRows({ rows }: Profile, words: readonly string[]): void {
  if (rows > 0) return;
  throw new UsageError('NO_ROWS', `${words.map(printable).join(' ')}: the reference data have no rows`, {
    hint: 'nothing could be compared with them; check what wrote the file',
  });
}
