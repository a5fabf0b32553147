import { IntegrityError, UsageError } from '../errors.ts';
import type { JsonValue } from '../lib/canonical-json.ts';
import { nearestNames } from '../lib/nearest.ts';
import { parseJson } from '../lib/parse-json.ts';
import { printable } from '../lib/terminal-text.ts';
import { allowedDriftKeys, DriftSettings } from './drift-settings.ts';
import { describeIssues } from './issues.ts';
import {
  type Config,
  ConfigFile,
  DEFAULT_CONFIG,
  type Setting,
  SETTINGS,
  SharedConfigFile,
} from './schema.ts';
import { parseText } from './setting-text.ts';

const SHARED_FILE = '.mlops/config.json';

/** Where settings come from, the weakest first after the defaults. */
export interface ConfigSources {
  /** Bytes of `.mlops/config.json`; undefined when there is none. */
  config?: Uint8Array | undefined;
  /** Bytes of `.mlops/local.json`; undefined when there is none. */
  local?: Uint8Array | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

export type SettingOrigin = 'default' | 'config.json' | 'local.json' | 'environment';

export interface SettingValue {
  /** Dotted, such as `lock.timeoutSeconds`. */
  key: string;
  value: JsonValue;
  origin: SettingOrigin;
}

/**
 * The settings in force: defaults < config.json < local.json < environment.
 *
 * @throws UsageError `CONFIG_INVALID` with one problem a line; as `parseConfigFile`
 */
export function loadConfig(sources: ConfigSources): Config {
  const shared = parseConfigFile(sources.config, 'config.json');
  const own = parseConfigFile(sources.local, 'local.json');
  const values = new Map(listSettings(sources).map(({ key, value }) => [key, value]));
  const nested = (key: string): JsonValue | undefined => values.get(key);
  return {
    stages: valueOr(nested('stages'), DEFAULT_CONFIG.stages),
    git: { stage: valueOr(nested('git.stage'), DEFAULT_CONFIG.git.stage) },
    lock: { timeoutSeconds: valueOr(nested('lock.timeoutSeconds'), DEFAULT_CONFIG.lock.timeoutSeconds) },
    gc: { graceDays: valueOr(nested('gc.graceDays'), DEFAULT_CONFIG.gc.graceDays) },
    transfer: {
      timeoutSeconds: valueOr(nested('transfer.timeoutSeconds'), DEFAULT_CONFIG.transfer.timeoutSeconds),
      attempts: valueOr(nested('transfer.attempts'), DEFAULT_CONFIG.transfer.attempts),
    },
    hooks: {
      prePush: valueOr(nested('hooks.prePush'), DEFAULT_CONFIG.hooks.prePush),
      fetch: valueOr(nested('hooks.fetch'), DEFAULT_CONFIG.hooks.fetch),
      requireSavedData: valueOr(nested('hooks.requireSavedData'), DEFAULT_CONFIG.hooks.requireSavedData),
      allowedSecrets: valueOr(nested('hooks.allowedSecrets'), [...DEFAULT_CONFIG.hooks.allowedSecrets]),
    },
    drift: loadDrift(shared, own),
    ...loadRemotes(shared, own),
    ...loadTrust(own, sources.env[TRUST_VARIABLE] ?? ''),
  };
}

/** Not merged here: which of two settings of a column wins is a matter of the policy. */
function loadDrift(shared: ConfigFile, own: ConfigFile): Config['drift'] {
  const files = [
    { origin: 'config.json', settings: shared.drift },
    { origin: 'local.json', settings: own.drift },
  ] as const;
  return files.flatMap(({ origin, settings }) => (settings === undefined ? [] : [{ origin, settings }]));
}

/** A remote of this clone wins over the shared one of its name, so that nothing committed can redirect it. */
function loadRemotes(shared: ConfigFile, own: ConfigFile): Pick<Config, 'remotes' | 'defaultRemote'> {
  const remotes: Record<string, Config['remotes'][string]> = Object.create(null) as Record<string, never>;
  for (const [name, remote] of Object.entries(shared.remotes ?? {}))
    remotes[name] = { ...remote, origin: 'config.json' };
  for (const [name, remote] of Object.entries(own.remotes ?? {}))
    remotes[name] = { ...remote, origin: 'local.json' };
  const chosen = own.defaultRemote ?? shared.defaultRemote ?? onlyRemote(shared, own);
  return { remotes, ...(chosen === undefined ? {} : { defaultRemote: chosen }) };
}

function onlyRemote(shared: ConfigFile, own: ConfigFile): string | undefined {
  const names = new Set([...Object.keys(shared.remotes ?? {}), ...Object.keys(own.remotes ?? {})]);
  return names.size === 1 ? [...names][0] : undefined;
}

/** For CI, where nobody can be asked: `1`, or identities of remotes with commas between them. */
const TRUST_VARIABLE = 'MLOPS_TRUST_REMOTES';

function loadTrust(own: ConfigFile, variable: string): Pick<Config, 'trustedRemotes' | 'trustsEveryRemote'> {
  const named = variable.split(',').map((element) => element.trim());
  const every = named.length === 1 && named[0] === '1';
  return {
    trustedRemotes: [...(own.trustedRemotes ?? []), ...(every ? [] : named.filter((name) => name !== ''))],
    trustsEveryRemote: every,
  };
}

/** Every value in the map passed the schema of its setting or is the default itself, so the types agree. */
function valueOr<Value extends JsonValue>(value: JsonValue | undefined, fallback: Value): Value {
  return value === undefined ? fallback : (value as Value);
}

/** Every setting with the value in force and where it comes from, in the order of the documentation. */
export function listSettings({ config, local, env }: ConfigSources): SettingValue[] {
  const shared = parseConfigFile(config, 'config.json');
  const own = parseConfigFile(local, 'local.json');
  return Object.entries(SETTINGS).map(([key, setting]) => {
    const variable = setting.variable === undefined ? undefined : env[setting.variable];
    if (variable !== undefined && variable !== '') {
      const value = parseText(setting, variable, setting.variable ?? key);
      return { key, value, origin: 'environment' };
    }
    const fromLocal = valueAt(own, key);
    if (fromLocal !== undefined) return { key, value: fromLocal, origin: 'local.json' };
    const fromShared = valueAt(shared, key);
    if (fromShared !== undefined) return { key, value: fromShared, origin: 'config.json' };
    const fallback = key === 'defaultRemote' ? onlyRemote(shared, own) : valueAt(DEFAULT_CONFIG, key);
    return { key, value: fallback ?? setting.fallback ?? null, origin: 'default' };
  });
}

/** One setting with the value in force. @throws UsageError `UNKNOWN_SETTING` */
export function readSetting(sources: ConfigSources, key: string): SettingValue {
  settingOf(key);
  const found = listSettings(sources).find((setting) => setting.key === key);
  if (found === undefined) throw unknownSetting(key);
  return found;
}

/**
 * The file with one setting changed; the file passed in stays as it is.
 *
 * @param text as typed: `true`, `12.5`, `staging,production`
 * @throws UsageError `UNKNOWN_SETTING`, `CONFIG_INVALID`
 */
export function setSetting(file: ConfigFile, key: string, text: string): ConfigFile {
  const value = parseText(settingOf(key), text, key);
  return ConfigFile.parse(withValue({ schema: 'mlops.config/1', ...file }, key.split('.'), value));
}

/** The file without one setting, so that the next weaker source decides. @throws UsageError `UNKNOWN_SETTING` */
export function unsetSetting(file: ConfigFile, key: string): ConfigFile {
  settingOf(key);
  return ConfigFile.parse(withValue({ ...file }, key.split('.'), undefined));
}

/**
 * An absent file is an empty one.
 * @throws IntegrityError `JSON_INVALID` for what is no JSON; ConflictError `MERGE_CONFLICT`; UsageError `CONFIG_INVALID` for JSON that
 * says what no setting is
 */
export function parseConfigFile(
  bytes: Uint8Array | undefined,
  file: 'config.json' | 'local.json',
): ConfigFile {
  if (bytes === undefined) return {};
  const source = file === 'config.json' ? SHARED_FILE : `.mlops/${file}`;
  const schema = file === 'config.json' ? SharedConfigFile : ConfigFile;
  const value = parseDocument(bytes, source);
  if (isUntouched(value)) return value;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const lines = describeIssues(parsed.error, CONFIG_WORDS).map((line) => `${source}: ${line}`);
  throw new UsageError('CONFIG_INVALID', lines.join('\n'), {
    hint: 'correct the file, or see `mlops config list` for the settings there are',
  });
}

/**
 * The file of `mlops drift --config`: what the section `drift` of a configuration holds, or a whole configuration of which that section
 * is read and nothing else may be there.
 *
 * @param source the path as typed, for messages
 * @throws UsageError `CONFIG_INVALID`
 */
export function parseDriftFile(bytes: Uint8Array, source: string): DriftSettings {
  const value = parseOrExplain(bytes, source);
  const isWhole = typeof value === 'object' && value !== null && Object.hasOwn(value, 'drift');
  const schema = isWhole ? SharedConfigFile.unwrap().pick({ schema: true, drift: true }) : DriftSettings;
  const parsed = schema.safeParse(value);
  if (parsed.success)
    return isWhole ? ((parsed.data as ConfigFile).drift ?? {}) : (parsed.data as DriftSettings);
  const words = {
    allowedKeys: (path: readonly string[]): readonly string[] => {
      if (!isWhole) return allowedDriftKeys(path);
      return path.length === 0 ? ['schema', 'drift'] : allowedDriftKeys(path.slice(1));
    },
  };
  const lines = describeIssues(parsed.error, words).map((line) => `${printable(source)}: ${line}`);
  throw new UsageError('CONFIG_INVALID', lines.join('\n'), {
    hint: 'it holds what the section `drift` of .mlops/config.json may hold',
  });
}

/** As `mlops init` writes it. Known without the schema, which takes longer to build than `list` takes to run. */
function isUntouched(value: unknown): value is ConfigFile {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([key, member]) => key === 'schema' && member === 'mlops.config/1');
}

