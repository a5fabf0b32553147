import * as z from 'zod';
import type { JsonValue } from '../../lib/canonical-json.ts';
import { Timestamp } from '../audit/index.ts';
import { Lineage } from '../registry/record.ts';
import { encodeDocument, parseDocument } from '../repository/document.ts';
import { isRunId, RUN_LIMITS } from './limits.ts';
import {
  Dataset,
  Entries,
  Key,
  Link,
  Milliseconds,
  Mount,
  ParamValue,
  Text,
  Usage,
  Version,
  Writer,
} from './log-lines.ts';
import { readNumber, storedNumber } from './metric-lines.ts';
import { MetricTable, type Shapes } from './metric-table.ts';
import { RUN_STATUSES, type MetricSummary, type RunEnvironment, type RunSource } from './run.ts';
import { hasEnded, type RunState } from './run-state.ts';

export const RunId = z.string().refine(isRunId, 'is no id of a run');
export const ExperimentId = z.string().regex(/^[0-9]{1,19}$/);
export const LogId = z.string().regex(/^[0-9a-f]{16}$/);
const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const Size = z.number().int().min(0);
const MetricValue = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]);
const many = <S extends z.ZodType>(item: S): z.ZodArray<S> => z.array(item).max(RUN_LIMITS.entries);

const Metric = z.object({
  key: Key,
  value: MetricValue,
  step: z.number().int(),
  time: Milliseconds,
  count: z.number().int().min(1),
  min: MetricValue.optional(),
  minStep: z.number().int().optional(),
  max: MetricValue.optional(),
  maxStep: z.number().int().optional(),
});

const Source = z.looseObject({
  command: z.array(z.string().max(RUN_LIMITS.lineBytes)).max(RUN_LIMITS.entries).optional(),
  entryPoint: z.string().max(4096).optional(),
  directory: z.string().max(4096).optional(),
  git: z.lazy(() => Lineage.unwrap().shape.git.unwrap()).optional(),
});

const Environment = z.looseObject({
  platform: z.string().max(100).optional(),
  arch: z.string().max(100).optional(),
  cpu: z.string().max(200).optional(),
  cpus: Size.optional(),
  memory: Size.optional(),
  gpus: z.array(z.string().max(200)).max(64).optional(),
  files: z
    .array(z.object({ path: z.string().max(4096), digest: Digest }))
    .max(100)
    .optional(),
  variables: Entries.optional(),
});

/** Experiment as a run names it. */
export const ExperimentName = z.object({ id: ExperimentId, name: z.string().max(RUN_LIMITS.nameLength) });

/** docs/format.md section 5.9. Loose, as a newer program may add members. */
const RunDocument = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.run/1'),
    id: RunId,
    name: z.string().max(RUN_LIMITS.nameLength),
    experiment: ExperimentName,
    createdBy: z.string().max(1000),
    status: z.enum(RUN_STATUSES),
    reason: Text.optional(),
    presumed: z.literal(true).optional(),
    exitCode: z.number().int().min(0).max(255).optional(),
    lifecycle: z.enum(['active', 'deleted']),
    startedAt: Timestamp,
    endedAt: Timestamp.optional(),
    deletedAt: Timestamp.optional(),
    params: many(z.object({ key: Key, value: ParamValue })),
    tags: Entries,
    metrics: many(Metric),
    inputs: many(Dataset),
    modelInputs: many(Link).optional(),
    modelOutputs: many(Link).optional(),
    artifacts: many(Mount),
    versions: many(Version).optional(),
    source: Source.optional(),
    environment: Environment.optional(),
    usage: Usage.optional(),
    writer: Writer.optional(),
    folded: z.object({
      log: z.object({ id: LogId.optional(), bytes: Size }),
      metrics: Size,
    }),
  }),
);
type RunDocument = z.output<typeof RunDocument>;

/** A run as its document states it, up to where it stops in the two other files. */
export interface DecodedRun {
  state: RunState;
  metrics: MetricTable;
  /** Bytes of metrics.jsonl that `metrics` sums up. */
  metricsBytes: number;
}

/**
 * @param source path below the Git root, for messages
 * @param options.canonical require the canonical bytes; readers of a list need not
 * @throws as `parseDocument`
 */
export function decodeRun(
  bytes: Uint8Array,
  { path, canonical, shapes }: { path: string; canonical: boolean; shapes: Shapes },
): DecodedRun {
  const document = parseDocument(bytes, RunDocument, { path, canonical });
  return {
    state: stateOf(document),
    metrics: MetricTable.of(document.metrics.map(summaryOf), shapes),
    metricsBytes: document.folded.metrics,
  };
}

/** Undefined when it would be longer than readers take: then the files it sums up have to do. */
export function encodeRun({ state, metrics, metricsBytes }: DecodedRun): Uint8Array | undefined {
  const { params, tags, inputs, artifacts, versions } = state;
  const counts = [params.size, tags.size, metrics.size, inputs.length, artifacts.length, versions.length];
  if (Math.max(...counts) > RUN_LIMITS.entries) return undefined;
  const bytes = encodeDocument(documentOf(state, metrics, metricsBytes));
  return bytes.length > RUN_LIMITS.documentBytes ? undefined : bytes;
}

