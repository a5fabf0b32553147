import { RefusedError } from '../../errors.ts';
import { changeConfig } from '../repository/change-config.ts';
import { chooseRemote, remoteIdentity } from '../repository/choose-remote.ts';
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
  if (remote.trusted || yes) return;
  const answer = await confirm(
    `The remote "${remote.name}" (${remote.description}) comes from the shared configuration. Send objects there?`,
  );
  if (answer === true) {
    await trustRemote(repository, remote.name);
    return;
  }
  const why = answer === undefined ? 'nobody can be asked here' : 'the answer was no';
  throw new RefusedError(
    'REMOTE_NOT_TRUSTED',
    `the remote "${remote.name}" (${remote.description}) is named by the shared configuration only, and ${why}; nothing was sent`,
    { hint: `add --yes for this time, or trust it in this clone: mlops remote trust ${remote.name}` },
  );
}

/**
 * Nothing is read with this person's credentials from an endpoint or a directory that only another repository names, until the
 * person agrees. AWS itself, which an `s3://` address without an endpoint means, needs no word.
 *
 * @throws RefusedError `REMOTE_NOT_TRUSTED`; UsageError `REMOTE_NOT_FOUND`, `NO_REMOTE`
 */
export async function assertMayFetchFrom(
  repository: Repository,
  name: string | undefined,
  { yes, confirm }: TrustOptions,
): Promise<void> {
  const { settings, shown } = chooseRemote(repository.config, name);
  const isAws = settings.url.startsWith('s3://') && settings.endpoint === undefined;
  if (shown.trusted || yes || isAws) return;
  const answer = await confirm(
    `That repository keeps its objects in ${shown.description}. Read from there, with your credentials?`,
  );
  if (answer === true) return;
  const why = answer === undefined ? 'nobody can be asked here' : 'the answer was no';
  throw new RefusedError(
    'REMOTE_NOT_TRUSTED',
    `the objects are in ${shown.description}, which only that repository names, and ${why}; nothing was read from there`,
    { hint: 'to read from there this time: --yes' },
  );
}

/**
 * Remembers in local.json that this clone may write to the remote as it is configured now.
 * @returns its identity, which another URL, endpoint or region does not share
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
