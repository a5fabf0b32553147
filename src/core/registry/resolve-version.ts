import { IntegrityError, type MlopsError, UsageError } from '../../errors.ts';
import { suggestNames } from '../../lib/nearest.ts';
import { gitPath, recordPath, stagePath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import {
  assertModelExists,
  listModels,
  liveVersions,
  loadModel,
  registrationsByLabel,
  type ModelState,
  type VersionState,
} from './model-state.ts';
import { parseReference } from './names.ts';
import { heldVersion } from './stage-pointer.ts';

export interface ResolvedVersion {
  state: ModelState;
  version: VersionState;
}

/**
 * The version that a reference names.
 *
 * @throws UsageError `MODEL_NOT_FOUND`, `VERSION_NOT_FOUND`, `STAGE_EMPTY`, `REFERENCE_AMBIGUOUS` with the nearest names;
 * ConflictError `STAGE_CONFLICT`, `STAGE_BEHIND`, `STAGE_HOLDS_DELETED`; IntegrityError for a damaged record or pointer
 */
export async function resolveVersion(repository: Repository, text: string): Promise<ResolvedVersion> {
  const reference = parseReference(text);
  if (reference.kind === 'digest') return resolveDigest(repository, reference.prefix);
  if (reference.kind === 'run') return resolveRun(repository, reference.prefix);
  await assertModelExists(repository.documents, reference.model);
  const state = await loadModel(repository, reference.model);
  return { state, version: selectVersion(repository, state, reference.selector ?? 'latest') };
}

export function selectVersion(repository: Repository, state: ModelState, selector: string): VersionState {
  if (selector === 'latest') return latestVersion(state);
  const exact = labelled(state, selector);
  if (exact !== undefined) return exact;
  const stage = state.stages.get(selector);
  const held = heldVersion(stage);
  if (held !== undefined) return stageVersion(state, { stage: selector, label: held });
  if (stage !== undefined && stage.status !== 'ok' && !(stage.status === 'behind' && stage.interrupted))
    throw stage.problem;
  if (repository.config.stages.includes(selector)) {
    throw new UsageError('STAGE_EMPTY', `the stage ${selector} of ${state.model} holds no version yet`, {
      hint: `put one there: mlops promote ${state.model}@latest --to ${selector}`,
    });
  }
  const labels = liveVersions(state).map(({ record }) => record.version);
  const hint = suggestNames(selector, [...labels, ...repository.config.stages, 'latest'], {
    existing: labels,
    show: (name) => `${state.model}@${name}`,
  });
  throw new UsageError('VERSION_NOT_FOUND', `${state.model} has no version or stage "${selector}"`, {
    hint: hint ?? `save a version: mlops save ${state.model} <path>`,
  });
}

/** The version of this label, if there ever was one. @throws UsageError when it was deleted; IntegrityError when damaged */
function labelled(state: ModelState, label: string): VersionState | undefined {
  const version = state.versions.find(({ record }) => record.version === label);
  if (version?.deleted !== undefined) {
    throw new UsageError(
      'VERSION_NOT_FOUND',
      `${state.model}@${label} was deleted on ${version.deleted.time}`,
      { hint: `see why: mlops history ${state.model}` },
    );
  }
  const damaged = state.problems.find(({ path }) => path === gitPath(recordPath(state.model, label)));
  if (version === undefined && damaged !== undefined) throw damaged.error;
  return version;
}

function stageVersion(state: ModelState, { stage, label }: { stage: string; label: string }): VersionState {
  const path = gitPath(stagePath(state.model, stage));
  const contradicted = state.problems.find((problem) => problem.kind === 'stage' && problem.path === path);
  if (contradicted !== undefined) throw contradicted.error;
  const version = labelled(state, label);
  if (version !== undefined) return version;
  throw new IntegrityError(
    'STAGE_DAMAGED',
    `the stage ${stage} of ${state.model} holds ${label}, which no record and event know`,
    { hint: `see what is wrong: mlops verify` },
  );
}

function latestVersion(state: ModelState): VersionState {
  const latest = liveVersions(state)[0];
  const hidden = damagedSince(state, latest?.record.createdAt ?? '');
  if (hidden !== undefined) throw hidden;
  if (latest !== undefined) return latest;
  throw new UsageError('VERSION_NOT_FOUND', `${state.model} has no version`, {
    hint: `save one: mlops save ${state.model} <path>`,
  });
}

/**
 * A version that may be newer than all that can be read. An older one must not pass for the latest because of it, so
 * whoever asked has to name a version.
 */
function damagedSince(state: ModelState, time: string): MlopsError | undefined {
  const registrations = registrationsByLabel(state.log);
  const newest = (label: string): string => registrations.get(label)?.[0]?.time ?? '';
  const compact = time.replaceAll(/[-:.]/g, '');
  const problem = state.problems.find(({ kind, path }) => {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.json$/, '');
    if (kind === 'record') return registrations.has(name) && newest(name) >= time;
    return kind === 'event' && /^\d{8}T\d{9}Z-(?:saved|imported)-/.test(name) && name >= compact;
  });
  return problem?.error;
}

/** The version that came from a run; of several the newest, as a run may be saved again and again. */
async function resolveRun(repository: Repository, prefix: string): Promise<ResolvedVersion> {
  const found: ResolvedVersion[] = [];
  for (const model of await listModels(repository.documents)) {
    const state = await loadModel(repository, model);
    for (const version of liveVersions(state))
      if (version.record.lineage.run?.startsWith(prefix) === true) found.push({ state, version });
  }
  const [first] = found;
  if (first === undefined) {
    throw new UsageError('VERSION_NOT_FOUND', `no version says that it came from the run ${prefix}`, {
      hint: 'see the versions with `mlops list <model>`',
    });
  }
  const one = found.every(
    ({ version: { record } }) =>
      record.lineage.run === first.version.record.lineage.run && record.model === first.version.record.model,
  );
  if (one) return first;
  const names = found.slice(0, 5).map(({ version }) => `${version.record.model}@${version.record.version}`);
  throw new UsageError('REFERENCE_AMBIGUOUS', `run:${prefix} could be ${names.join(', ')}`, {
    hint: 'name one of them',
  });
}

async function resolveDigest(repository: Repository, prefix: string): Promise<ResolvedVersion> {
  const found: ResolvedVersion[] = [];
  for (const model of await listModels(repository.documents)) {
    const state = await loadModel(repository, model);
    for (const version of liveVersions(state)) {
      if (version.record.digest.startsWith(`sha256:${prefix}`)) found.push({ state, version });
    }
  }
  const first = found[0];
  if (first === undefined) {
    throw new UsageError('VERSION_NOT_FOUND', `no version has a digest that starts with sha256:${prefix}`, {
      hint: 'see the digests with `mlops list <model> --json`',
    });
  }
  if (found.some(({ version }) => version.record.digest !== first.version.record.digest)) {
    const names = found.slice(0, 5).map(({ version }) => `${version.record.model}@${version.record.version}`);
    throw new UsageError('REFERENCE_AMBIGUOUS', `sha256:${prefix} could be ${names.join(', ')}`, {
      hint: 'give more digits',
    });
  }
  return first;
}
