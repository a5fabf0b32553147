import { randomBytes } from 'node:crypto';
import { ConflictError, UsageError } from '../../errors.ts';
import type { WriterProcess } from '../../storage/run-files.ts';
import { assertWritable } from '../repository/format.ts';
import type { Repository } from '../repository/repository.ts';
import type { ExperimentDocuments } from './experiments.ts';
import {
  assertCount,
  assertMetric,
  assertName,
  assertParam,
  assertTag,
  isDate,
  isRunId,
  shown,
} from './limits.ts';
import { encodeLogLine, type LogLine } from './log-lines.ts';
import { MetricTable } from './metric-table.ts';
import { randomName } from './random-name.ts';
import { looksSecret, REDACTED } from './redact.ts';
import { DEFAULT_EXPERIMENT } from './run.ts';
import { encodeRun, entriesOf } from './run-document.ts';
import type { RunEntries } from './run-entries.ts';
import { logHead, RunEntry, type EntryParts } from './run-entry.ts';
import { hasEnded, RUN_NAME_TAG, type RunState } from './run-state.ts';
import type { CreateRunRequest, RunBatch, UpdateRunRequest } from './run-store.ts';
import { lifecycleOf } from './run-view.ts';

export interface WriteParts {
  readonly repository: Repository;
  readonly entry: EntryParts;
  readonly entries: RunEntries;
  readonly experiments: ExperimentDocuments;
  /** Whether this process answers for runs whose writer died, once it writes to them. */
  readonly takesOver: boolean;
}

type Pair = readonly [key: string, value: string];

/** What changes runs; see `RunStore`. */
export class RunWrites {
  readonly #parts: WriteParts;

  constructor(parts: WriteParts) {
    this.#parts = parts;
  }

  async create(request: CreateRunRequest): Promise<RunEntry> {
    const { repository, entry: parts, entries } = this.#parts;
    assertWritable(repository.unknownFeatures);
    const state = await this.#newState(request);
    const place = { month: new Date(state.startedAt).toISOString().slice(0, 7), name: state.id };
    if (request.id !== undefined && parts.files.find(state.id) !== undefined) throw runExists(state.id);
    const writer = request.writer === 'process' ? parts.files.self() : undefined;
    const head = logHead(parts.now());
    const log = Buffer.from(encodeLogLine(head) + encodeLogLine(writerLine(parts.now(), writer)));
    const known = {
      state: { ...state, writer, log: { id: head.type === 'log' ? head.id : undefined, bytes: log.length } },
      metrics: MetricTable.empty,
      metricsBytes: 0,
    };
    const document = encodeRun(known);
    if (document === undefined)
      throw new UsageError('LIMIT_EXCEEDED', 'what the run starts with is too large');
    const files = new Map([
      ['run.json', document],
      ['log.jsonl', log],
    ]);
    if (!(await parts.files.create(place, files, { durable: request.durable === true })))
      throw runExists(state.id);
    const created = RunEntry.read(place, parts);
    if (created === undefined) throw runExists(state.id);
    entries.add(created);
    return created;
  }

  async update(id: string, request: UpdateRunRequest): Promise<RunEntry> {
    await this.#assertLoggable(id);
    const entry = this.#open(id);
    const { name, status, endedAt, exitCode, reason, usage } = request;
    const lines: LogLine[] = [];
    const time = this.#now();
    if (name !== undefined) {
      assertName('run', name);
      lines.push({ type: 'name', time, name });
    }
    if (usage !== undefined) {
      const { cpuSeconds, maxMemoryBytes, output } = usage;
      const streams = entriesOf(output ?? new Map<string, number>()).flatMap(({ key, value }) =>
        key === 'stdout' || key === 'stderr' ? [{ key, value } as const] : [],
      );
      lines.push({ type: 'usage', time, cpuSeconds, maxMemoryBytes, output: streams });
    }
    if (endedAt !== undefined) assertDate('end', endedAt);
    if (status !== undefined || exitCode !== undefined || reason !== undefined) {
      const next = status ?? entry.state.status;
      lines.push({ type: 'status', time, status: next, endedAt, exitCode, reason });
    }
    this.#append(entry, lines);
    if (status !== undefined && hasEnded(status)) await this.seal(id);
    return this.#parts.entries.get(id, { metrics: true });
  }

