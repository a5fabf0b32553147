import { IntegrityError, UsageError } from '../../errors.ts';
import type { StoreProgress } from '../../storage/artifact-store.ts';
import type { EventLog } from '../audit/index.ts';
import { STAGE_EVENT_TYPES } from '../audit/index.ts';
import type { Repository } from '../repository/repository.ts';
import { inspectRemote } from '../transfer/inspect.ts';
import { verifyOnRemote } from '../transfer/verify-remote.ts';
import { assertModelExists, loadModel, type ModelState, type VersionState } from './model-state.ts';
import { assertStageExists, moveStage, unfinishedMove, type MovedStage } from './move-stage.ts';
import { profileName } from './reference-profile.ts';
import { resolveVersion, selectVersion } from './resolve-version.ts';

export interface VerifyBytesOptions extends StoreProgress {
  signal?: AbortSignal;
}

export interface PromoteRequest extends VerifyBytesOptions {
  reference: string;
  stage: string;
  reason?: string | undefined;
  /** Settle a stage whose pointer disagrees with its events, or holds a merge conflict. */
  resolve?: boolean;
}

/**
 * Moves a stage to a version, after every byte of the version was hashed.
 *
 * @throws as `resolveVersion` and `moveStage`; UsageError `STAGE_NOT_FOUND`; IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED`
 */
export async function promote(
  repository: Repository,
  request: PromoteRequest,
): Promise<MovedStage & { promoted: VersionState }> {
  assertStageExists(repository, request.stage);
  const { version } = await resolveVersion(repository, request.reference);
  const { model, version: label, digest } = version.record;
  await verifyBytes(repository, version, request);
  const moved = await moveStage(repository, {
    type: request.resolve === true ? 'resolved' : 'promoted',
    model,
    stage: request.stage,
    version: label,
    digest,
    reason: request.reason,
  });
  return { ...moved, promoted: version };
}

export interface RollbackRequest extends VerifyBytesOptions {
  model: string;
  stage: string;
  /** Default: the version that the stage held before. */
  to?: string | undefined;
  reason: string;
}

/** @throws as `promote`; UsageError `NO_PREVIOUS_VERSION` */
export async function rollback(repository: Repository, request: RollbackRequest): Promise<MovedStage> {
  const { model, stage, reason } = request;
  assertStageExists(repository, stage);
  await assertModelExists(repository.documents, model);
  const state = await loadModel(repository, model);
  const { current, finishing } = currentVersion(state, request);
  const target = finishing
    ? selectVersion(repository, state, current)
    : rollbackTarget(repository, state, request, current);
  await verifyBytes(repository, target, { ...request, presenceIsEnough: true });
  return moveStage(repository, {
    type: 'rolled-back',
    model,
    stage,
    version: target.record.version,
    digest: target.record.digest,
    reason,
    ...(finishing ? {} : { expected: current }),
  });
}

/**
 * The version that the stage holds. `finishing` when a crash interrupted this very rollback after its event: then it is the
 * version to end at, and the move only has to be finished.
 */
function currentVersion(
  state: ModelState,
  { model, stage, to }: RollbackRequest,
): { current: string; finishing: boolean } {
  const stageState = state.stages.get(stage);
  if (stageState === undefined) throw noPrevious(model, stage, 'holds no version');
  if (stageState.status === 'ok') return { current: stageState.pointer.version, finishing: false };
  const tip = unfinishedMove(stageState);
  if (tip === undefined || stageState.status !== 'behind' || !stageState.interrupted)
    throw stageState.problem;
  return { current: tip.to, finishing: tip.type === 'rolled-back' && (to === undefined || to === tip.to) };
}

function rollbackTarget(
  repository: Repository,
  state: ModelState,
  request: RollbackRequest,
  current: string,
): VersionState {
  const { model, stage, to } = request;
  if (to !== undefined) {
    const target = selectVersion(repository, state, to);
    if (target.record.version !== current) return target;
    throw new UsageError('NO_PREVIOUS_VERSION', `the stage ${stage} of ${model} holds ${current} already`, {
      hint: `see what it held: mlops history ${model} --stage ${stage}`,
    });
  }
  for (const label of earlierVersions(state.log, stage, current)) {
    const version = state.versions.find(({ record }) => record.version === label);
    if (version !== undefined && version.deleted === undefined) return version;
  }
  throw noPrevious(model, stage, `held nothing before ${current}`);
}

