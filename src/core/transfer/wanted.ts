import { listModels, liveVersions, loadModel, type VersionState } from '../registry/model-state.ts';
import { resolveVersion } from '../registry/resolve-version.ts';
import type { Repository } from '../repository/repository.ts';

/** An artifact that documents of the repository name. */
export interface WantedArtifact {
  /** `sha256:<64 hex>`. */
  readonly digest: string;
  /** Who wants it: `<model>@<version>`, or the path of tracked data. */
  readonly names: readonly string[];
  /** Bytes of its files. */
  readonly size: number;
  readonly files: number;
}

/**
 * `all`: every version that was not deleted, and tracked data. `current`: of each model the versions that stages hold and the
 * latest one, and tracked data. Else these references.
 */
export type Wanted = 'all' | 'current' | readonly string[];

/**
 * Artifacts that the documents of the work tree need, each digest once, sorted by the first of its names.
 * @throws as `resolveVersion` for a reference that names nothing; the first problem of a model that can't be read
 */
export async function wantedArtifacts(repository: Repository, wanted: Wanted): Promise<WantedArtifact[]> {
  const versions: VersionState[] = [];
  if (typeof wanted === 'string') {
    for (const model of await listModels(repository.documents)) {
      const live = liveVersions(await loadModel(repository, model));
      versions.push(
        ...live.filter(({ stages }, index) => wanted === 'all' || index === 0 || stages.length > 0),
      );
    }
  } else {
    for (const reference of wanted) versions.push((await resolveVersion(repository, reference)).version);
  }
  const byDigest = new Map<string, WantedArtifact>();
  for (const { record } of versions) {
    const { digest, size, files } = record;
    const name = `${record.model}@${record.version}`;
    const known = byDigest.get(digest)?.names ?? [];
    const names = known.includes(name) ? known : [...known, name];
    byDigest.set(digest, { digest, size, files, names });
  }
  return [...byDigest.values()];
}
