import type { CodeState } from '../../git/git.ts';

/** MLflow's names, which other tools know. `KILLED`: somebody stopped it. */
export const RUN_STATUSES = ['SCHEDULED', 'RUNNING', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export type LifecycleStage = 'active' | 'deleted';

/** One value of a metric. */
export interface MetricPoint {
  readonly key: string;
  /** May be NaN or infinite. */
  readonly value: number;
  /** A safe integer; may be negative. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The data set it was measured on. */
  readonly dataset?: { readonly name: string; readonly digest: string };
  /** Id of the logged model it belongs to. */
  readonly model?: string;
}

/** What is known of one metric without its history. */
export interface MetricSummary {
  /** Of the latest value: greatest step, then time, then value. */
  readonly value: number;
  readonly step: number;
  readonly time: number;
  /** How many values were logged. */
  readonly count: number;
  /** Without NaN; undefined when there is nothing else. The steps are those at which they were first reached. */
  readonly min: number | undefined;
  readonly minStep: number | undefined;
  readonly max: number | undefined;
  readonly maxStep: number | undefined;
}

/** A data set that a run read. */
export interface DatasetInput {
  readonly name: string;
  /** Identifies the content: `sha256:<64 hex>` where this program made it, anything for other clients. */
  readonly digest: string;
  /** `local`, `s3`, `huggingface` ... */
  readonly sourceType: string;
  readonly source: string;
  /** JSON text, as the client gave it. */
  readonly schema?: string;
  readonly profile?: string;
  /** `mlflow.data.context` holds the role: `train`, `eval` ... */
  readonly tags: ReadonlyMap<string, string>;
}

/** A logged model that a run read or wrote. */
export interface ModelLink {
  readonly model: string;
  readonly step: number;
}

/** Something that lies among the artifacts of a run: one file, or a directory whose files join those that are there. */
export interface ArtifactMount {
  /** Place among the artifacts; empty for the whole of them. */
  readonly path: string;
  /** `sha256:<64 hex>` of an artifact in the store. */
  readonly digest: string;
  readonly kind: 'file' | 'directory';
  /** Bytes. */
  readonly size: number;
  readonly files: number;
}

/** A version that was saved from a run. */
export interface VersionLink {
  readonly model: string;
  readonly version: string;
  readonly digest: string;
}

/** Where a run comes from. */
export interface RunSource {
  /** Words of the command line; secrets are `***`. */
  readonly command?: readonly string[] | undefined;
  /** The script or program that the command runs. */
  readonly entryPoint?: string | undefined;
  /** Directory it was started in, relative to the root of the work tree. */
  readonly directory?: string | undefined;
  readonly git?: CodeState | undefined;
}

/** A fingerprint of the surroundings: a fixed list of facts, none of which is a secret. */
export interface RunEnvironment {
  readonly platform?: string | undefined;
  readonly arch?: string | undefined;
  readonly cpu?: string | undefined;
  readonly cpus?: number | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  readonly gpus?: readonly string[] | undefined;
  /** Files that pin packages, such as requirements.txt, by digest. */
  readonly files?: readonly { readonly path: string; readonly digest: string }[] | undefined;
  readonly variables?: ReadonlyMap<string, string> | undefined;
}

export interface RunUsage {
  readonly cpuSeconds?: number | undefined;
  readonly maxMemoryBytes?: number | undefined;
  /** Bytes written, by stream: `stdout`, `stderr`. */
  readonly output?: ReadonlyMap<string, number> | undefined;
}

/** Everything known of one run but the history of its metrics. A snapshot: it does not change when the run does. */
export interface Run {
  /** 32 lower-case hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly experimentName: string;
  readonly createdBy: string;
  /** `FAILED` also where the process that answered for it died. */
  readonly status: RunStatus;
  /** Why the status is what it is, where somebody said so. */
  readonly reason: string | undefined;
  readonly exitCode: number | undefined;
  readonly lifecycle: LifecycleStage;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly deletedAt: number | undefined;
  readonly params: ReadonlyMap<string, string>;
  /** Without `mlflow.runName`, which is `name`. */
  readonly tags: ReadonlyMap<string, string>;
  readonly metrics: ReadonlyMap<string, MetricSummary>;
  readonly inputs: readonly DatasetInput[];
  readonly modelInputs: readonly ModelLink[];
  readonly modelOutputs: readonly ModelLink[];
  /** In the order in which they were logged; a later one lies over an earlier one. */
  readonly artifacts: readonly ArtifactMount[];
  readonly versions: readonly VersionLink[];
  readonly source: RunSource | undefined;
  readonly environment: RunEnvironment | undefined;
  readonly usage: RunUsage | undefined;
}

/** A named set of runs. */
export interface Experiment {
  /** Decimal digits; `0` is the default experiment, which is always there. */
  readonly id: string;
  readonly name: string;
  readonly lifecycle: LifecycleStage;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: ReadonlyMap<string, string>;
  /** As a client asked for it; artifacts are in the store whatever it says. */
  readonly artifactLocation: string | undefined;
}

export const DEFAULT_EXPERIMENT = { id: '0', name: 'Default' } as const;

export const LOGGED_MODEL_STATUSES = ['PENDING', 'READY', 'UPLOAD_FAILED'] as const;
export type LoggedModelStatus = (typeof LOGGED_MODEL_STATUSES)[number];

/** A model that a run logged, as MLflow 3 has them. */
export interface LoggedModel {
  /** `m-` and 32 lower-case hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  /** The run that logged it. */
  readonly runId: string | undefined;
  readonly modelType: string | undefined;
  readonly status: LoggedModelStatus;
  readonly lifecycle: LifecycleStage;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly params: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  readonly artifacts: readonly ArtifactMount[];
}
