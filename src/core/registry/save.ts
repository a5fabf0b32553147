import { ConflictError, MlopsError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import type { StoredArtifact, StoreProgress } from '../../storage/artifact-store.ts';
import type { Inspection } from '../inspection/index.ts';
import { digestOf } from '../repository/digest.ts';
import { eventPath } from '../audit/index.ts';
import { encodeDocument } from '../repository/document.ts';
import { assertWritable } from '../repository/format.ts';
import { gitPath, modelPath, recordPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { commitSection, type CommitSection } from './commit-section.ts';
import {
  assertSourceExists,
  captureLineage,
  digestData,
  portablePath,
  type DataDigests,
  type DataSource,
} from './lineage.ts';
import { liveVersions, loadModel, type ModelState, type VersionState } from './model-state.ts';
import { assertLimit } from './measurements.ts';
import { profileWarnings, storeReferenceProfile, type StoredProfile } from './reference-profile.ts';
import { encodeRecord, LIMITS, type MetricValue, type VersionRecord } from './record.ts';
import { assertStillThere } from './still-there.ts';
import { assertModelNameFree, chooseLabel, type LabelRequest } from './version-label.ts';

export interface SaveRequest extends LabelRequest, StoreProgress {
  model: string;
  /** Absolute path of a file or directory. */
  source: string;
  /**
   * What to register in place of reading `source`, which then only says what it is called and need not exist: an artifact that is
   * stored already, such as one composed of the artifacts of a run.
   */
  stored?: StoredArtifact | undefined;
  /** What is known of the format of `stored`; default nothing. */
  inspection?: Inspection | undefined;
  /** Id of the run that it came from. */
  run?: string | undefined;
  metrics: ReadonlyMap<string, MetricValue>;
  params: ReadonlyMap<string, string>;
  tags: ReadonlyMap<string, string>;
  description?: string | undefined;
  data: readonly DataSource[];
  /** The bytes of a profile (docs/format.md section 6.5), kept as an artifact of its own. */
  referenceProfile?: Uint8Array | undefined;
  allowCollisions?: boolean;
  dryRun?: boolean;
  signal?: AbortSignal;
}

export interface SavedVersion {
  record: VersionRecord;
  stored: StoredArtifact;
  /** Id of the `saved` event; undefined in a dry run. */
  event: string | undefined;
  /** False when this very version was there already, or in a dry run; then nothing was written. */
  created: boolean;
  /** What the inspection of the model's content found worth a warning. */
  warnings: readonly string[];
  written: readonly string[];
}

/** Each one means that a `mlops gc` ran in between. */
const ATTEMPTS = 3;

/**
 * Stores a file or directory as a new version: objects, record, event, in this order. Objects that are collected before the record
 * is written are stored again.
 *
 * @throws ConflictError `VERSION_EXISTS`; UsageError `SOURCE_MISSING`, `LABEL_INVALID`; and whatever `ArtifactStore.store`
 * and `commitSection` throw
 */
export async function save(repository: Repository, request: SaveRequest): Promise<SavedVersion> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptSave(repository, request);
    } catch (error) {
      const collected = error instanceof MlopsError && error.code === 'OBJECTS_COLLECTED';
      if (!collected || attempt === ATTEMPTS) throw error;
    }
  }
}

