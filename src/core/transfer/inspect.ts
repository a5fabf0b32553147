import type { RemoteState, TransferOptions } from '../../storage/artifact-transfer.ts';
import type { Repository } from '../repository/repository.ts';

export interface InspectRemoteOptions extends Omit<TransferOptions, 'dryRun'> {
  /** Name of the remote; default the default one. */
  remote?: string | undefined;
}

/**
 * Asks a remote what it holds of artifacts at this moment: layouts are read, of packs and manifests presence and size are asked for.
 *
 * @param digests `sha256:` digests of artifacts
 * @returns one state for each digest, in the order given
 * @throws as `Repository.remote`; RemoteError
 */
export async function inspectRemote(
  repository: Repository,
  digests: readonly string[],
  options: InspectRemoteOptions = {},
): Promise<readonly RemoteState[]> {
  const { remote: name, ...transfer } = options;
  const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote(name)]);
  return artifacts.transfer(remote.objects).inspect(digests, transfer);
}
