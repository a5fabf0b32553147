import type { AuditEvent } from '../audit/index.ts';
import type { Repository } from '../repository/repository.ts';
import type { ModelProblem, VersionState } from './model-state.ts';
import { resolveVersion } from './resolve-version.ts';

export interface ShownVersion {
  version: VersionState;
  /** MLflow's version number: the rank by (created at, label), from 1; deleted versions keep theirs. */
  rank: number;
  /** Events about this version, newest first. */
  history: readonly AuditEvent[];
  /** Whether a manifest and packs for all its blobs are in this clone. Proves presence, not content. */
  present: boolean;
  /** The artifact's files; undefined when its manifest is not here. */
  files: readonly { path: string; size: number; sha256: string; executable: boolean }[] | undefined;
  /** What is wrong with the document about the model. */
  problems: readonly ModelProblem[];
}

/** Everything known of one version. @throws as `resolveVersion` */
export async function showVersion(repository: Repository, reference: string): Promise<ShownVersion> {
  const { state, version } = await resolveVersion(repository, reference);
  const { version: label, digest } = version.record;
  const artifacts = await repository.artifacts();
  const present = await artifacts.present(digest);
  const files = present ? (await artifacts.manifest(digest)).files : undefined;
  return {
    version,
    rank: state.versions.indexOf(version) + 1,
    history: state.log.newestFirst.filter(({ subject, from }) => subject.version === label || from === label),
    present,
    problems: state.problems.filter(({ kind }) => kind === 'model'),
    files: files?.map(({ path, size, sha256, executable }) => ({ path, size, sha256, executable })),
  };
}
