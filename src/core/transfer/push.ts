import type { PushOptions, Transferred } from '../../storage/artifact-transfer.ts';
import type { Repository } from '../repository/repository.ts';
import { assertWritable } from '../repository/format.ts';
import { relatedArtifacts } from './related.ts';
import { assertMayPush, type TrustOptions } from './trust.ts';

export interface PushArtifactsOptions extends PushOptions {
  /** Name of the remote; default the default one. */
  remote?: string | undefined;
  /** Who says that objects may be sent to a remote that only the shared configuration names. */
  trust: TrustOptions;
}

/**
 * Makes artifacts complete on a remote; see `ArtifactTransfer.push`.
 *
 * @param digests `sha256:` digests of artifacts; each is asked for and sent once
 * @throws UsageError `FORMAT_UNSUPPORTED`; as `Repository.remote`, `assertMayPush` and `ArtifactTransfer.push`
 */
export async function pushArtifacts(
  repository: Repository,
  digests: readonly string[],
  options: PushArtifactsOptions,
): Promise<Transferred> {
  const { remote: name, trust, ...transfer } = options;
  const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote(name)]);
  if (options.dryRun !== true) assertWritable(repository.unknownFeatures);
  // A dry run only asks, and `objects` sees to that; a yes on the command line counts for it, too.
  if (options.dryRun !== true) await assertMayPush(repository, remote, trust);
  else if (trust.yes) remote.allow();
  const related = options.related ?? (await relatedArtifacts(repository));
  return artifacts.transfer(remote.objects).push(digests, { ...transfer, related });
}
