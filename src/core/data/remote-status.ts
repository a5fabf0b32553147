import { inspectRemote } from '../transfer/inspect.ts';
import { wantedArtifacts } from '../transfer/wanted.ts';
import type { Repository } from '../repository/repository.ts';

export interface RemoteStatus {
  name: string;
  url: string;
  /** Artifacts that were asked for: of every version and of all tracked data. */
  checked: number;
  missing: { digest: string; names: string[]; state: 'absent' | 'incomplete' | 'damaged'; size: number }[];
}

/**
 * Whether a fresh clone could restore everything from a remote, as the remote says itself at this moment.
 * @throws as `wantedArtifacts` and `inspectRemote`
 */
export async function remoteStatus(
  repository: Repository,
  { remote, signal }: { remote: string | undefined; signal: AbortSignal },
): Promise<RemoteStatus> {
  const { name, url } = await repository.remote(remote);
  const wanted = await wantedArtifacts(repository, 'all');
  const states = await inspectRemote(
    repository,
    wanted.map(({ digest }) => digest),
    { remote, signal },
  );
  const missing: RemoteStatus['missing'] = [];
  for (const [place, { digest, names, size }] of wanted.entries()) {
    const state = states[place]?.state ?? 'absent';
    if (state !== 'complete') missing.push({ digest, names: [...names], state, size });
  }
  return { name, url, checked: wanted.length, missing };
}
