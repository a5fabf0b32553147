import { resolve } from 'node:path';
import { printable } from '../../../lib/terminal-text.ts';
import type { TableReader } from '../../../storage/tables/table.ts';
import type { Repository } from '../../repository/repository.ts';
import { resolvePolicy } from '../policy/resolve.ts';
import { encodeCheckedProfile } from './build.ts';
import { parseProfile } from './parse.ts';
import { profileData } from './profile-data.ts';
import { profileBytes } from './profile-file.ts';

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
 * @throws UsageError for malformed files and profiles
 */
export async function profileReferenceData(
  words: readonly string[],
  { cwd, repository, tables, signal, onColumn }: ReferenceSources,
): Promise<{ bytes: Uint8Array; notes: readonly string[] }> {
  const [first = ''] = words;
  const written = words.length === 1 ? await profileBytes(resolve(cwd, first)) : undefined;
  if (written !== undefined) {
    return { bytes: encodeCheckedProfile(parseProfile(written, printable(first))), notes: [] };
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
  return { bytes: encodeCheckedProfile(profile), notes };
}
