import { ConflictError, IntegrityError, type MlopsError, UsageError } from '../../errors.ts';
import { suggestNames } from '../../lib/nearest.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { REGISTERING_EVENT_TYPES, type AuditEvent, type EventLog } from '../audit/index.ts';
import { jsonCodec, loadDirectory, type IndexedDocument } from '../repository/directory-index.ts';
import {
  eventsDirectory,
  gitPath,
  modelPath,
  MODELS_DIRECTORY,
  recordPath,
  stagePath,
  versionsDirectory,
} from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { modelDocumentProblem } from './model-document.ts';
import { isModelName } from './names.ts';
import { parseRecord, type StoredRecord, type VersionRecord } from './record.ts';
import { heldVersion, loadTrail, type StageState } from './stage-pointer.ts';

/** A version as it stands now: its immutable record, and what events have said of it since. */
export interface VersionState {
  record: VersionRecord;
  recordDigest: string;
  /** The event that registered it. */
  registered: AuditEvent;
  /** Of the record, then changed by `annotated` events. */
  tags: Readonly<Record<string, string>>;
  description: string | undefined;
  deprecated: { reason: string | undefined; time: string } | undefined;
  deleted: { reason: string | undefined; time: string } | undefined;
  /** Stages that hold it, sorted. */
  stages: readonly string[];
}

/** A document that can't be trusted, or that another one contradicts. */
export interface ModelProblem {
  kind: 'model' | 'record' | 'event' | 'stage';
  /** Below the Git root. */
  path: string;
  error: MlopsError;
}

/** Everything known of one model. */
export interface ModelState {
  model: string;
  /** Oldest first, by (created at, label); deleted ones included. The rank in it is MLflow's version number. */
  versions: readonly VersionState[];
  /** Records that no `saved` or `imported` event names: left by an interrupted save, not versions. */
  unregistered: readonly StoredRecord[];
  log: EventLog;
  stages: ReadonlyMap<string, StageState>;
  /** A damaged `model.json`, damaged records and events, stages that can't be trusted, and those that hold a deleted version. */
  problems: readonly ModelProblem[];
}

/** Names of the models, sorted; directories with an impossible name are none. */
export async function listModels(documents: DocumentStore): Promise<string[]> {
  const names = await documents.listDirectories(MODELS_DIRECTORY);
  return names.filter(isModelName);
}

/** @throws UsageError `MODEL_NOT_FOUND` with the nearest names, or the first that exist */
export async function assertModelExists(documents: DocumentStore, model: string): Promise<void> {
  const models = await listModels(documents);
  if (models.includes(model)) return;
  throw new UsageError('MODEL_NOT_FOUND', `there is no model "${model}"`, {
    hint: suggestNames(model, models) ?? 'save one: mlops save <model> <path>',
  });
}

/** @param options.fresh read every document, leaning on no index: for `verify` */
export async function loadModel(
  repository: Repository,
  model: string,
  options: { fresh?: boolean } = {},
): Promise<ModelState> {
  let records: Promise<IndexedDocument<StoredRecord>[]> = Promise.resolve([]);
  const { log, stages } = await loadTrail(repository, model, {
    ...options,
    // Settled after the events, for the reason given at `loadTrail`, but looked at while those are.
    onEventsSettled: () => {
      records = loadRecords(repository, model, options);
      records.catch(() => undefined);
    },
  });
  const files = await records;
  const problems: ModelProblem[] = log.damaged.map(({ name, error }) => ({
    kind: 'event',
    path: gitPath(`${eventsDirectory(model)}/${name}`),
    error,
  }));
  const stored: StoredRecord[] = [];
  for (const { name, value, error } of files) {
    if (value !== undefined) stored.push(value);
    else if (error !== undefined)
      problems.push({ kind: 'record', path: gitPath(`${versionsDirectory(model)}/${name}`), error });
  }
  const registrations = registrationsByLabel(log);
  const known = problems.map(({ path }) => path);
  problems.push(...recordProblems({ model, records: stored, registrations, known }));
  for (const [stage, state] of stages) {
    if (state.status === 'ok' || (state.status === 'behind' && state.interrupted)) continue;
    problems.push({ kind: 'stage', path: gitPath(stagePath(model, stage)), error: state.problem });
  }
  const error = await modelDocumentProblem(repository, model);
  if (error !== undefined) problems.push({ kind: 'model', path: gitPath(modelPath(model)), error });
  const folded = foldVersions({ records: stored, registrations, log, stages });
  problems.push(...stagesOfDeleted({ model, stages, versions: folded.versions }));
  return { model, log, stages, problems, ...folded };
}

/** One branch moved a stage to what another one deleted: Git merges that, and only a person can say what was meant. */
function stagesOfDeleted(state: Pick<ModelState, 'model' | 'stages' | 'versions'>): ModelProblem[] {
  const { model, stages, versions } = state;
  const problems: ModelProblem[] = [];
  for (const [stage, stageState] of stages) {
    const held = heldVersion(stageState);
    const deleted = versions.find(({ record }) => record.version === held)?.deleted;
    if (held === undefined || deleted === undefined) continue;
    const path = gitPath(stagePath(model, stage));
    const error = new ConflictError(
      'STAGE_HOLDS_DELETED',
      `${path}: the stage ${stage} of ${model} holds ${held}, which was deleted on ${deleted.time}`,
      {
        hint: `settle it: mlops promote ${model}@<version> --to ${stage}; why it was deleted: mlops history ${model}`,
        retryable: false,
      },
    );
    problems.push({ kind: 'stage', path, error });
  }
  return problems;
}

