import type { VerifiedRemote, VerifyRemoteOptions } from '../../storage/artifact-transfer.ts';
import type { Repository } from '../repository/repository.ts';

/**
 * Reads and hashes what a remote holds of artifacts. Damage is returned, its paths relative to the remote's root.
 *
 * @param digests `sha256:` digests of artifacts
 * @throws as `Repository.remote`; RemoteError
 */
export async function verifyOnRemote(
  repository: Repository,
  digests: readonly string[],
  options: VerifyRemoteOptions & { remote?: string | undefined } = {},
): Promise<VerifiedRemote & { remote: string }> {
  const { remote: name, ...verification } = options;
  const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote(name)]);
  const verified = await artifacts.transfer(remote.objects).verify(digests, verification);
  return { ...verified, remote: remote.name };
}