async function attemptSave(repository: Repository, request: SaveRequest): Promise<SavedVersion> {
  const { model, source } = request;
  assertWritable(repository.unknownFeatures);
  assertWithinLimits(request);
  await assertModelNameFree(repository, model);
  if (request.stored === undefined) await assertSourceExists(source);
  // Said before hours of hashing, and checked again under the lock.
  chooseLabel(repository, await loadModel(repository, model), request);
  const artifacts = await repository.artifacts();
  const stored = request.stored ?? (await artifacts.store(source, storeOptions(request)));
  const data = await digestData(repository, request.data);
  const profile = await storeReferenceProfile(repository, request);
  const known = await findKnown(repository, request, { digest: stored.digest, data, profile });
  if (known !== undefined) {
    // Nothing to write, so no lock, and nothing to find out about the code and the model either.
    const { record, registered } = known;
    const written = request.dryRun === true ? [] : pathsOf(known).map(gitPath);
    const event = request.dryRun === true ? undefined : registered.id;
    return { record, stored, event, created: false, warnings: profileWarnings(record, profile), written };
  }
  const inspection = await inspectionOf(request);
  const lineage = {
    ...(await captureLineage(repository, data)),
    ...(request.run === undefined ? {} : { run: request.run }),
  };
  const draft = await draftRecord(repository, { request, stored, inspection, lineage, profile });
  const { warnings } = inspection;

  if (request.dryRun === true) {
    const state = await loadModel(repository, model);
    return {
      record:
        findSame(state, request, draft)?.record ?? completeRecord(repository, state, { draft, request }),
      stored,
      event: undefined,
      created: false,
      warnings,
      written: [],
    };
  }
  const { result, written } = await commitSection(repository, `save ${model}`, async (section) => {
    await assertStillThere(stored.digest, stored.isStillThere);
    if (profile !== undefined) await assertStillThere(profile.reference.digest, profile.isStillThere);
    const state = await loadModel(repository, model);
    const same = findSame(state, request, draft);
    if (same !== undefined) return adoptSame(section, same);
    return register(repository, section, {
      state,
      record: completeRecord(repository, state, { draft, request }),
    });
  });
  return { ...result, stored, warnings: [...warnings, ...profileWarnings(result.record, profile)], written };
}

async function inspectionOf({ source, stored, inspection }: SaveRequest): Promise<Inspection> {
  if (inspection !== undefined) return inspection;
  if (stored !== undefined)
    return { format: { name: 'unknown', framework: 'unknown', details: {} }, warnings: [] };
  const { inspectModel } = await import('../inspection/index.ts');
  return inspectModel(source);
}

