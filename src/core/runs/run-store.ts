import type { StoredArtifact } from '../../storage/artifact-store.ts';
import type {
  DatasetInput,
  Experiment,
  LoggedModel,
  LoggedModelStatus,
  MetricPoint,
  ModelLink,
  Run,
  RunEnvironment,
  RunSource,
  RunStatus,
  RunUsage,
  VersionLink,
} from './run.ts';

/** Which of runs, experiments or logged models are meant. Default `active`. */
export type View = 'active' | 'deleted' | 'all';

export interface CreateRunRequest {
  /** Default the experiment `0`. @throws UsageError `EXPERIMENT_NOT_FOUND`, `EXPERIMENT_DELETED` */
  experimentId?: string | undefined;
  /** Default two words and a number. */
  name?: string | undefined;
  /** Default `Repository.actor()`. */
  user?: string | undefined;
  /** Milliseconds since 1970; default now. */
  startedAt?: number | undefined;
  /** Default `RUNNING`. */
  status?: RunStatus | undefined;
  params?: ReadonlyMap<string, string> | undefined;
  tags?: ReadonlyMap<string, string> | undefined;
  source?: RunSource | undefined;
  environment?: RunEnvironment | undefined;
  /** Default a random one. For imports. @throws ConflictError `RUN_EXISTS` */
  id?: string | undefined;
  /**
   * `process`: this process answers for the run; when it dies the run has failed. Every later write of the store that was opened for it
   * says so again where another process answered before. `nobody`: it runs until somebody says otherwise.
   */
  writer: 'process' | 'nobody';
  /** The start survives a power loss too; default false, as the end of a run is made durable. */
  durable?: boolean;
}

export interface UpdateRunRequest {
  name?: string | undefined;
  status?: RunStatus | undefined;
  /** Milliseconds since 1970; default now when the status is one of an ended run. */
  endedAt?: number | undefined;
  exitCode?: number | undefined;
  reason?: string | undefined;
  usage?: RunUsage | undefined;
}

/** What one call logs; all of it or nothing. */
export interface RunBatch {
  readonly metrics?: readonly MetricPoint[];
  /** Written once: the same value again is fine. @throws ConflictError `PARAM_EXISTS` naming key, old and new value */
  readonly params?: readonly (readonly [key: string, value: string])[];
  readonly tags?: readonly (readonly [key: string, value: string])[];
}

/** One file or directory among artifacts. */
export interface ArtifactEntry {
  /** From the top of the artifacts, with `/`. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** Bytes; undefined for a directory. */
  readonly size: number | undefined;
}

/** A stored file, ready to be read. */
export interface OpenArtifact {
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
  /**
   * The bytes in order; each piece is proved by its hash before it is given out, and the whole at the end: what throws after the first
   * piece means that it must not be taken for complete.
   */
  read(options?: { signal?: AbortSignal }): AsyncIterable<Uint8Array>;
}

/** An artifact in the store that holds what lies at a place among artifacts; `save` takes it as it is. */
export interface ComposedArtifact extends StoredArtifact {
  readonly kind: 'file' | 'directory';
}

/**
 * Files of one run or logged model. Paths have `/` between their parts and follow docs/format.md 6.3.
 * Everywhere: RefusedError `UNSAFE_PATH`; UsageError `ARTIFACT_NOT_FOUND`.
 */
export interface Artifacts {
  /** What lies directly in a directory, sorted by path; of a file, or of nothing, an empty list. Default: the top. */
  list(directory?: string): Promise<readonly ArtifactEntry[]>;
  /** Every file below a place, sorted by path. */
  files(directory?: string): Promise<readonly (ArtifactEntry & { readonly sha256: string })[]>;
  /**
   * Stores a file while it arrives, whatever its size; replaces one of the same path. Nothing is logged unless the source ends well.
   * @throws ConflictError `ARTIFACT_CONFLICT` where a directory is, or a file where a directory is needed
   */
  put(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    options?: { signal?: AbortSignal },
  ): Promise<ArtifactEntry>;
  /** Stores a file or directory of this machine at `path`. @throws as `ArtifactStore.store` */
  putFrom(path: string, source: string, options?: { signal?: AbortSignal }): Promise<ComposedArtifact>;
  /** @throws UsageError `ARTIFACT_NOT_FOUND`; IntegrityError where its bytes are not here */
  open(path: string): Promise<OpenArtifact>;
  /** What lies there and below is no longer listed. */
  remove(path: string): Promise<void>;
  /**
   * What lies at a place (default: everything) as one artifact of the store, made of what is stored already: no byte is copied. It is
   * garbage unless something refers to it; see `assertStillThere`.
   */
  compose(path?: string): Promise<ComposedArtifact>;
}