/** The form of a state without metrics that an index keeps. */
export function stateToJson(state: RunState): JsonValue {
  return { document: documentOf(state, MetricTable.empty, 0), lastTime: state.lastTime };
}

/** @param value what `stateToJson` gave */
export function stateFromJson(value: unknown): RunState {
  const { document, lastTime } = value as { document: RunDocument; lastTime: number };
  return { ...stateOf(document), lastTime };
}

function stateOf(document: RunDocument): RunState {
  const { experiment, usage, environment, source } = document;
  return {
    id: document.id,
    name: document.name,
    experimentId: experiment.id,
    experimentName: experiment.name,
    createdBy: document.createdBy,
    status: document.status,
    reason: document.reason,
    presumed: document.presumed ?? false,
    exitCode: document.exitCode,
    lifecycle: document.lifecycle,
    startedAt: Date.parse(document.startedAt),
    endedAt: timeOf(document.endedAt),
    deletedAt: timeOf(document.deletedAt),
    params: mapOf(document.params),
    tags: mapOf(document.tags),
    inputs: document.inputs.map(datasetOf),
    modelInputs: [...(document.modelInputs ?? [])],
    modelOutputs: [...(document.modelOutputs ?? [])],
    artifacts: [...document.artifacts],
    versions: [...(document.versions ?? [])],
    source: source === undefined ? undefined : (source as RunSource),
    environment: environment === undefined ? undefined : environmentOf(environment),
    usage:
      usage === undefined ? undefined : { ...usage, output: usage.output && mapOf<number>(usage.output) },
    writer: document.writer,
    log: { id: document.folded.log.id, bytes: document.folded.log.bytes },
    lastTime: 0,
  };
}

function datasetOf({ schema, profile, tags, ...rest }: z.output<typeof Dataset>): RunState['inputs'][number] {
  return {
    ...rest,
    ...(schema === undefined ? {} : { schema }),
    ...(profile === undefined ? {} : { profile }),
    tags: mapOf(tags),
  };
}

function environmentOf({ variables, ...rest }: z.output<typeof Environment>): RunEnvironment {
  return { ...rest, variables: variables && mapOf(variables) };
}

function summaryOf(metric: z.output<typeof Metric>): [string, MetricSummary] {
  const { key, step, time, count, minStep, maxStep } = metric;
  const value = readNumber(metric.value) ?? Number.NaN;
  return [
    key,
    { value, step, time, count, min: readNumber(metric.min), minStep, max: readNumber(metric.max), maxStep },
  ];
}

function documentOf(state: RunState, metrics: MetricTable, metricsBytes: number): JsonValue {
  const { source, usage, environment } = state;
  return {
    schema: 'mlops.run/1',
    id: state.id,
    name: state.name,
    experiment: { id: state.experimentId, name: state.experimentName },
    createdBy: state.createdBy,
    status: state.status,
    reason: state.reason,
    presumed: state.presumed ? true : undefined,
    exitCode: state.exitCode,
    lifecycle: state.lifecycle,
    startedAt: textOf(state.startedAt),
    endedAt: textOf(state.endedAt),
    deletedAt: textOf(state.deletedAt),
    params: entriesOf(state.params),
    tags: entriesOf(state.tags),
    metrics: [...metrics].map(([key, summary]) => metricOf(key, summary)),
    inputs: state.inputs.map(({ tags, ...input }) => ({ ...input, tags: entriesOf(tags) })),
    modelInputs: some(state.modelInputs.map((link) => ({ ...link }))),
    modelOutputs: some(state.modelOutputs.map((link) => ({ ...link }))),
    artifacts: state.artifacts.map((mount) => ({ ...mount })),
    versions: some(state.versions.map((version) => ({ ...version }))),
    source: source === undefined ? undefined : ({ ...source } as JsonValue),
    environment:
      environment === undefined
        ? undefined
        : { ...environment, variables: environment.variables && entriesOf(environment.variables) },
    usage: usage === undefined ? undefined : { ...usage, output: usage.output && entriesOf(usage.output) },
    writer: state.writer === undefined || hasEnded(state.status) ? undefined : { ...state.writer },
    folded: { log: { ...state.log }, metrics: metricsBytes },
  };
}

function metricOf(key: string, { value, step, time, count, ...extremes }: MetricSummary): JsonValue {
  const { min, minStep, max, maxStep } = extremes;
  return {
    key,
    value: storedNumber(value),
    step,
    time,
    count,
    min: min === undefined ? undefined : storedNumber(min),
    minStep,
    max: max === undefined ? undefined : storedNumber(max),
    maxStep,
  };
}

/** Sorted by key. */
export function entriesOf<V extends JsonValue>(map: ReadonlyMap<string, V>): { key: string; value: V }[] {
  return [...map]
    .toSorted(([first], [second]) => (first < second ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
}

export function mapOf<V>(entries: readonly { key: string; value: V }[]): Map<string, V> {
  return new Map(entries.map(({ key, value }) => [key, value]));
}

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}

function textOf(time: number): string;
function textOf(time: number | undefined): string | undefined;
function textOf(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