/**
 * What the stage held before, nearest first. A rollback takes its predecessor off the list, so that rolling back twice goes
 * two versions back and does not swing between two.
 */
export function earlierVersions(log: EventLog, stage: string, current: string): string[] {
  const held: string[] = [];
  for (const event of log.newestFirst.toReversed()) {
    if (event.subject.stage !== stage || !STAGE_EVENT_TYPES.has(event.type) || event.to === undefined)
      continue;
    const at = event.type === 'rolled-back' ? held.lastIndexOf(event.to) : -1;
    if (at !== -1) held.length = at + 1;
    else if (held.at(-1) !== event.to) held.push(event.to);
  }
  const at = held.lastIndexOf(current);
  const before = at === -1 ? held : held.slice(0, at);
  return [...new Set(before.toReversed())].filter((label) => label !== current);
}

function noPrevious(model: string, stage: string, what: string): UsageError {
  return new UsageError('NO_PREVIOUS_VERSION', `the stage ${stage} of ${model} ${what}`, {
    hint: `name a version: mlops rollback ${model} --stage ${stage} --to <version> --reason <why>`,
  });
}

/**
 * Looks at every byte of the version where it is: here, or else on the default remote. A rollback, which has to be quick, is content
 * there with presence and sizes, and does without the reference profile.
 *
 * @throws IntegrityError when the bytes are missing or damaged; RemoteError; the pointer is then left as it is
 */
async function verifyBytes(
  repository: Repository,
  version: VersionState,
  options: VerifyBytesOptions & { presenceIsEnough?: boolean },
): Promise<void> {
  const { record } = version;
  const label = `${record.model}@${record.version}`;
  await verifyArtifact(repository, { digest: record.digest, name: label, label }, options);
  const { referenceProfile } = record;
  if (referenceProfile === undefined || options.presenceIsEnough === true) return;
  const { digest } = referenceProfile;
  await verifyArtifact(repository, { digest, name: profileName(label), label }, options);
}

interface NamedArtifact {
  digest: string;
  name: string;
  /** `<model>@<version>` that it is of. */
  label: string;
}

async function verifyArtifact(
  repository: Repository,
  artifact: NamedArtifact,
  options: VerifyBytesOptions & { presenceIsEnough?: boolean },
): Promise<void> {
  const artifacts = await repository.artifacts();
  if (!(await artifacts.present(artifact.digest))) return verifyElsewhere(repository, artifact, options);
  const { signal, onProgress } = options;
  await artifacts.verifyArtifact(artifact.digest, {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

async function verifyElsewhere(
  repository: Repository,
  { digest, name, label }: NamedArtifact,
  { presenceIsEnough, signal, onProgress }: VerifyBytesOptions & { presenceIsEnough?: boolean },
): Promise<void> {
  const missing = (more: string, hint: string): IntegrityError =>
    new IntegrityError(
      'OBJECT_MISSING',
      `the bytes of ${name} (${digest}) are not all in this clone${more}; the stage is unchanged`,
      { hint },
    );
  if (Object.keys(repository.config.remotes).length === 0)
    throw missing('', `see what is missing: mlops verify ${label}`);
  const [state] = await inspectRemote(repository, [digest], signal === undefined ? {} : { signal });
  if (state?.state !== 'complete')
    throw missing(' and not all on the remote', `push them from where they were saved: mlops push ${label}`);
  if (presenceIsEnough === true) return;
  const { damage } = await verifyOnRemote(repository, [digest], {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined
      ? {}
      : { onProgress: ({ bytes, totalBytes }) => onProgress({ bytes, totalBytes, files: 0 }) }),
  });
  const [first] = damage;
  if (first === undefined) return;
  throw new IntegrityError(
    'REMOTE_OBJECT_DAMAGED',
    `the bytes of ${name} are damaged on the remote: ${first.path}: ${first.problem}; the stage is unchanged`,
    { hint: `replace them from where they are good: mlops push --repair ${label}` },
  );
}
