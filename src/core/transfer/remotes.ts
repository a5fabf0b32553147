import { join, sep } from 'node:path';
import { parseRemote } from '../../config/remote-url.ts';
import type { ConfigFile, RemoteConfig } from '../../config/schema.ts';
import { ConflictError, MlopsError, UsageError } from '../../errors.ts';
import { redactUrl } from '../../lib/redact-url.ts';
import { printable } from '../../lib/terminal-text.ts';
import { changeConfig } from '../repository/change-config.ts';
import { chooseRemote, remoteIdentity } from '../repository/choose-remote.ts';
import { MLOPS_DIRECTORY } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { rememberTrust } from './trust.ts';

export interface AddRemoteRequest {
  name: string;
  settings: RemoteConfig;
  /** Make it the one that is meant when none is named. */
  makeDefault: boolean;
  /** For this clone only. */
  local: boolean;
  /** Makes what has to be there before the first use. */
  prepare(settings: RemoteConfig): Promise<void>;
}

export interface AddedRemote {
  /** Paths below the Git root that were written. */
  written: readonly string[];
  /** False when it was configured like that already. */
  added: boolean;
}

/**
 * Adds a remote. Whoever types its URL trusts it with that.
 *
 * @throws UsageError `REMOTE_URL_INVALID`; ConflictError `REMOTE_EXISTS`; what `prepare` throws, and then nothing is configured
 */
export async function addRemote(
  repository: Repository,
  { name, settings, makeDefault, local, prepare }: AddRemoteRequest,
): Promise<AddedRemote> {
  const place = parseRemote(settings);
  if (place.kind === 'directory') assertOutside(repository.root, place.path);
  const known = Object.hasOwn(repository.config.remotes, name) ? repository.config.remotes[name] : undefined;
  // A remote of this clone may stand before a shared one of its name; that is what --local is for.
  if (known !== undefined && !(local && known.origin === 'config.json')) assertSame(name, known, settings);
  await prepare(settings);
  await rememberTrust(repository, remoteIdentity(settings));
  let added = false;
  const written = await changeConfig(repository, {
    local,
    purpose: `remote add ${name}`,
    change: (file) => {
      const remotes = { ...file.remotes };
      const before = Object.hasOwn(remotes, name) ? remotes[name] : undefined;
      if (before !== undefined) assertSame(name, before, settings);
      added = before === undefined;
      remotes[name] = settings;
      return {
        schema: 'mlops.config/1',
        ...file,
        remotes,
        ...(makeDefault ? { defaultRemote: name } : {}),
      };
    },
  });
  return { written, added };
}

/** What lies in `.mlops` goes with the clone, or Git takes it for documents: neither is a second place. */
function assertOutside(root: string, path: string): void {
  const own = join(root, MLOPS_DIRECTORY);
  if (path !== own && !path.startsWith(`${own}${sep}`)) return;
  throw new UsageError(
    'REMOTE_URL_INVALID',
    `${printable(path)}: a remote can not lie in ${MLOPS_DIRECTORY}`,
    {
      hint: 'name a directory elsewhere, best on another disk or machine',
    },
  );
}

function assertSame(name: string, known: RemoteConfig, settings: RemoteConfig): void {
  const keys = ['url', 'endpoint', 'region', 'profile', 'pathStyle'] as const;
  const different = keys.find((key) => known[key] !== settings[key]);
  if (different === undefined) return;
  throw new ConflictError(
    'REMOTE_EXISTS',
    `there is a remote "${name}" already, with another ${different}: ${printable(redactUrl(String(known[different] ?? 'none')))}`,
    {
      hint: `choose another name, or take that one away first: mlops remote remove ${name}`,
      retryable: false,
    },
  );
}

export interface RemoteSummary {
  name: string;
  url: string;
  endpoint: string | null;
  region: string | null;
  profile: string | null;
  origin: 'config.json' | 'local.json';
  isDefault: boolean;
  trusted: boolean;
  /** What `MLOPS_TRUST_REMOTES` and local.json call it. */
  identity: string;
  /** Why it can't be used; null when its settings are in order. */
  problem: string | null;
}

/** Every configured remote, by name. Asks none of them. */
export function listRemotes({ config }: Repository): RemoteSummary[] {
  return Object.keys(config.remotes)
    .toSorted()
    .map((name) => {
      const { settings, shown } = chooseRemote(config, name);
      const { endpoint, region, profile } = settings;
      return {
        name,
        url: shown.url,
        endpoint: endpoint === undefined ? null : redactUrl(endpoint),
        region: region ?? null,
        profile: profile ?? null,
        origin: config.remotes[name]?.origin ?? 'config.json',
        isDefault: name === config.defaultRemote,
        trusted: shown.trusted,
        identity: remoteIdentity({
          ...settings,
          url: shown.url,
          ...(endpoint === undefined ? {} : { endpoint: redactUrl(endpoint) }),
        }),
        problem: problemOf(settings),
      };
    });
}

function problemOf(settings: RemoteConfig): string | null {
  try {
    parseRemote(settings);
    return null;
  } catch (error) {
    if (error instanceof MlopsError) return error.message;
    throw error;
  }
}

/**
 * Forgets a remote, and that it was trusted. What it holds stays where it is.
 *
 * @param request.local only what this clone has of its own; a shared remote of the name is in force again
 * @returns the paths below the Git root that were written
 * @throws UsageError `REMOTE_NOT_FOUND`
 */
export async function removeRemote(
  repository: Repository,
  { name, local }: { name: string; local: boolean },
): Promise<readonly string[]> {
  const { settings } = chooseRemote(repository.config, name);
  const identity = remoteIdentity(settings);
  const purpose = `remote remove ${name}`;
  await changeConfig(repository, {
    local: true,
    purpose,
    change: (file) => {
      const { trustedRemotes, ...rest } = without(file, name);
      const trusted = trustedRemotes?.filter((each) => each !== identity) ?? [];
      return trusted.length === 0 ? rest : { ...rest, trustedRemotes: trusted };
    },
  });
  return local
    ? []
    : changeConfig(repository, { local: false, purpose, change: (file) => without(file, name) });
}

function without({ remotes = {}, defaultRemote, ...file }: ConfigFile, name: string): ConfigFile {
  const others = Object.entries(remotes).filter(([each]) => each !== name);
  return {
    schema: 'mlops.config/1',
    ...file,
    ...(others.length === 0 ? {} : { remotes: Object.fromEntries(others) }),
    ...(defaultRemote === undefined || defaultRemote === name ? {} : { defaultRemote }),
  };
}