function loadRecords(
  { documents }: Repository,
  model: string,
  options: { fresh?: boolean },
): Promise<IndexedDocument<StoredRecord>[]> {
  return loadDirectory<StoredRecord>(documents, {
    directory: versionsDirectory(model),
    index: { name: `versions-${model}`, version: 'version/1', codec: jsonCodec() },
    parse: (bytes, name) => parseRecord(bytes, { model, name }),
    fresh: options.fresh,
  });
}

interface RegisteredRecords {
  model: string;
  records: readonly StoredRecord[];
  registrations: ReadonlyMap<string, readonly AuditEvent[]>;
  /** Paths whose problem is known already. */
  known: readonly string[];
}

/** Versions that an event registered and whose record is gone, or is not the one that the event saw. */
function recordProblems({ model, records, registrations, known }: RegisteredRecords): ModelProblem[] {
  const byLabel = new Map(records.map((stored) => [stored.record.version, stored]));
  const said = new Set(known);
  const problems: ModelProblem[] = [];
  for (const [label, events] of registrations) {
    const path = gitPath(recordPath(model, label));
    const stored = byLabel.get(label);
    if (said.has(path) || (stored !== undefined && events.some((event) => registers(event, stored))))
      continue;
    const [event] = events;
    const what =
      stored === undefined
        ? `is missing, but an event of ${event?.time} says it was ${event?.type}`
        : 'was changed after it was saved: its event names other bytes';
    const error = new IntegrityError(
      stored === undefined ? 'RECORD_MISSING' : 'RECORD_DAMAGED',
      `${path}: ${what}`,
      {
        hint: `restore it from Git: git checkout HEAD -- ${path}`,
      },
    );
    problems.push({ kind: 'record', path, error });
  }
  return problems;
}

/** The `saved` and `imported` events of each label, newest first. */
export function registrationsByLabel(log: EventLog): Map<string, AuditEvent[]> {
  const byLabel = new Map<string, AuditEvent[]>();
  for (const event of log.newestFirst) {
    const { version } = event.subject;
    if (!REGISTERING_EVENT_TYPES.has(event.type) || version === undefined) continue;
    byLabel.set(version, [...(byLabel.get(version) ?? []), event]);
  }
  return byLabel;
}

/** True when the event saw exactly these bytes; two branches may have saved one label, and Git kept one of the records. */
function registers(event: AuditEvent, { record, recordDigest }: StoredRecord): boolean {
  const evidence = event.evidence.find(({ type }) => type === 'record');
  return evidence?.digest === recordDigest && event.digest === record.digest;
}

interface FoldInput extends Pick<RegisteredRecords, 'records' | 'registrations'> {
  log: EventLog;
  stages: ReadonlyMap<string, StageState>;
}

function foldVersions({
  records,
  registrations,
  log,
  stages,
}: FoldInput): Pick<ModelState, 'versions' | 'unregistered'> {
  const folds = new Map<string, VersionState>();
  for (const stored of records) {
    const event = registrations.get(stored.record.version)?.find((candidate) => registers(candidate, stored));
    if (event !== undefined) folds.set(stored.record.version, newVersion(stored, event));
  }
  for (const event of log.newestFirst.toReversed()) {
    const version = event.subject.version === undefined ? undefined : folds.get(event.subject.version);
    if (version !== undefined) applyEvent(version, event);
  }
  for (const [stage, state] of stages) {
    const held = heldVersion(state);
    const version = held === undefined ? undefined : folds.get(held);
    if (version !== undefined) version.stages = [...version.stages, stage].toSorted();
  }
  return {
    versions: [...folds.values()].toSorted(byCreation),
    unregistered: records.filter(({ record }) => !registrations.has(record.version)),
  };
}

function newVersion({ record, recordDigest }: StoredRecord, registered: AuditEvent): VersionState {
  return {
    record,
    recordDigest,
    registered,
    tags: record.tags,
    description: record.description,
    deprecated: undefined,
    deleted: undefined,
    stages: [],
  };
}

function applyEvent(version: VersionState, event: AuditEvent): void {
  const said = { reason: event.reason, time: event.time };
  if (event.type === 'deprecated') version.deprecated = said;
  else if (event.type === 'deleted') version.deleted = said;
  else if (event.type === 'annotated' && event.changes !== undefined) {
    version.description = event.changes.description ?? version.description;
    const tags = Object.entries({ ...version.tags, ...event.changes.tags });
    version.tags = Object.fromEntries(tags.filter(([, value]) => value !== ''));
  }
}

function byCreation(left: VersionState, right: VersionState): number {
  const [a, b] = [left.record, right.record];
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.version < b.version ? -1 : a.version > b.version ? 1 : 0;
}

/** The versions that were not deleted, newest first. */
export function liveVersions(state: ModelState): VersionState[] {
  return state.versions.filter((version) => version.deleted === undefined).toReversed();
}
