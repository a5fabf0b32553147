import {
  listSettings,
  parseConfigFile,
  readSetting,
  setSetting,
  unsetSetting,
  type SettingValue,
} from '../../config/load.ts';
import type { ConfigFile } from '../../config/schema.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import { encodeDocument } from './document.ts';
import { assertWritable } from './format.ts';
import { CONFIG_PATH, gitPath, LOCAL_CONFIG_PATH } from './layout.ts';
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
  assertWritable(repository.unknownFeatures);
  const path = local ? LOCAL_CONFIG_PATH : CONFIG_PATH;
  const change = (file: ConfigFile): ConfigFile =>
    text === undefined ? unsetSetting(file, key) : setSetting(file, key, text);
  // A bad key or value is said before anybody waits for the lock.
  change({});
  const lock = await repository.lock.acquire(`config ${key}`);
  try {
    const before = await repository.documents.read(path);
    const bytes = encodeDocument(change(parseConfigFile(before, gitPath(path))));
    if (before !== undefined && Buffer.compare(before, bytes) === 0) return [];
    await lock.assertHeld();
    await repository.documents.write(path, bytes);
    return local ? [] : [gitPath(path)];
  } finally {
    await lock.release();
  }
}

/** A value as a person would type it for `mlops config set`. */
export function settingText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(settingText).join(',') : JSON.stringify(value);
}