  /** Writes run.json of a run that has ended, durably. */
  async seal(id: string): Promise<void> {
    await this.#parts.entries.get(id, { metrics: true }).snapshot({ durable: true });
  }

  async log(id: string, batch: RunBatch): Promise<void> {
    await this.#assertLoggable(id);
    const { metrics = [] } = batch;
    const [params, tags] = [this.#withoutSecrets(batch.params ?? []), this.#withoutSecrets(batch.tags ?? [])];
    const entry = this.#open(id);
    for (const point of metrics) assertMetric(point);
    for (const [key, value] of params) assertParam(key, value);
    for (const [key, value] of tags) assertTag(key, value);
    const time = this.#now();
    const lines: LogLine[] = newParams(entry.state, params).map(([key, value]) => ({
      type: 'param',
      time,
      key,
      value,
    }));
    assertCount('tags', new Set([...entry.state.tags.keys(), ...tags.map(([key]) => key)]).size);
    for (const [key, value] of tags) {
      if (key === RUN_NAME_TAG) assertName('run', value);
      lines.push({ type: 'tag', time, key, value });
    }
    // What may be repeated comes first: if this process ends in between, the client logs all of it again.
    this.#append(entry, lines);
    entry.appendMetrics(metrics);
  }

  /** Appends lines to the log of a run that is not deleted. */
  async lines(id: string, make: (state: RunState, time: number) => readonly LogLine[]): Promise<void> {
    await this.#assertLoggable(id);
    const entry = this.#open(id);
    this.#append(entry, make(entry.state, this.#now()));
  }

  /** As `lines`, for whoever did everything that takes time. */
  appendNow(id: string, line: LogLine): void {
    assertWritable(this.#parts.repository.unknownFeatures);
    this.#append(this.#open(id), [line]);
  }

  async setLifecycle(id: string, lifecycle: 'active' | 'deleted'): Promise<void> {
    const { repository, entries } = this.#parts;
    assertWritable(repository.unknownFeatures);
    const entry = entries.get(id, { metrics: false });
    if (entry.state.lifecycle === lifecycle) return;
    this.#append(entry, [{ type: 'lifecycle', time: this.#now(), lifecycle }]);
  }

  async purge(ids: readonly string[]): Promise<void> {
    const { repository, entry: parts, entries, experiments } = this.#parts;
    assertWritable(repository.unknownFeatures);
    const known = await experiments.documents();
    const going = ids.map((id) => entries.get(id, { metrics: false }));
    for (const { id, outline } of going) {
      if (lifecycleOf(outline, known) === 'deleted') continue;
      throw new UsageError('RUN_ACTIVE', `the run ${id} is not deleted`, {
        hint: `delete it first: mlops runs delete ${id.slice(0, 12)}`,
      });
    }
    for (const { id, place } of going) {
      await parts.files.remove(place);
      entries.forget(id);
    }
  }

  #append(entry: RunEntry, lines: readonly LogLine[]): void {
    entry.append(lines);
    this.#parts.entries.touch(entry);
  }

  /**
   * A run that may be written to, as it is now: nothing may be awaited between this and the write, or another call could come in
   * between.
   */
  #open(id: string): RunEntry {
    const { entries } = this.#parts;
    const entry = entries.get(id, { metrics: false });
    if (entry.outline.lifecycle === 'deleted') throw runDeleted(id);
    this.#takeOver(entry);
    entries.touch(entry);
    return entry;
  }