/** Data may have columns of these names, which are no keys of JSON that this program reads. */
const LIST_HINT = /the key "(?:__proto__|constructor|prototype)" is not allowed$/;
const IN_A_LIST = '; a column of that name is written in a list: "columns": [{"column": "constructor", ...}]';

/** What lies below `.mlops` and is no JSON is damage, as for every other document there; people edit this one, too. */
function parseDocument(bytes: Uint8Array, source: string): unknown {
  try {
    return parseJson(bytes, { source });
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    const restore = source === SHARED_FILE ? `, or restore it: git checkout HEAD -- ${source}` : '';
    throw new IntegrityError(error.code, error.message, {
      cause: error,
      hint: `correct ${source}${listHint(error)}${restore}`,
    });
  }
}

/** A file that somebody names on the command line: a syntax error is theirs to correct, not damage. */
function parseOrExplain(bytes: Uint8Array, source: string): unknown {
  try {
    return parseJson(bytes, { source });
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    throw new UsageError('CONFIG_INVALID', error.message, {
      cause: error,
      hint: `correct ${printable(source)}${listHint(error)}`,
    });
  }
}

function listHint({ message }: Error): string {
  return LIST_HINT.test(message) ? IN_A_LIST : '';
}

const CONFIG_WORDS = {
  allowedKeys,
  aboutKey: (path: readonly string[], key: string): string | undefined =>
    path.length === 0 && key === 'trustedRemotes'
      ? 'trustedRemotes: belongs into .mlops/local.json: a shared file can not vouch for the remotes it names'
      : undefined,
};

