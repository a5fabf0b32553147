import { IntegrityError, type MlopsError } from '../../errors.ts';
import type { Restoring, Transferred } from '../../storage/artifact-transfer.ts';
import type { Repository } from '../repository/repository.ts';
import { fetchArtifacts, type FetchArtifactsOptions } from './fetch.ts';
import { namesByDigest, reportTransfer, type TransferReport } from './report.ts';
import { wantedArtifacts, type WantedArtifact } from './wanted.ts';

export interface FetchRequest extends Omit<
  FetchArtifactsOptions,
  'nameOf' | 'include' | 'repair' | 'restoring'
> {
  /** Versions, or paths of tracked data; empty for what stages hold, the latest of each model, and tracked data. */
  references: readonly string[];
  cwd: string;
  /** Every version. */
  all: boolean;
  /** The tracked data among it will be restored next: fetch nothing unless there is room for that too. `force` as `checkout` takes it. */
  thenRestore?: { force: boolean };
}

export interface FetchedWanted {
  report: TransferReport;
  /** What some artifacts lack on the remote; everything else is here. */
  problem: MlopsError | undefined;
}

/**
 * Brings versions and tracked data here. An artifact that the remote does not hold intact does not keep others from coming.
 * @throws as `wantedArtifacts` and `fetchArtifacts`, but for IntegrityError, which is returned
 */
export async function fetchWanted(repository: Repository, request: FetchRequest): Promise<FetchedWanted> {
  const { references, cwd, all, thenRestore, ...options } = request;
  const wanted = references.length > 0 ? references : all ? 'all' : 'current';
  const artifacts = await wantedArtifacts(repository, wanted, { cwd });
  const { name, url } = await repository.remote(options.remote);
  const place = { name, url, dryRun: options.dryRun === true };
  const digests = artifacts.map(({ digest }) => digest);
  try {
    const moved = await fetchArtifacts(repository, digests, {
      ...options,
      nameOf: namesByDigest(artifacts),
      ...(thenRestore === undefined
        ? {}
        : { restoring: { ...thenRestore, how: 'update', targets: dataOf(artifacts) } }),
    });
    return { report: reportTransfer(artifacts, moved, place), problem: undefined };
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return { report: reportTransfer(artifacts, NOTHING, place), problem: error };
  }
}

/** In the order of `checkout`. */
function dataOf(artifacts: readonly WantedArtifact[]): Restoring['targets'] {
  return artifacts
    .flatMap(({ data, digest, size }) => data.map((path) => ({ path, digest, size })))
    .toSorted((first, second) => (first.path < second.path ? -1 : 1));
}

const NOTHING: Transferred = {
  objects: { total: 0, transferred: 0, skipped: 0 },
  bytes: { total: 0, transferred: 0 },
  changed: [],
  absent: [],
};