  /** @throws UsageError `RUN_DELETED`, `RUN_NOT_FOUND`, `FORMAT_UNSUPPORTED` */
  async #assertLoggable(id: string): Promise<void> {
    const { repository, entries, experiments } = this.#parts;
    assertWritable(repository.unknownFeatures);
    const { outline } = entries.get(id, { metrics: false });
    const experiment = await experiments.documentOf(outline.experimentId);
    if (experiment?.lifecycle === 'deleted') throw runDeleted(id);
  }

  /** A server that was started again answers for the runs that its clients go on with. */
  #takeOver(entry: RunEntry): void {
    const { takesOver, entry: parts } = this.#parts;
    if (!takesOver) return;
    const { status, presumed, writer } = entry.state;
    if (status !== 'RUNNING' && !presumed) return;
    if (writer === undefined || !parts.files.hasEnded(writer)) return;
    entry.append([writerLine(parts.now(), parts.files.self())]);
    entry.refresh({ metrics: false });
  }

  async #newState(request: CreateRunRequest): Promise<RunState> {
    const { repository, experiments } = this.#parts;
    const {
      id = randomBytes(16).toString('hex'),
      experimentId = DEFAULT_EXPERIMENT.id,
      source,
      environment,
    } = request;
    if (!isRunId(id)) throw new UsageError('VALUE_INVALID', `"${shown(id)}" is no id of a run`);
    const experiment = await experiments.get(experimentId);
    if (experiment.lifecycle === 'deleted') {
      throw new UsageError('EXPERIMENT_DELETED', `the experiment "${shown(experiment.name)}" was deleted`, {
        hint: 'choose another one, or restore it',
      });
    }
    const params = new Map(this.#withoutSecrets([...(request.params ?? [])]));
    const tags = new Map(this.#withoutSecrets([...(request.tags ?? [])]));
    for (const [key, value] of params) assertParam(key, value);
    for (const [key, value] of tags) assertTag(key, value);
    assertCount('params', params.size);
    assertCount('tags', tags.size);
    const name = request.name ?? tags.get(RUN_NAME_TAG) ?? randomName();
    assertName('run', name);
    const startedAt = request.startedAt ?? this.#now();
    assertDate('start', startedAt);
    const user = request.user ?? (await repository.actor());
    return {
      id,
      name,
      experimentId,
      experimentName: experiment.name,
      createdBy: user.slice(0, 1000),
      status: request.status ?? 'RUNNING',
      reason: undefined,
      presumed: false,
      exitCode: undefined,
      lifecycle: 'active',
      startedAt,
      endedAt: undefined,
      deletedAt: undefined,
      params,
      tags: new Map([...tags].filter(([key]) => key !== RUN_NAME_TAG)),
      inputs: [],
      modelInputs: [],
      modelOutputs: [],
      artifacts: [],
      versions: [],
      source,
      environment,
      usage: undefined,
      writer: undefined,
      log: { id: undefined, bytes: 0 },
      lastTime: 0,
    };
  }

  /** A training script can't be asked; what it should not have logged is not kept, and it goes on. */
  #withoutSecrets(pairs: readonly Pair[]): readonly Pair[] {
    const { allowedSecrets } = this.#parts.repository.config.hooks;
    return pairs.map(([key, value]) => [key, looksSecret(key, value, allowedSecrets) ? REDACTED : value]);
  }

  #now(): number {
    return this.#parts.entry.now();
  }
}

/** Those that are not logged yet. @throws ConflictError `PARAM_EXISTS` */
export function newParams(
  { params: known, id }: { params: ReadonlyMap<string, string>; id: string },
  params: readonly Pair[],
): Pair[] {
  const added = new Map<string, string>();
  for (const [key, value] of params) {
    const before = known.get(key) ?? added.get(key);
    if (before === undefined) added.set(key, value);
    else if (before !== value) {
      throw new ConflictError(
        'PARAM_EXISTS',
        `the param "${shown(key)}" of ${id} is "${shown(before)}" and can't be changed to "${shown(value)}"`,
        { hint: 'a param is written once; log what changes as a metric or a tag', retryable: false },
      );
    }
  }
  assertCount('params', known.size + added.size);
  return [...added];
}

function writerLine(time: number, writer: WriterProcess | undefined): LogLine {
  return { type: 'writer', time, ...writer };
}

function assertDate(what: string, time: number): void {
  if (isDate(time)) return;
  throw new UsageError(
    'VALUE_INVALID',
    `the ${what} of a run is a number of milliseconds since 1970, up to the year 9999`,
  );
}

function runDeleted(id: string): UsageError {
  return new UsageError('RUN_DELETED', `the run ${id} was deleted`, {
    hint: `restore it first: mlops runs restore ${id.slice(0, 12)}`,
  });
}

function runExists(id: string): ConflictError {
  return new ConflictError('RUN_EXISTS', `there is a run ${id} already`, {
    hint: 'a run keeps its id for ever',
    retryable: false,
  });
}
