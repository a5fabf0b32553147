import { listSettings, readSetting, setSetting, unsetSetting, type SettingValue } from '../../config/load.ts';
import type { Config, ConfigFile } from '../../config/schema.ts';
import { UsageError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import { nearestNames } from '../../lib/nearest.ts';
import { printable } from '../../lib/terminal-text.ts';
import { changeConfig } from './change-config.ts';
import { CONFIG_PATH, LOCAL_CONFIG_PATH } from './layout.ts';
import type { Repository } from './repository.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Every setting, the value in force and where it comes from. @throws UsageError `CONFIG_INVALID` */
export async function settingsInForce(repository: Repository, env: Environment): Promise<SettingValue[]> {
  return listSettings(await sources(repository, env));
}

/** @throws UsageError `UNKNOWN_SETTING` with the nearest key */
export async function settingInForce(
  repository: Repository,
  env: Environment,
  key: string,
): Promise<SettingValue> {
  return readSetting(await sources(repository, env), key);
}

async function sources(
  repository: Repository,
  env: Environment,
): Promise<Parameters<typeof listSettings>[0]> {
  const { documents } = repository;
  const [config, local] = await Promise.all([documents.read(CONFIG_PATH), documents.read(LOCAL_CONFIG_PATH)]);
  return { config, local, env };
}

export interface SettingChange {
  key: string;
  /** As typed; undefined goes back to the next weaker source. */
  text: string | undefined;
  /** Change this clone's local.json instead of config.json, which all clones share. */
  local: boolean;
}

/**
 * Changes one setting under the lock.
 * @returns the paths below the Git root that were written; local.json is ignored by Git and not among them
 * @throws UsageError `UNKNOWN_SETTING`, `CONFIG_INVALID`
 */
export async function changeSetting(
  repository: Repository,
  { key, text, local }: SettingChange,
): Promise<readonly string[]> {
  const change = (file: ConfigFile): ConfigFile =>
    text === undefined ? unsetSetting(file, key) : setSetting(file, key, text);
  // A bad key or value is said before anybody waits for the lock.
  change({});
  if (key === 'defaultRemote' && text !== undefined) {
    assertRemoteIn(repository.config, { name: text.trim(), local });
  }
  return changeConfig(repository, { local, purpose: `config ${key}`, change });
}

/** A default that names nothing would make every command fail that needs a remote. */
function assertRemoteIn({ remotes }: Config, { name, local }: { name: string; local: boolean }): void {
  const found = Object.hasOwn(remotes, name) ? remotes[name] : undefined;
  if (found === undefined) {
    const near = nearestNames(name, Object.keys(remotes));
    throw new UsageError('REMOTE_NOT_FOUND', `there is no remote "${printable(name)}"`, {
      hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : 'see `mlops remote list`',
    });
  }
  if (local || found.origin === 'config.json') return;
  throw new UsageError('REMOTE_NOT_SHARED', `the remote ${name} is known in this clone only`, {
    hint: `make it the default of this clone: mlops config set defaultRemote ${name} --local`,
  });
}

/** A value as a person would type it for `mlops config set`. */
export function settingText(value: JsonValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(settingText).join(',') : JSON.stringify(value);
}
