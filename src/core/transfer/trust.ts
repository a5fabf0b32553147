import { RefusedError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { changeConfig } from '../repository/change-config.ts';
import { chooseRemote, choosesCredentials, remoteIdentity } from '../repository/choose-remote.ts';
import type { OpenRemote, Repository } from '../repository/repository.ts';

export interface TrustOptions {
  /** The person said so on the command line; counts for this command only. */
  yes: boolean;
  /** Asks the person; undefined when nobody can be asked. */
  confirm(question: string): Promise<boolean | undefined>;
}

/**
 * Nothing is written to a place that only a committed file names until the person at this clone agrees: a stranger's repository
 * could name a bucket of theirs. A yes to the question is remembered in local.json.
 *
 * @throws RefusedError `REMOTE_NOT_TRUSTED` with the command that trusts it
 */
export async function assertMayPush(
  repository: Repository,
  remote: OpenRemote,
  { yes, confirm }: TrustOptions,
): Promise<void> {
  if (remote.trusted) return;
  const answer =
    yes ||
    (await confirm(
      `The remote "${remote.name}" (${remote.description}) comes from the shared configuration. Send objects there${withCredentials(repository, remote.name)}?`,
    ));
  if (answer === true) {
    remote.allow();
    if (!yes) await trustRemote(repository, remote.name);
    return;
  }
  throw new RefusedError(
    'REMOTE_NOT_TRUSTED',
    `the remote "${remote.name}" (${remote.description}) is named by the shared configuration only, and ${whyNot(answer)}; nothing was sent`,
    { hint: `add --yes for this time, or trust it in this clone: mlops remote trust ${remote.name}` },
  );
}

/**
 * What `OpenRemote.objects` asks before its first request: a committed file chose to which host, or with which profile, this person's
 * credentials go. A yes is remembered in local.json, so that the next command and a push do not ask again.
 *
 * @throws RefusedError `REMOTE_NOT_TRUSTED` with the command that trusts it
 */
export async function assertMayRead(
  repository: Repository,
  { name, description }: Pick<OpenRemote, 'name' | 'description'>,
  confirm: TrustOptions['confirm'],
): Promise<void> {
  const whose = withCredentials(repository, name);
  const answer = await confirm(
    `The remote "${name}" (${description}) comes from the shared configuration. Trust it, and talk to it${whose}?`,
  );
  if (answer === true) {
    // A repository that a newer program wrote can be read and not changed; it asks again then.
    if (repository.unknownFeatures.length === 0) await trustRemote(repository, name);
    return;
  }
  throw new RefusedError(
    'REMOTE_NOT_TRUSTED',
    `the remote "${name}" (${description}) is named by the shared configuration only, to be talked to${whose.slice(1)}, and ${whyNot(answer)}; nothing was sent`,
    {
      hint: `if you know it, trust it in this clone: mlops remote trust ${name}; in CI name it in MLOPS_TRUST_REMOTES`,
    },
  );
}

/** @param answer undefined when nobody could be asked */
function whyNot(answer: boolean | undefined): string {
  return answer === undefined ? 'nobody can be asked here' : 'the answer was no';
}

/** Whose credentials a remote is talked to with, as the end of a sentence; a directory needs none. */
function withCredentials(repository: Repository, name: string): string {
  const { url, profile } = chooseRemote(repository.config, name).settings;
  if (profile !== undefined) return `, with the credentials of your profile "${printable(profile)}"`;
  return /^s3:/i.test(url) ? ', with your credentials' : '';
}

/**
 * Nothing is read with this person's credentials from an endpoint or a directory that only another repository names, until the
 * person agrees. AWS itself, which an `s3://` address without an endpoint means, needs no word unless a profile is named.
 *
 * @throws RefusedError `REMOTE_NOT_TRUSTED`; UsageError `REMOTE_NOT_FOUND`, `NO_REMOTE`
 */
export async function assertMayFetchFrom(
  repository: Repository,
  name: string | undefined,
  { yes, confirm }: TrustOptions,
): Promise<void> {
  const { settings, shown } = chooseRemote(repository.config, name);
  const isAws = /^s3:/i.test(settings.url) && !choosesCredentials(settings);
  if (shown.trusted || isAws) return;
  const answer =
    yes ||
    (await confirm(
      `That repository keeps its objects in ${shown.description}. Read from there${withCredentials(repository, shown.name)}?`,
    ));
  if (answer === true) {
    (await repository.remote(shown.name)).allow();
    return;
  }
  throw new RefusedError(
    'REMOTE_NOT_TRUSTED',
    `the objects are in ${shown.description}, which only that repository names, and ${whyNot(answer)}; nothing was read from there`,
    { hint: 'to read from there this time: --yes' },
  );
}

/**
 * Remembers in local.json that this clone trusts the remote as it is configured now.
 * @returns its identity, which another URL, endpoint, region or profile does not share
 * @throws UsageError `REMOTE_NOT_FOUND`
 */
export async function trustRemote(repository: Repository, name: string): Promise<string> {
  const { settings } = chooseRemote(repository.config, name);
  const identity = remoteIdentity(settings);
  await rememberTrust(repository, identity);
  return identity;
}

/** @param identity see `remoteIdentity` */
export async function rememberTrust(repository: Repository, identity: string): Promise<void> {
  await changeConfig(repository, {
    local: true,
    purpose: 'remote trust',
    change: (file) => ({
      schema: 'mlops.config/1',
      ...file,
      trustedRemotes: [...new Set([...(file.trustedRemotes ?? []), identity])].toSorted(),
    }),
  });
}
