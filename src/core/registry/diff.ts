import type { ManifestFile } from '../../storage/manifest.ts';
import { MlopsError } from '../../errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { VersionState } from './model-state.ts';
import { metricNumber } from './record.ts';
import { resolveVersion } from './resolve-version.ts';

export interface Change {
  name: string;
  /** Undefined where that side has none. */
  left: string | number | undefined;
  right: string | number | undefined;
}

export interface FileChange {
  path: string;
  change: 'added' | 'removed' | 'modified';
  /** Bytes; undefined where that side has no such file. */
  leftSize: number | undefined;
  rightSize: number | undefined;
}

export interface VersionDiff {
  left: VersionState;
  right: VersionState;
  identical: boolean;
  metrics: readonly Change[];
  params: readonly Change[];
  tags: readonly Change[];
  /** Digest by role. */
  data: readonly Change[];
  /** Commit, branch and dirty flag. */
  code: readonly Change[];
  /** Undefined when a manifest is not in this clone. */
  files: readonly FileChange[] | undefined;
}

/** What differs between two versions; equal entries are left out. @throws as `resolveVersion` */
export async function diffVersions(
  repository: Repository,
  leftReference: string,
  rightReference: string,
): Promise<VersionDiff> {
  const { version: left } = await resolveVersion(repository, leftReference);
  const { version: right } = await resolveVersion(repository, rightReference);
  return {
    left,
    right,
    identical: left.record.digest === right.record.digest,
    metrics: changes(
      mapValues(left.record.metrics, metricNumber),
      mapValues(right.record.metrics, metricNumber),
    ),
    params: changes(left.record.params, right.record.params),
    tags: changes(left.tags, right.tags),
    data: changes(dataOf(left), dataOf(right)),
    code: changes(codeOf(left), codeOf(right)),
    files: await fileChanges(repository, left, right),
  };
}

type Values = Readonly<Record<string, string | number>>;

function changes(left: Values, right: Values): Change[] {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].toSorted();
  return names
    .map((name) => ({ name, left: left[name], right: right[name] }))
    .filter((change) => !Object.is(change.left, change.right));
}

function mapValues<T>(
  values: Readonly<Record<string, T>>,
  convert: (value: T) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, convert(value)]));
}

function dataOf({ record }: VersionState): Record<string, string> {
  return Object.fromEntries((record.lineage.data ?? []).map(({ role, digest }) => [role, digest]));
}

function codeOf({ record }: VersionState): Record<string, string> {
  const { commit, branch, dirty, diff } = record.lineage.git ?? { dirty: false };
  return {
    ...(commit === undefined ? {} : { commit }),
    ...(branch === undefined ? {} : { branch }),
    ...(dirty ? { uncommitted: diff ?? 'yes' } : {}),
  };
}

async function fileChanges(
  repository: Repository,
  left: VersionState,
  right: VersionState,
): Promise<FileChange[] | undefined> {
  const artifacts = await repository.artifacts();
  try {
    const [before, after] = await Promise.all([
      artifacts.manifest(left.record.digest),
      artifacts.manifest(right.record.digest),
    ]);
    return compareFiles(before.files, after.files);
  } catch (error) {
    // Metadata can be compared in a clone that has no bytes; anything else is worth hearing of.
    if (error instanceof MlopsError && error.code === 'OBJECT_MISSING') return undefined;
    throw error;
  }
}

function compareFiles(before: readonly ManifestFile[], after: readonly ManifestFile[]): FileChange[] {
  const old = new Map(before.map((file) => [file.path, file]));
  const found: FileChange[] = [];
  for (const file of after) {
    const previous = old.get(file.path);
    old.delete(file.path);
    const same = previous?.sha256 === file.sha256 && previous.executable === file.executable;
    if (same) continue;
    const change = previous === undefined ? 'added' : 'modified';
    found.push({ path: file.path, change, leftSize: previous?.size, rightSize: file.size });
  }
  for (const file of old.values())
    found.push({ path: file.path, change: 'removed', leftSize: file.size, rightSize: undefined });
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
