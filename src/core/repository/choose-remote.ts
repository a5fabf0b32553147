import type { Config, RemoteConfig } from '../../config/schema.ts';
import { UsageError } from '../../errors.ts';
import { nearestNames } from '../../lib/nearest.ts';
import { redactUrl } from '../../lib/redact-url.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { OpenRemote } from './repository.ts';

export interface ChosenRemote {
  name: string;
  settings: RemoteConfig;
  shown: Omit<OpenRemote, 'objects'>;
}

/**
 * What local.json remembers of a remote that this clone may write to: where the bytes would go. A region belongs to it where no
 * endpoint is given, because a bucket name may have another owner in another part of AWS.
 */
export function remoteIdentity({ url, endpoint, region }: RemoteConfig): string {
  if (endpoint !== undefined) return `${url} at ${endpoint}`;
  return region === undefined ? url : `${url} in ${region}`;
}

/**
 * The remote of that name, else the default one.
 * @throws UsageError `REMOTE_NOT_FOUND`, `NO_REMOTE`
 */
export function chooseRemote(config: Config, name: string | undefined): ChosenRemote {
  const { remotes, defaultRemote, trustedRemotes, trustsEveryRemote } = config;
  const names = Object.keys(remotes);
  const wanted = name ?? defaultRemote;
  if (wanted === undefined) {
    throw names.length === 0
      ? new UsageError('NO_REMOTE', 'no remote is configured', {
          hint: 'add one: mlops remote add origin s3://<bucket>/<prefix>',
        })
      : new UsageError('NO_REMOTE', `there are ${names.length} remotes and none is the default`, {
          hint: `name one with --remote, or choose: mlops config set defaultRemote ${names[0]}`,
        });
  }
  const found = Object.hasOwn(remotes, wanted) ? remotes[wanted] : undefined;
  if (found === undefined) {
    const near = nearestNames(wanted, names);
    throw new UsageError('REMOTE_NOT_FOUND', `there is no remote "${printable(wanted)}"`, {
      hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : 'see `mlops remote list`',
    });
  }
  const { origin, ...settings } = found;
  const url = redactUrl(settings.url);
  const endpoint = settings.endpoint === undefined ? undefined : redactUrl(settings.endpoint);
  return {
    name: wanted,
    settings,
    shown: {
      name: wanted,
      url,
      description: printable(endpoint === undefined ? url : `${url} at ${endpoint}`),
      trusted:
        trustsEveryRemote || origin === 'local.json' || trustedRemotes.includes(remoteIdentity(settings)),
    },
  };
}
