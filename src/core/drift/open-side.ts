import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MlopsError, UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { Table, TableReader } from '../../storage/tables/table.ts';
import type { Repository } from '../repository/repository.ts';
import { parseProfile } from './profile/parse.ts';
import { profileBytes } from './profile/profile-file.ts';
import { profileSide } from './profile/side.ts';
import type { Side } from './side.ts';
import { tableSide, type TableSideOptions } from './table-side.ts';

export interface SideSources {
  /** Relative paths start here. */
  readonly cwd: string;
  tables(): Promise<TableReader>;
  /** undefined outside of a repository. */
  repository(): Promise<Repository | undefined>;
  /** The secret that levels of profiles were hashed with. */
  readonly profileSecret: string | undefined;
  /** The profile of a version, fetched where it is not here. */
  versionProfile(repository: Repository, reference: string): Promise<{ side: Side; model: string }>;
}

export interface SideRequest extends Omit<TableSideOptions, 'name'> {
  /** Files and globs, or one profile, or (where allowed) one version. */
  readonly words: readonly string[];
  readonly mayBeVersion: boolean;
  /** Instead of the usual tokens for missing values. */
  readonly nullTokens?: readonly string[] | undefined;
}

export interface OpenedSide {
  readonly side: Side;
  /** Where rows are; undefined for a profile. */
  readonly table: Table | undefined;
  /** Of a version's profile. */
  readonly model: string | undefined;
  close(): Promise<void>;
}

/**
 * Opens what a person named as one side of a comparison. A file comes first: a version is looked for where there is no file of that name.
 *
 * @throws UsageError for what is neither, and for malformed files and profiles
 */
export async function openSide(
  { words, mayBeVersion, nullTokens, ...options }: SideRequest,
  sources: SideSources,
): Promise<OpenedSide> {
  const name = words.join(' ');
  const [first = ''] = words;
  if (words.length === 1) {
    const profile = await profileFile(resolve(sources.cwd, first), first, sources.profileSecret);
    if (profile !== undefined) return openedProfile(profile);
    const version = mayBeVersion ? await versionSide(first, sources) : undefined;
    if (version !== undefined) return openedProfile(version.side, version.model);
  }
  const reader = await sources.tables();
  const table = await reader.open(words, {
    cwd: sources.cwd,
    ...(nullTokens === undefined ? {} : { nullTokens }),
  });
  try {
    const side = await tableSide(table, { name, ...options });
    return { side, table, model: undefined, close: () => table.close() };
  } catch (error) {
    await table.close();
    throw error;
  }
}

function openedProfile(side: Side, model?: string): OpenedSide {
  return { side, table: undefined, model, close: () => Promise.resolve() };
}

const LOOKS_LIKE_VERSION =
  /^(?:sha256:[0-9a-f]{8,64}|[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:@[A-Za-z0-9._-]+)?)$/;

async function versionSide(
  word: string,
  sources: SideSources,
): Promise<{ side: Side; model: string } | undefined> {
  if (!LOOKS_LIKE_VERSION.test(word) || (await exists(resolve(sources.cwd, word)))) return undefined;
  const repository = await sources.repository();
  if (repository === undefined) {
    if (!word.includes('@')) return undefined;
    throw new UsageError(
      'NOT_A_REPOSITORY',
      `there is no file ${printable(word)}, and ${printable(sources.cwd)} is in no mlops repository that has a version of that name`,
      { hint: 'name a file, or act inside the repository: mlops -C <dir> drift ...' },
    );
  }
  try {
    return await sources.versionProfile(repository, word);
  } catch (error) {
    // A word without "@" is more likely the name of a file.
    const unknown = error instanceof MlopsError && error.code === 'MODEL_NOT_FOUND';
    if (unknown && !word.includes('@') && !word.startsWith('sha256:')) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The profile in a file; undefined where the file is no JSON object that calls itself one, or can't be opened: the reader of tables says why. */
async function profileFile(
  path: string,
  shown: string,
  secret: string | undefined,
): Promise<Side | undefined> {
  const bytes = await profileBytes(path);
  return bytes === undefined ? undefined : profileSide(parseProfile(bytes, shown), { name: shown, secret });
}
