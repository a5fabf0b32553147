import { artifactsOfAllBranches } from './elsewhere.ts';
import { pushArtifacts, type PushArtifactsOptions } from './push.ts';
import { namesByDigest, reportTransfer, type ReportedArtifact, type TransferReport } from './report.ts';
import { wantedArtifacts } from './wanted.ts';
import type { Repository } from '../repository/repository.ts';

export interface PushRequest extends Omit<PushArtifactsOptions, 'nameOf' | 'passOverAbsent' | 'related'> {
  /** Versions, or paths of tracked data; empty for everything that the work tree's documents name. */
  references: readonly string[];
  cwd: string;
  /** Also what other branches, tags and stash entries name. */
  all: boolean;
}

/**
 * Brings versions and tracked data to a remote. What a reference names, a stage holds or is tracked data of the work tree has to be
 * complete here or there; of everything else, what nobody has is passed over and reported as absent.
 *
 * @throws as `wantedArtifacts` and `pushArtifacts`
 */
export async function pushWanted(repository: Repository, request: PushRequest): Promise<TransferReport> {
  const { references, cwd, all, ...options } = request;
  const named = references.length > 0;
  const wanted = await wantedArtifacts(repository, named ? references : 'all', { cwd });
  const required = new Set(
    wanted.filter(({ staged, data }) => named || staged || data.length > 0).map(({ digest }) => digest),
  );
  const artifacts: ReportedArtifact[] = [...wanted];
  if (all) {
    const known = new Set(artifacts.map(({ digest }) => digest));
    for (const [digest, names] of await artifactsOfAllBranches(repository))
      if (!known.has(digest)) artifacts.push({ digest, names, versions: [], data: [] });
  }
  const { name, url } = await repository.remote(options.remote);
  const digests = artifacts.map(({ digest }) => digest);
  const moved = await pushArtifacts(repository, digests, {
    ...options,
    passOverAbsent: (digest) => !required.has(digest),
    nameOf: namesByDigest(artifacts),
  });
  return reportTransfer(artifacts, moved, { name, url, dryRun: options.dryRun === true });
}
