import type { WriterProcess } from '../../storage/run-files.ts';
import type { LogLine } from './log-lines.ts';
import type {
  ArtifactMount,
  DatasetInput,
  LoggedModel,
  LoggedModelStatus,
  ModelLink,
  Run,
  RunStatus,
  VersionLink,
} from './run.ts';
import { LOGGED_MODEL_STATUSES, RUN_STATUSES } from './run.ts';

/** Where in log.jsonl a document stops and lines go on. */
export interface LogPosition {
  /** Of the log's first line; undefined before there is a log. */
  readonly id: string | undefined;
  readonly bytes: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a log changes of a run or a logged model alike. */
interface Logged {
  params: Map<string, string>;
  tags: Map<string, string>;
  artifacts: ArtifactMount[];
  /** Milliseconds of the last line; 0 before there is one. */
  lastTime: number;
}

/** A run as run.json and log.jsonl state it, without its metrics; see {@link Run}. */
export interface RunState
  extends
    Logged,
    Mutable<
      Omit<
        Run,
        'params' | 'tags' | 'metrics' | 'artifacts' | 'inputs' | 'modelInputs' | 'modelOutputs' | 'versions'
      >
    > {
  inputs: DatasetInput[];
  modelInputs: ModelLink[];
  modelOutputs: ModelLink[];
  versions: VersionLink[];
  writer: WriterProcess | undefined;
  /** The status is what a reader concluded from a dead writer. */
  presumed: boolean;
  log: LogPosition;
}

export interface LoggedModelState
  extends Logged, Mutable<Omit<LoggedModel, 'params' | 'tags' | 'artifacts'>> {
  log: LogPosition;
}

export const RUN_NAME_TAG = 'mlflow.runName';

/** Applies one line of a run's log. */
export function applyToRun(state: RunState, line: LogLine): void {
  state.lastTime = Math.max(state.lastTime, line.time);
  if (applyShared(state, line)) return;
  switch (line.type) {
    case 'name':
      state.name = line.name;
      return;
    case 'status':
      applyStatus(state, line);
      return;
    case 'lifecycle':
      state.lifecycle = line.lifecycle;
      state.deletedAt = line.lifecycle === 'deleted' ? line.time : undefined;
      return;
    case 'writer':
      applyWriter(state, line);
      return;
    case 'input':
      addInput(state.inputs, line);
      return;
    case 'model-input':
      addLink(state.modelInputs, line);
      return;
    case 'model-output':
      addLink(state.modelOutputs, line);
      return;
    case 'version':
      addVersion(state.versions, line);
      return;
    case 'usage':
      applyUsage(state, line);
      return;
    default:
  }
}

/** Applies one line of a logged model's log. */
export function applyToModel(state: LoggedModelState, line: LogLine): void {
  state.lastTime = Math.max(state.lastTime, line.time);
  state.updatedAt = Math.max(state.updatedAt, line.time);
  if (applyShared(state, line)) return;
  if (line.type === 'lifecycle') state.lifecycle = line.lifecycle;
  if (line.type === 'status' && isLoggedModelStatus(line.status)) state.status = line.status;
}

/** True when the line was of a type that both have. */
function applyShared(state: Logged & { log: LogPosition }, line: LogLine): boolean {
  switch (line.type) {
    case 'log':
      return true;
    case 'param':
      if (!state.params.has(line.key)) state.params.set(line.key, line.value);
      return true;
    case 'tag':
      if (line.key === RUN_NAME_TAG && 'createdBy' in state) (state as RunState).name = line.value;
      else state.tags.set(line.key, line.value);
      return true;
    case 'tag-removed':
      state.tags.delete(line.key);
      return true;
    case 'artifact': {
      const { path, digest, kind, size, files } = line;
      if (line.replaces === true) state.artifacts = [];
      addMount(state.artifacts, { path, digest, kind, size, files });
      return true;
    }
    case 'artifacts-cleared':
      state.artifacts = [];
      return true;
    default:
      return false;
  }
}

function addMount(mounts: ArtifactMount[], mount: ArtifactMount): void {
  // A file of the same name is not seen any more; of two directories both may be.
  const hidden =
    mount.kind === 'file' ? mounts.findIndex(({ path, kind }) => path === mount.path && kind === 'file') : -1;
  if (hidden !== -1) mounts.splice(hidden, 1);
  mounts.push(mount);
}

function applyStatus(state: RunState, line: LogLine & { type: 'status' }): void {
  const { status, endedAt, exitCode, reason, presumed = false } = line;
  if (!isRunStatus(status)) return;
  // Two readers may come to the same conclusion, or one just before the writer's own last word is read.
  if (presumed && state.status !== 'RUNNING') return;
  state.status = status;
  state.presumed = presumed;
  state.reason = reason;
  state.endedAt = hasEnded(status) ? (endedAt ?? line.time) : undefined;
  if (exitCode !== undefined) state.exitCode = exitCode;
}

function applyWriter(state: RunState, line: LogLine & { type: 'writer' }): void {
  const { host, bootId, pid, processStart } = line;
  const isNamed =
    host !== undefined && bootId !== undefined && pid !== undefined && processStart !== undefined;
  state.writer = isNamed ? { host, bootId, pid, processStart } : undefined;
  if (!state.presumed) return;
  state.presumed = false;
  state.status = 'RUNNING';
  state.reason = undefined;
  state.endedAt = undefined;
}

function addInput(inputs: DatasetInput[], line: LogLine & { type: 'input' }): void {
  const { name, digest, sourceType, source, schema, profile } = line;
  const tags = new Map(line.tags.map(({ key, value }) => [key, value]));
  const input: DatasetInput = {
    name,
    digest,
    sourceType,
    source,
    ...(schema === undefined ? {} : { schema }),
    ...(profile === undefined ? {} : { profile }),
    tags,
  };
  const known = inputs.findIndex((each) => each.name === name && each.digest === digest);
  if (known === -1) inputs.push(input);
  else inputs[known] = { ...input, tags: new Map([...(inputs[known]?.tags ?? []), ...tags]) };
}

function addLink(links: ModelLink[], { model, step }: ModelLink): void {
  if (!links.some((each) => each.model === model && each.step === step)) links.push({ model, step });
}

function addVersion(versions: VersionLink[], { model, version, digest }: VersionLink): void {
  const isKnown = versions.some((each) => each.model === model && each.version === version);
  if (!isKnown) versions.push({ model, version, digest });
}

function applyUsage(state: RunState, line: LogLine & { type: 'usage' }): void {
  const { cpuSeconds, maxMemoryBytes, output } = line;
  state.usage = {
    cpuSeconds: cpuSeconds ?? state.usage?.cpuSeconds,
    maxMemoryBytes: maxMemoryBytes ?? state.usage?.maxMemoryBytes,
    output:
      output === undefined ? state.usage?.output : new Map(output.map(({ key, value }) => [key, value])),
  };
}

function isRunStatus(status: string): status is RunStatus {
  return (RUN_STATUSES as readonly string[]).includes(status);
}

function isLoggedModelStatus(status: string): status is LoggedModelStatus {
  return (LOGGED_MODEL_STATUSES as readonly string[]).includes(status);
}

export function hasEnded(status: RunStatus): boolean {
  return status !== 'RUNNING' && status !== 'SCHEDULED';
}