function storeOptions(
  request: SaveRequest,
): Parameters<Awaited<ReturnType<Repository['artifacts']>>['store']>[1] {
  const { allowCollisions, dryRun, signal, onProgress } = request;
  return {
    ...(allowCollisions === undefined ? {} : { allowCollisions }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

/** A record without what is only known under the lock. */
type DraftRecord = Omit<VersionRecord, 'version' | 'createdAt'>;

interface DraftParts {
  request: SaveRequest;
  stored: StoredArtifact;
  inspection: Inspection;
  lineage: VersionRecord['lineage'];
  profile: StoredProfile | undefined;
}

async function draftRecord(repository: Repository, parts: DraftParts): Promise<DraftRecord> {
  const { request, stored, inspection, lineage, profile } = parts;
  return {
    schema: 'mlops.version/1',
    model: request.model,
    digest: stored.digest,
    kind: stored.manifest.kind,
    size: stored.size,
    files: stored.files,
    path: portablePath(repository.root, request.source),
    format: { ...inspection.format },
    ...(inspection.signature === undefined ? {} : { signature: inspection.signature }),
    metrics: Object.fromEntries(request.metrics),
    params: Object.fromEntries(request.params),
    tags: Object.fromEntries(request.tags),
    ...(request.description === undefined ? {} : { description: request.description }),
    ...(profile === undefined ? {} : { referenceProfile: profile.reference }),
    lineage,
    createdBy: await repository.actor(),
  };
}

function completeRecord(
  repository: Repository,
  state: ModelState,
  { draft, request }: { draft: DraftRecord; request: SaveRequest },
): VersionRecord {
  const parent = liveVersions(state)[0]?.record.version;
  return {
    ...draft,
    version: chooseLabel(repository, state, request),
    createdAt: repository.now().toISOString(),
    lineage: { ...draft.lineage, ...(parent === undefined ? {} : { parent }) },
  };
}

/** What a reader would refuse must not be written; said before anything is hashed. @throws UsageError `LIMIT_EXCEEDED` */
function assertWithinLimits({ metrics, params, tags, data }: SaveRequest): void {
  assertLimit(metrics.size, LIMITS.metrics, 'metrics');
  assertLimit(params.size, LIMITS.params, 'params');
  assertLimit(tags.size, LIMITS.tags, 'tags');
  assertLimit(data.length, LIMITS.data, 'data sources');
}

/** Nothing is written, but Git may not have been told of what an interrupted command wrote. */
function adoptSame(
  section: CommitSection,
  { record, registered }: VersionState,
): { record: VersionRecord; event: string; created: boolean } {
  for (const path of pathsOf({ record, registered })) section.adopt(path);
  return { record, event: registered.id, created: false };
}

function pathsOf({ record, registered }: Pick<VersionState, 'record' | 'registered'>): string[] {
  const { model, version } = record;
  return [modelPath(model), recordPath(model, version), eventPath(registered, registered.id)];
}

/** The version that this save would only repeat, found before anything else is looked into. */
async function findKnown(
  repository: Repository,
  request: SaveRequest,
  { digest, data, profile }: { digest: string; data: DataDigests; profile: StoredProfile | undefined },
): Promise<VersionState | undefined> {
  const { metrics, params, tags, description, run } = request;
  return findSame(await loadModel(repository, request.model), request, {
    digest,
    metrics: Object.fromEntries(metrics),
    params: Object.fromEntries(params),
    tags: Object.fromEntries(tags),
    description,
    lineage: { ...(data.length === 0 ? {} : { data }), ...(run === undefined ? {} : { run }) },
    ...(profile === undefined ? {} : { referenceProfile: profile.reference }),
  });
}

/**
 * The version that this save would only repeat: the one of the same label and digest, or, when no label was asked for,
 * the newest one if it says exactly the same.
 *
 * @throws ConflictError `VERSION_EXISTS` when the label stands for other bytes, or was deleted
 */
function findSame(state: ModelState, request: SaveRequest, draft: Content): VersionState | undefined {
  if (request.bump !== undefined) return undefined;
  if (request.label === undefined) {
    const newest = liveVersions(state)[0];
    return newest !== undefined && contentOf(newest.record) === contentOf(draft) ? newest : undefined;
  }
  const existing = state.versions.find(({ record }) => record.version === request.label);
  if (existing === undefined) return assertRecordSound(state, request.label);
  const name = `${request.model}@${request.label}`;
  if (existing.deleted !== undefined) {
    throw new ConflictError('VERSION_EXISTS', `${name} was deleted; a label is never used twice`, {
      hint: 'choose another label',
      retryable: false,
    });
  }
  if (existing.record.digest === draft.digest) return existing;
  throw new ConflictError(
    'VERSION_EXISTS',
    `${name} exists already with other bytes (${existing.record.digest})`,
    {
      hint: 'versions are immutable: choose another label, or use --bump patch',
      retryable: false,
    },
  );
}

/** @throws IntegrityError when the label is taken by a version whose record can't be read; it has to be restored instead */
function assertRecordSound(state: ModelState, label: string): undefined {
  const path = gitPath(recordPath(state.model, label));
  const damaged = state.problems.find((problem) => problem.path === path);
  if (damaged !== undefined) throw damaged.error;
}

/** What makes two saves the same. */
type Content = Pick<
  DraftRecord,
  'digest' | 'metrics' | 'params' | 'tags' | 'lineage' | 'referenceProfile'
> & {
  description?: string | undefined;
};

function contentOf(record: Content): string {
  const { digest, metrics, params, tags, description, lineage, referenceProfile } = record;
  return digestOf(
    encodeDocument({
      digest,
      metrics,
      params,
      tags,
      description,
      data: lineage.data as JsonValue,
      run: lineage.run,
      profile: referenceProfile?.digest,
    }),
  );
}

async function register(
  repository: Repository,
  section: CommitSection,
  { state, record }: { state: ModelState; record: VersionRecord },
): Promise<{ record: VersionRecord; event: string; created: boolean }> {
  const { model, version, digest, referenceProfile } = record;
  const bytes = encodeRecord(record);
  if ((await repository.documents.read(modelPath(model))) === undefined) {
    await section.create(modelPath(model), encodeDocument({ schema: 'mlops.model/1', model }));
  }
  const path = recordPath(model, version);
  // What an interrupted save left under this label is no version and gives way.
  const leftover = state.unregistered.some((stored) => stored.record.version === version);
  await (leftover ? section.replace(path, bytes) : section.create(path, bytes));
  const event = await section.appendEvent(
    {
      type: 'saved',
      subject: { model, version },
      digest,
      evidence: [
        { type: 'record', digest: digestOf(bytes) },
        ...(referenceProfile === undefined
          ? []
          : [{ type: 'reference-profile', digest: referenceProfile.digest }]),
      ],
    },
    state.log,
  );
  return { record, event: event.id, created: true };
}
