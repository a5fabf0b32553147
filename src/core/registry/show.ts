import type { AuditEvent } from '../audit/index.ts';
import { gitPath, stagePath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { inspectRemote } from '../transfer/inspect.ts';
import type { ModelProblem, ModelState, VersionState } from './model-state.ts';
import { artifactsOf } from './record.ts';
import { resolveVersion } from './resolve-version.ts';

export interface ShownVersion {
  version: VersionState;
  /** MLflow's version number: the rank by (created at, label), from 1; deleted versions keep theirs. */
  rank: number;
  /** Events about this version, newest first. */
  history: readonly AuditEvent[];
  /** Whether manifests and packs for all its blobs are in this clone, those of the reference profile too. Proves presence, not content. */
  present: boolean;
  /** Whether the remote that was asked holds all of that now; undefined when none was. */
  onRemote: boolean | undefined;
  /** The artifact's files; undefined when its manifest is not here. */
  files: readonly { path: string; size: number; sha256: string; executable: boolean }[] | undefined;
  /** What is wrong with the document about the model, and with stages that may hold this version. */
  problems: readonly ModelProblem[];
}

export interface ShowOptions {
  /** Asks a remote too: the one of that name, or with `true` the default one. */
  remote?: string | boolean;
  signal?: AbortSignal;
}

/** Everything known of one version. @throws as `resolveVersion`, and when a remote is asked as `inspectRemote` */
export async function showVersion(
  repository: Repository,
  reference: string,
  { remote = false, signal }: ShowOptions = {},
): Promise<ShownVersion> {
  const { state, version } = await resolveVersion(repository, reference);
  const { version: label, digest } = version.record;
  const artifacts = await repository.artifacts();
  const needed = artifactsOf(version.record);
  const here = await Promise.all(needed.map((each) => artifacts.present(each)));
  const asked =
    remote === false
      ? undefined
      : await inspectRemote(repository, needed, {
          remote: remote === true ? undefined : remote,
          ...(signal === undefined ? {} : { signal }),
        });
  const onRemote = asked?.every(({ state: there }) => there === 'complete');
  const files = here[0] === true ? (await artifacts.manifest(digest)).files : undefined;
  return {
    version,
    rank: state.versions.indexOf(version) + 1,
    history: state.log.newestFirst.filter(({ subject, from }) => subject.version === label || from === label),
    present: here.every(Boolean),
    onRemote,
    problems: problemsOf(state, label),
    files: files?.map(({ path, size, sha256, executable }) => ({ path, size, sha256, executable })),
  };
}

/** A stage that nobody can tell the version of is a matter of those that its last moves name, and of no others. */
function problemsOf({ model, stages, problems }: ModelState, label: string): ModelProblem[] {
  const doubtful = [...stages.values()].filter(({ tips }) => tips.some(({ to }) => to === label));
  const paths = new Set(doubtful.map(({ stage }) => gitPath(stagePath(model, stage))));
  return problems.filter(({ kind, path }) => kind === 'model' || (kind === 'stage' && paths.has(path)));
}
