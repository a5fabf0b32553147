import type { PushOptions, Transferred } from '../../storage/artifact-transfer.ts';
import type { Repository } from '../repository/repository.ts';

export interface PushArtifactsOptions extends PushOptions {
  /** Name of the remote; default the default one. */
  remote?: string | undefined;
}

/**
 * Makes artifacts complete on a remote; see `ArtifactTransfer.push`.
 *
 * @param digests `sha256:` digests of artifacts; each is asked for and sent once
 * @throws as `Repository.remote` and `ArtifactTransfer.push`
 */
export async function pushArtifacts(
  repository: Repository,
  digests: readonly string[],
  options: PushArtifactsOptions = {},
): Promise<Transferred> {
  const { remote: name, ...transfer } = options;
  const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote(name)]);
  return artifacts.transfer(remote.objects).push(digests, transfer);
}
