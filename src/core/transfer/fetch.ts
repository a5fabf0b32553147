import type { FetchOptions, Transferred } from '../../storage/artifact-transfer.ts';
import { assertWritable } from '../repository/format.ts';
import type { Repository } from '../repository/repository.ts';

export interface FetchArtifactsOptions extends FetchOptions {
  /** Name of the remote; default the default one. */
  remote?: string | undefined;
}

/**
 * Brings what is missing here of artifacts; see `ArtifactTransfer.fetch`.
 *
 * @param digests `sha256:` digests of artifacts
 * @throws UsageError `FORMAT_UNSUPPORTED`; as `Repository.remote` and `ArtifactTransfer.fetch`
 */
export async function fetchArtifacts(
  repository: Repository,
  digests: readonly string[],
  options: FetchArtifactsOptions = {},
): Promise<Transferred> {
  const { remote: name, ...transfer } = options;
  if (options.dryRun !== true) assertWritable(repository.unknownFeatures);
  const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote(name)]);
  return artifacts.transfer(remote.objects).fetch(digests, transfer);
}
