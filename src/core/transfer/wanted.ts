import { MlopsError } from '../../errors.ts';
import type { DataPointer } from '../data/pointer.ts';
import { selectPointers, typedPaths } from '../data/place.ts';
import { loadPointers, type LoadedPointers } from '../data/pointers.ts';
import { listModels, liveVersions, loadModel, type VersionState } from '../registry/model-state.ts';
import { ModelName } from '../registry/names.ts';
import { profileName } from '../registry/reference-profile.ts';
import { resolveVersion } from '../registry/resolve-version.ts';
import type { Repository } from '../repository/repository.ts';

/** An artifact that documents of the repository name. */
export interface WantedArtifact {
  /** `sha256:<64 hex>`. */
  readonly digest: string;
  /** Who wants it: `<model>@<version>` (of its reference profile with these words), or the path of tracked data. */
  readonly names: readonly string[];
  /** Bytes of its files. */
  readonly size: number;
  readonly files: number;
  readonly versions: readonly { readonly model: string; readonly version: string }[];
  /** Paths of tracked data. */
  readonly data: readonly string[];
  /** A stage holds one of the versions. */
  readonly staged: boolean;
}

/**
 * `all`: every version that was not deleted, and tracked data. `current`: of each model the versions that stages hold and the
 * latest one, and tracked data. Else these references to versions, or paths at or above tracked data.
 */
export type Wanted = 'all' | 'current' | readonly string[];

/**
 * Artifacts that the documents of the work tree need, each digest once.
 * @param options.cwd where relative paths of tracked data start; default the Git root
 * @throws as `resolveVersion` for a reference that names nothing, as `selectPointers` for a path, and for what can't be read of tracked data
 */
export async function wantedArtifacts(
  repository: Repository,
  wanted: Wanted,
  options: { cwd?: string } = {},
): Promise<WantedArtifact[]> {
  const { pointers, problems } = await loadPointers(repository.documents);
  const versions: VersionState[] = [];
  const data: DataPointer[] = [];
  if (typeof wanted === 'string') {
    if (problems[0] !== undefined) throw problems[0].error;
    data.push(...pointers);
    for (const model of await listModels(repository.documents)) {
      const live = liveVersions(await loadModel(repository, model));
      versions.push(
        ...live.filter(({ stages }, index) => wanted === 'all' || index === 0 || stages.length > 0),
      );
    }
  } else {
    const models = new Set(await listModels(repository.documents));
    for (const reference of wanted) {
      if (isModel(reference, models) || reference.startsWith('sha256:')) {
        versions.push((await resolveVersion(repository, reference)).version);
        continue;
      }
      const tracked = await trackedAt(repository, { reference, cwd: options.cwd ?? repository.root });
      if (tracked.problems[0] !== undefined) throw tracked.problems[0].error;
      data.push(...tracked.pointers);
      if (tracked.pointers.length === 0) versions.push((await resolveVersion(repository, reference)).version);
    }
  }
  return collect(versions, data);
}

function isModel(reference: string, models: ReadonlySet<string>): boolean {
  return ModelName.safeParse(reference).success && models.has(reference);
}

/** What is tracked at or below a path, as typed. @throws UsageError `PATH_NOT_TRACKED` for what can be nothing but a path */
async function trackedAt(
  repository: Repository,
  { reference, cwd }: { reference: string; cwd: string },
): Promise<LoadedPointers> {
  const isPath = reference.includes('/') || /^\.{1,2}$/.test(reference);
  const loaded = await loadPointers(repository.documents);
  try {
    return selectPointers(loaded, await typedPaths(repository, cwd, [reference]));
  } catch (error) {
    const isElsewhere =
      error instanceof MlopsError && /^(?:PATH_NOT_TRACKED|OUTSIDE_REPOSITORY)$/.test(error.code);
    if (isElsewhere && !isPath) return { pointers: [], problems: [] };
    throw error;
  }
}

function collect(versions: readonly VersionState[], data: readonly DataPointer[]): WantedArtifact[] {
  const byDigest = new Map<string, WantedArtifact>();
  const add = (
    digest: string,
    name: string,
    more: Pick<WantedArtifact, 'size' | 'files' | 'versions' | 'data' | 'staged'>,
  ): void => {
    const known = byDigest.get(digest);
    if (known?.names.includes(name) === true) return;
    byDigest.set(digest, {
      digest,
      size: more.size,
      files: more.files,
      names: [...(known?.names ?? []), name],
      versions: [...(known?.versions ?? []), ...more.versions],
      data: [...(known?.data ?? []), ...more.data],
      staged: known?.staged === true || more.staged,
    });
  };
  for (const { record, stages } of versions) {
    const { digest, size, files, model, version } = record;
    add(digest, `${model}@${version}`, {
      size,
      files,
      versions: [{ model, version }],
      data: [],
      staged: stages.length > 0,
    });
    if (record.referenceProfile === undefined) continue;
    add(record.referenceProfile.digest, profileName(`${model}@${version}`), {
      size: record.referenceProfile.size,
      files: 1,
      versions: [],
      data: [],
      staged: stages.length > 0,
    });
  }
  for (const { digest, size, files, path } of data)
    add(digest, path, { size, files, versions: [], data: [path], staged: false });
  return [...byDigest.values()];
}
