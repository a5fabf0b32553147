import type { Config, RemoteConfig } from '../../config/schema.ts';
import { UsageError } from '../../errors.ts';
import { nearestNames } from '../../lib/nearest.ts';
import { redactUrl } from '../../lib/redact-url.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { OpenRemote } from './repository.ts';

export interface ChosenRemote {
  name: string;
  settings: RemoteConfig;
  shown: Omit<OpenRemote, 'objects' | 'allow'>;
}

/**
 * What local.json remembers of a remote that this clone trusts: where the bytes would go, and whose credentials are used. A region
 * belongs to it where no endpoint is given, because a bucket name may have another owner in another part of AWS.
 */
export function remoteIdentity({ url, endpoint, region, profile }: RemoteConfig): string {
  const where = region === undefined ? '' : ` in ${region}`;
  // A name may hold anything, also what would read as a list in MLOPS_TRUST_REMOTES, or half a character.
  const whose = profile === undefined ? '' : ` as ${encodeURIComponent(Buffer.from(profile).toString())}`;
  const what = /^s3:/i.test(url) ? oneWord(url) : url;
  return `${what}${endpoint === undefined ? where : ` at ${oneWord(endpoint)}`}${whose}`;
}

/** So that no prefix of a bucket reads like the endpoint or the profile of another remote. */
function oneWord(url: string): string {
  return url.replaceAll(/\s/g, encodeURIComponent);
}

/**
 * Whether reading sends credentials of the person to a place, or ones of a profile, that a committed file chose. AWS itself with the
 * person's own choice of credentials, and a directory, get none from that file.
 */
export function choosesCredentials({ endpoint, profile }: RemoteConfig): boolean {
  return endpoint !== undefined || profile !== undefined;
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
