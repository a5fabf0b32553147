import { InterruptedError, MlopsError } from '../../errors.ts';
import { lstatIfPresent, safeJoin } from '../../lib/safe-path.ts';
import type { ArtifactStore, ExaminedSource, StoreProgress } from '../../storage/artifact-store.ts';
import type { Manifest } from '../../storage/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { selectPointers } from './place.ts';
import type { DataPointer } from './pointer.ts';
import { loadPointers } from './pointers.ts';

/**
 * How a tracked path stands.
 * - `unchanged`: it holds what its pointer names.
 * - `modified`: it holds something that is saved nowhere as a whole.
 * - `outdated`: it holds another state that is saved, so the pointer moved, and `checkout` may replace it.
 * - `missing`: nothing is there.
 * - `conflict`: two branches moved the pointer and nobody has settled it.
 * - `damaged`: the pointer, or what lies at the path, can't be read or may not be used.
 */
export type DataState = 'unchanged' | 'modified' | 'outdated' | 'missing' | 'conflict' | 'damaged';

export interface FileChange {
  /** Relative to the tracked path; empty for a file that is tracked by itself. */
  readonly path: string;
  readonly change: 'added' | 'modified' | 'removed';
}

export interface DataPathStatus {
  readonly path: string;
  readonly state: DataState;
  /** Undefined when it can't be used. */
  readonly pointer: DataPointer | undefined;
  /** Whether the bytes that the pointer names are in this clone; proves presence, not content. */
  readonly present: boolean;
  /** Files that differ from what the pointer names, sorted; undefined where the pointer's list of files is not here. */
  readonly changes: readonly FileChange[] | undefined;
  readonly problem: MlopsError | undefined;
}

export interface DataStatusRequest extends StoreProgress {
  /** Relative to the Git root; default all. */
  paths?: readonly string[] | undefined;
  signal?: AbortSignal;
}

/**
 * Compares tracked data with its pointers. Files that look as they did when they were last read are not read again.
 * @throws UsageError `PATH_NOT_TRACKED`
 */
export async function dataStatus(
  repository: Repository,
  request: DataStatusRequest = {},
): Promise<DataPathStatus[]> {
  const { pointers, problems } = selectPointers(await loadPointers(repository.documents), request.paths);
  const found: DataPathStatus[] = problems.map(({ path, error }) => ({ ...unusable(error), path }));
  if (pointers.length > 0) {
    const artifacts = await repository.artifacts();
    for (const pointer of pointers) {
      found.push(await statusOf({ root: repository.root, artifacts }, pointer, request));
    }
  }
  return found.toSorted((first, second) => (first.path < second.path ? -1 : 1));
}

function unusable(error: MlopsError): Omit<DataPathStatus, 'path'> {
  const state = error.code === 'MERGE_CONFLICT' ? 'conflict' : 'damaged';
  return { state, pointer: undefined, present: false, changes: undefined, problem: error };
}

async function statusOf(
  { root, artifacts }: { root: string; artifacts: ArtifactStore },
  pointer: DataPointer,
  { signal, onProgress }: DataStatusRequest,
): Promise<DataPathStatus> {
  const { path, digest } = pointer;
  const told = { path, pointer, problem: undefined };
  try {
    const place = safeJoin(root, path);
    if (lstatIfPresent(place) === undefined) {
      return { ...told, state: 'missing', present: await artifacts.present(digest), changes: [] };
    }
    const found = await artifacts.examine(path, {
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    if (found.digest === digest) return { ...told, state: 'unchanged', present: found.stored, changes: [] };
    const present = await artifacts.present(digest);
    const changes = await changesOf(artifacts, digest, found);
    return { ...told, state: found.stored ? 'outdated' : 'modified', present, changes };
  } catch (error) {
    if (!(error instanceof MlopsError) || error instanceof InterruptedError) throw error;
    return { ...unusable(error), path, pointer };
  }
}

async function changesOf(
  artifacts: ArtifactStore,
  digest: string,
  found: ExaminedSource,
): Promise<FileChange[] | undefined> {
  let expected: Manifest;
  try {
    expected = await artifacts.manifest(digest);
  } catch (error) {
    if (error instanceof MlopsError) return undefined;
    throw error;
  }
  return compare(expected, await found.manifest());
}

function compare(expected: Manifest, found: Manifest): FileChange[] {
  const changes: FileChange[] = [];
  const before = new Map(expected.files.map((file) => [file.path, file]));
  for (const { path, sha256, executable } of found.files) {
    const known = before.get(path);
    before.delete(path);
    if (known === undefined) changes.push({ path, change: 'added' });
    else if (known.sha256 !== sha256 || known.executable !== executable) {
      changes.push({ path, change: 'modified' });
    }
  }
  for (const path of before.keys()) changes.push({ path, change: 'removed' });
  return changes.toSorted((first, second) => (first.path < second.path ? -1 : 1));
}
