import type { MlopsError } from '../../errors.ts';
import type { VerifyObjectsOptions } from '../../storage/artifact-store.ts';
import { eventsDirectory, gitPath, recordPath, stagePath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { verifyData } from '../data/verify.ts';
import { verifyReports } from '../drift/reports/verify.ts';
import { verifyRuns } from '../runs/verify.ts';
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
  kind: 'model' | 'record' | 'event' | 'stage' | 'pointer' | 'report' | 'run' | BytesDamage['kind'];
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
    /** Runs and logged models. */
    runs: number;
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
  const found: Found = {
    checked: {
      records: 0,
      events: 0,
      pointers: 0,
      reports: 0,
      runs: 0,
      manifests: 0,
      packs: 0,
      blobs: 0,
      bytes: 0,
    },
    damage: [],
    notices: [],
    conflict: undefined,
  };
  for (const each of scope) addModel(found, each);
  const metadataOnly = request.metadataOnly === true;
  // References name versions, and nothing else is looked at then.
  const tracked = request.references.length === 0 ? await addTracked(repository, found, metadataOnly) : [];
  if (metadataOnly) return found;
  const named = scope.flatMap(({ versions }) =>
    versions.filter(isKept).flatMap(({ record }) => artifactsOf(record)),
  );
  const { remote = false, repair = false } = request;
  const objects = await verifyBytes(repository, {
    ...objectOptions(request),
    digests: [...new Set([...named, ...tracked])],
    remote,
    repair,
  });
  Object.assign(found.checked, objects.checked);
  found.damage.push(...objects.damage);
  found.notices.push(...objects.notices);
  return found;
}

/** What was found so far. */
interface Found extends Verification {
  damage: Damage[];
  notices: string[];
}

function addModel(found: Found, { state, versions }: Scope): void {
  found.checked.records += versions.length;
  found.checked.events += state.log.newestFirst.length;
  found.damage.push(...modelDamage(state));
  found.notices.push(...modelNotices(state));
  found.conflict ??= state.problems.find(({ error }) => CONFLICT_CODES.has(error.code))?.error;
}

/** Tracked data, the reports that events of the whole repository tell of, and runs. @returns the digests that they name */
async function addTracked(
  repository: Repository,
  found: Found,
  metadataOnly: boolean,
): Promise<Iterable<string>> {
  const data = await verifyData(repository, { metadataOnly });
  const kept = await verifyReports(repository.documents, data.log);
  found.checked.events += data.events;
  found.checked.pointers = data.pointers;
  found.checked.reports = kept.reports;
  found.damage.push(...data.damage, ...kept.damage.map((each): Damage => ({ kind: 'report', ...each })));
  found.notices.push(...data.notices, ...kept.notices);
  const { runs, digests, ...tracked } = await verifyRuns(repository);
  found.checked.runs = runs;
  found.damage.push(...tracked.damage.map((each): Damage => ({ kind: 'run', ...each })));
  found.notices.push(...tracked.notices);
  found.conflict ??= data.conflict;
  return [...data.digests, ...digests];
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
