import type { MlopsError } from '../../errors.ts';
import type { VerifyObjectsOptions } from '../../storage/artifact-store.ts';
import { eventsDirectory, gitPath, recordPath, stagePath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { verifyData } from '../data/verify.ts';
import { verifyReports } from '../drift/reports/verify.ts';
import { verifyBytes, type BytesDamage } from './verify-bytes.ts';
import {
  artifactsOf,
  listModels,
  loadModel,
  resolveVersion,
  type ModelState,
  type VersionState,
} from '../registry/index.ts';

export interface Damage {
  kind: 'model' | 'record' | 'event' | 'stage' | 'pointer' | 'report' | BytesDamage['kind'];
  /** Below the Git root; of a remote its name, `:`, and the path there. */
  path: string;
  /** `null` where there is none to name. */
  digest: string | null;
  problem: string;
}

export interface Verification {
  checked: {
    records: number;
    events: number;
    /** Of tracked data. */
    pointers: number;
    /** Drift reports that were kept. */
    reports: number;
    manifests: number;
    packs: number;
    blobs: number;
    bytes: number;
  };
  damage: readonly Damage[];
  /** Worth knowing, and no damage. */
  notices: readonly string[];
  /** The most telling error among the damage: a merge conflict is exit 5, anything else exit 3. */
  conflict: MlopsError | undefined;
}

const CONFLICT_CODES: ReadonlySet<string> = new Set([
  'STAGE_CONFLICT',
  'STAGE_HOLDS_DELETED',
  'MERGE_CONFLICT',
]);

export interface VerifyRequest extends Pick<
  VerifyObjectsOptions,
  'deep' | 'sample' | 'signal' | 'onProgress'
> {
  /** Default: everything. */
  references: readonly string[];
  /** Look at records, events and pointers only, as in a clone that has no bytes. */
  metadataOnly?: boolean;
  /** Also read what a remote holds: the one of that name, or with `true` the default one. */
  remote?: string | boolean;
  /** Fetch what is damaged or incomplete here again before looking. */
  repair?: boolean;
}

/**
 * Holds records, events, pointers and objects against each other. Damage is collected, not thrown, so that one bad file
 * does not hide another.
 *
 * @throws as `resolveVersion` for references that name nothing, and as `verifyBytes` when a remote is needed
 */
export async function verify(repository: Repository, request: VerifyRequest): Promise<Verification> {
  const scope = await chooseScope(repository, request.references);
  const damage: Damage[] = [];
  const notices: string[] = [];
  let records = 0;
  let events = 0;
  let conflict: MlopsError | undefined;
  for (const { state, versions } of scope) {
    records += versions.length;
    events += state.log.newestFirst.length;
    damage.push(...modelDamage(state));
    notices.push(...modelNotices(state));
    conflict ??= state.problems.find(({ error }) => CONFLICT_CODES.has(error.code))?.error;
  }
  const metadataOnly = request.metadataOnly === true;
  // References name versions, and nothing else is looked at then.
  const data = request.references.length === 0 ? await verifyData(repository, { metadataOnly }) : undefined;
  if (data !== undefined) {
    events += data.events;
    damage.push(...data.damage);
    notices.push(...data.notices);
    conflict ??= data.conflict;
  }
  const kept = data === undefined ? undefined : await verifyReports(repository.documents, data.log);
  damage.push(...(kept?.damage ?? []).map((each): Damage => ({ kind: 'report', ...each })));
  notices.push(...(kept?.notices ?? []));
  const pointers = data?.pointers ?? 0;
  const reports = kept?.reports ?? 0;
  const checked = { records, events, pointers, reports, manifests: 0, packs: 0, blobs: 0, bytes: 0 };
  if (!metadataOnly) {
    const digests = new Set(
      scope.flatMap(({ versions }) => versions.filter(isKept).flatMap(({ record }) => artifactsOf(record))),
    );
    for (const digest of data?.digests ?? []) digests.add(digest);
    const { remote = false, repair = false } = request;
    const objects = await verifyBytes(repository, {
      ...objectOptions(request),
      digests: [...digests],
      remote,
      repair,
    });
    Object.assign(checked, objects.checked);
    damage.push(...objects.damage);
    notices.push(...objects.notices);
  }
  return { checked, damage, notices, conflict };
}

function objectOptions({
  references,
  deep,
  sample,
  signal,
  onProgress,
}: VerifyRequest): VerifyObjectsOptions {
  return {
    only: references.length > 0,
    ...(deep === undefined ? {} : { deep }),
    ...(sample === undefined ? {} : { sample }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

function isKept(version: VersionState): boolean {
  return version.deleted === undefined;
}

interface Scope {
  state: ModelState;
  versions: readonly VersionState[];
}

async function chooseScope(repository: Repository, references: readonly string[]): Promise<Scope[]> {
  const scope = new Map<string, Scope>();
  if (references.length === 0) {
    for (const model of await listModels(repository.documents)) {
      const state = await loadModel(repository, model, { fresh: true });
      scope.set(model, { state, versions: state.versions });
    }
  }
  for (const reference of references) {
    const named = await resolveVersion(repository, reference);
    const { model, version: label } = named.version.record;
    const known = scope.get(model);
    const state = known?.state ?? (await loadModel(repository, model, { fresh: true }));
    const version = state.versions.find(({ record }) => record.version === label) ?? named.version;
    scope.set(model, { state, versions: [...new Set([...(known?.versions ?? []), version])] });
  }
  return [...scope.values()];
}

/** What is wrong with the documents of a model: unreadable ones, stages that events deny, parents that are gone. */
function modelDamage(state: ModelState): Damage[] {
  const { model, log } = state;
  const damage: Damage[] = state.problems.map(({ kind, path, error }) => ({
    kind,
    path,
    digest: null,
    problem: error.message,
  }));
  for (const { event, parent } of log.missingParents) {
    damage.push({
      kind: 'event',
      path: gitPath(eventsDirectory(model)),
      digest: parent,
      problem: `the event ${parent} is missing; ${event.type} of ${event.time} names it as a parent`,
    });
  }
  for (const [stage, stageState] of state.stages) {
    if (stageState.status !== 'ok') continue;
    const { version } = stageState.pointer;
    const held = state.versions.find(({ record }) => record.version === version);
    const problem = stageProblem(held, stageState.pointer);
    if (problem !== undefined)
      damage.push({
        kind: 'stage',
        path: gitPath(stagePath(model, stage)),
        digest: stageState.pointer.digest,
        problem,
      });
  }
  return damage;
}

function stageProblem(
  held: VersionState | undefined,
  { version, digest }: { version: string; digest: string },
): string | undefined {
  if (held === undefined) return `points to ${version}, which has no valid record and event`;
  return held.record.digest === digest ? undefined : `names other bytes than the record of ${version}`;
}

function modelNotices(state: ModelState): string[] {
  const { model, log } = state;
  const notices = state.unregistered.map(
    ({ record }) =>
      `${gitPath(recordPath(model, record.version))} is left from an interrupted save and counts as nothing; save it again or remove the file`,
  );
  for (const stage of state.stages.values()) {
    if (stage.status === 'behind' && stage.interrupted) {
      notices.push(`${stage.problem.message}: a command was interrupted; run it again to finish`);
    }
    if (stage.status === 'ok' && stage.tips.length > 1) {
      notices.push(
        `the stage ${stage.stage} of ${model} was moved by two branches at once; Git kept ${stage.pointer.version}`,
      );
    }
  }
  for (const event of log.newestFirst) {
    const later = event.parents.find((parent) => (log.byId.get(parent)?.time ?? '') > event.time);
    if (later !== undefined)
      notices.push(
        `${model}: the event ${event.type} of ${event.time} is older than its parent; a clock was wrong`,
      );
  }
  return notices;
}