export interface SearchRequest {
  /** Default all that are active. Deleted experiments count only where they are named. */
  experimentIds?: readonly string[] | undefined;
  /** See `RUN_QUERY` for the attributes. @throws UsageError `FILTER_INVALID` with the position */
  filter?: string | undefined;
  /** Default: newest start first. Ties: newest start first, then id. @throws UsageError `SORT_INVALID` with the position */
  orderBy?: readonly string[] | undefined;
  view?: View | undefined;
  /** Runs a page; default all. */
  maxResults?: number | undefined;
  /** What the page before gave. @throws UsageError `PAGE_TOKEN_INVALID`, also for one of another search */
  pageToken?: string | undefined;
}

/** Something that could not be read and was passed over. */
export interface RunProblem {
  /** Below the Git root. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface RunPage {
  readonly runs: readonly Run[];
  /** How many match in all. */
  readonly total: number;
  readonly nextPageToken: string | undefined;
  readonly problems: readonly RunProblem[];
}

export interface HistoryRequest {
  key: string;
  maxResults?: number | undefined;
  /** @throws UsageError `PAGE_TOKEN_INVALID` */
  pageToken?: string | undefined;
}

export interface HistoryPage {
  /** In the order in which they were logged. Empty for a key that was never logged. */
  readonly points: readonly MetricPoint[];
  readonly nextPageToken: string | undefined;
}

export interface CreateExperimentRequest {
  /** @throws ConflictError `EXPERIMENT_EXISTS`, also when a deleted one has the name */
  name: string;
  tags?: ReadonlyMap<string, string> | undefined;
  artifactLocation?: string | undefined;
}

export interface SearchExperimentsRequest extends Omit<SearchRequest, 'experimentIds'> {}

export interface ExperimentPage {
  readonly experiments: readonly Experiment[];
  readonly nextPageToken: string | undefined;
}

export interface CreateLoggedModelRequest {
  experimentId: string;
  /** Default two words and a number. */
  name?: string | undefined;
  modelType?: string | undefined;
  runId?: string | undefined;
  params?: ReadonlyMap<string, string> | undefined;
  tags?: ReadonlyMap<string, string> | undefined;
}

export interface LoggedModelPage {
  readonly models: readonly LoggedModel[];
  readonly nextPageToken: string | undefined;
}

/** @throws everywhere UsageError `EXPERIMENT_NOT_FOUND` for an id or a name that there is not */
export interface Experiments {
  create(request: CreateExperimentRequest): Promise<Experiment>;
  get(id: string): Promise<Experiment>;
  /** Deleted ones too. */
  byName(name: string): Promise<Experiment | undefined>;
  /** The active experiment of that name, created where there is none. @throws UsageError `EXPERIMENT_DELETED` */
  ensure(name: string): Promise<Experiment>;
  /** Default order: newest first. Attributes: `experiment_id name creation_time last_update_time` and `createdAt`, `updatedAt`. */
  search(request?: SearchExperimentsRequest): Promise<ExperimentPage>;
  /** @throws ConflictError `EXPERIMENT_EXISTS`; UsageError `EXPERIMENT_DELETED` */
  rename(id: string, name: string): Promise<Experiment>;
  setTag(id: string, key: string, value: string): Promise<void>;
  deleteTag(id: string, key: string): Promise<void>;
  /** Marks it, and its active runs, as deleted. @throws RefusedError `EXPERIMENT_PROTECTED` for the default one */
  delete(id: string): Promise<void>;
  /** Takes `delete` back, also for the runs that it deleted. */
  restore(id: string): Promise<void>;
  /** Takes an experiment as another clone has it, where there is no document of its id. */
  adopt(experiment: Experiment): Promise<void>;
}