/** The keys of the object at a path, the root being the empty path. */
function allowedKeys(path: readonly string[]): readonly string[] {
  const prefix = path.map((part) => `${part}.`).join('');
  if (path[0] === 'drift') return allowedDriftKeys(path.slice(1));
  if (path[0] === 'remotes') return ['url', 'endpoint', 'region', 'profile', 'pathStyle'];
  const keys = path.length === 0 ? ['schema', 'remotes'] : [];
  for (const key of Object.keys(SETTINGS)) {
    const next = key.startsWith(prefix) ? key.slice(prefix.length).split('.')[0] : undefined;
    if (next !== undefined && !keys.includes(next)) keys.push(next);
  }
  return keys.toSorted();
}

function settingOf(key: string): Setting {
  const setting = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
  if (setting === undefined) throw unknownSetting(key);
  return setting;
}

function unknownSetting(key: string): UsageError {
  const near = nearestNames(key, Object.keys(SETTINGS));
  return new UsageError('UNKNOWN_SETTING', `there is no setting "${printable(key)}"`, {
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : 'see `mlops config list`',
  });
}

function valueAt(root: object, key: string): JsonValue | undefined {
  let value: unknown = root;
  for (const part of key.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value as JsonValue | undefined;
}

/** A copy in which the value at a path is another one, or gone; an object that became empty goes too. */
function withValue(
  object: Readonly<Record<string, unknown>>,
  path: readonly string[],
  value: JsonValue | undefined,
): Record<string, unknown> {
  const [first = '', ...rest] = path;
  const { [first]: old, ...others } = object;
  if (rest.length === 0) return value === undefined ? others : { ...others, [first]: value };
  const inner = typeof old === 'object' && old !== null ? (old as Record<string, unknown>) : {};
  const changed = withValue(inner, rest, value);
  return Object.keys(changed).length === 0 ? others : { ...others, [first]: changed };
}