/** @throws everywhere UsageError `LOGGED_MODEL_NOT_FOUND` */
export interface LoggedModels {
  create(request: CreateLoggedModelRequest): Promise<LoggedModel>;
  /** Not a deleted one. */
  get(id: string): Promise<LoggedModel>;
  finish(id: string, status: LoggedModelStatus): Promise<LoggedModel>;
  /** @throws ConflictError `PARAM_EXISTS` */
  logParams(id: string, params: readonly (readonly [key: string, value: string])[]): Promise<void>;
  setTags(id: string, tags: readonly (readonly [key: string, value: string])[]): Promise<void>;
  /** @throws UsageError `TAG_NOT_FOUND` */
  deleteTag(id: string, key: string): Promise<void>;
  delete(id: string): Promise<void>;
  artifacts(id: string): Artifacts;
  /**
   * Active ones. Attributes: `model_id name model_type status source_run_id creation_timestamp last_updated_timestamp`; `metrics.` are those that
   * were logged with the model's id in its source run.
   */
  search(request: SearchRequest): Promise<LoggedModelPage>;
  /** Latest values of the metrics that were logged with the model's id in its source run. */
  metrics(id: string): Promise<readonly (MetricPoint & { readonly runId: string })[]>;
}

/**
 * Runs, experiments and logged models of one clone. Every write is on its way to the disk when the call resolves: a kill of this process loses
 * nothing of it. Calls may be made at the same time, from this process and from others; what others wrote is seen by the next call.
 *
 * What looks like a secret in a param or a tag is kept as `***`, as runs are pushed and committed.
 * Keys and values are checked against docs/format.md section 8: UsageError `LIMIT_EXCEEDED`, `KEY_INVALID`, `VALUE_INVALID`, and nothing is written.
 */
export interface RunStore {
  readonly experiments: Experiments;
  readonly models: LoggedModels;

  create(request: CreateRunRequest): Promise<Run>;
  /** @throws UsageError `RUN_NOT_FOUND`; IntegrityError `RUN_DAMAGED` */
  get(id: string): Promise<Run>;
  /** The run whose id starts so, or that is called so. @throws UsageError `RUN_NOT_FOUND`, `RUN_AMBIGUOUS` with candidates */
  resolve(idOrName: string): Promise<Run>;
  /** An ended status also writes run.json, durably. @throws UsageError `RUN_DELETED` */
  update(id: string, request: UpdateRunRequest): Promise<Run>;
  /** Writes run.json anew with everything, durably, so that it stands for itself. */
  snapshot(id: string): Promise<void>;
  /** @throws UsageError `RUN_DELETED` */
  log(id: string, batch: RunBatch): Promise<void>;
  /** @throws UsageError `TAG_NOT_FOUND`, `RUN_DELETED` */
  deleteTag(id: string, key: string): Promise<void>;
  logInputs(
    id: string,
    inputs: { datasets?: readonly DatasetInput[]; models?: readonly ModelLink[] },
  ): Promise<void>;
  logOutputs(id: string, models: readonly ModelLink[]): Promise<void>;
  linkVersion(id: string, version: VersionLink): Promise<void>;
  /** Marks it; nothing is removed. */
  delete(id: string): Promise<void>;
  restore(id: string): Promise<void>;
  /** Removes deleted runs from this clone for good, with their histories. Their artifacts go with the next `mlops gc`. @throws UsageError `RUN_ACTIVE` */
  purge(ids: readonly string[]): Promise<void>;
  artifacts(id: string): Artifacts;
  history(id: string, request: HistoryRequest): Promise<HistoryPage>;
  /** Histories of several metrics of one run, in one pass over its file. */
  histories(id: string, keys: readonly string[]): Promise<ReadonlyMap<string, readonly MetricPoint[]>>;
  search(request?: SearchRequest): Promise<RunPage>;
  /** Captured output of a stream from its start, what was left out in the middle said in brackets; undefined when none was captured. */
  output(id: string, stream: 'stdout' | 'stderr'): Promise<Uint8Array | undefined>;
  /** Lets go of open files. */
  close(): Promise<void>;
}

/** What a command that starts a run can offer to what it starts; see `Context.trackingEndpoint`. */
export interface TrackingEndpoint {
  /** Added to the environment of the command, such as `MLFLOW_TRACKING_URI`. */
  readonly variables: Readonly<Record<string, string>>;
  /** Answers what is under way and stops. */
  close(): Promise<void>;
}
