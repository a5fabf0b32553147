import { randomBytes } from 'node:crypto';
import { MlopsError, UsageError } from '../../errors.ts';
import type { RunFiles, RunPlace } from '../../storage/run-files.ts';
import type { QueryOptions } from '../query/index.ts';
import { assertWritable } from '../repository/format.ts';
import type { Repository } from '../repository/repository.ts';
import type { ExperimentDocuments } from './experiments.ts';
import {
  assertCount,
  assertName,
  assertParam,
  assertTag,
  isLoggedModelId,
  isRunId,
  shown,
} from './limits.ts';
import type { LogLine } from './log-lines.ts';
import { MetricTable, Shapes } from './metric-table.ts';
import { decodeMetric } from './metric-lines.ts';
import { appendToModel, encodeModel, modelNotFound, readModel } from './model-document.ts';
import { page } from './paging.ts';
import { compareItems, itemFilter, type QueryItem } from './query-items.ts';
import { randomName } from './random-name.ts';
import { readLines } from './read-lines.ts';
import type { ReferenceQueue } from './reference-queue.ts';
import type { LoggedModel, LoggedModelStatus, MetricPoint } from './run.ts';
import { OwnedArtifacts } from './run-artifacts.ts';
import { newParams } from './run-writes.ts';
import type {
  Artifacts,
  CreateLoggedModelRequest,
  LoggedModelPage,
  LoggedModels,
  SearchRequest,
} from './run-store.ts';
import type { LoggedModelState } from './run-state.ts';

type Pairs = readonly (readonly [key: string, value: string])[];

export interface LoggedModelParts {
  repository: Repository;
  files: RunFiles;
  experiments: ExperimentDocuments;
  references: ReferenceQueue;
}

/** Logged models as directories beside those of runs; see `LoggedModels`. */
export class LoggedModelFiles implements LoggedModels {
  readonly #parts: LoggedModelParts;
  /** What was read, as long as neither file changed. */
  readonly #known = new Map<string, { stamp: string; state: LoggedModelState }>();

  constructor(parts: LoggedModelParts) {
    this.#parts = parts;
  }

  async create(request: CreateLoggedModelRequest): Promise<LoggedModel> {
    const { repository, files, experiments } = this.#parts;
    const { experimentId, name = randomName(), modelType, runId } = request;
    assertWritable(repository.unknownFeatures);
    const experiment = await experiments.get(experimentId);
    if (experiment.lifecycle === 'deleted')
      throw new UsageError('EXPERIMENT_DELETED', `the experiment "${shown(experiment.name)}" was deleted`);
    assertName('logged model', name);
    if (modelType !== undefined && modelType !== '') assertName('type of the model', modelType);
    if (runId !== undefined && (!isRunId(runId) || files.find(runId) === undefined))
      throw new UsageError('RUN_NOT_FOUND', `there is no run ${shown(runId)}`);
    const { params = new Map<string, string>(), tags = new Map<string, string>() } = request;
    for (const [key, value] of params) assertParam(key, value);
    for (const [key, value] of tags) assertTag(key, value);
    assertCount('params', params.size);
    const now = repository.now().getTime();
    const state: LoggedModelState = {
      id: `m-${randomBytes(16).toString('hex')}`,
      name,
      experimentId,
      runId,
      modelType,
      status: 'PENDING',
      lifecycle: 'active',
      createdAt: now,
      updatedAt: now,
      params: new Map(params),
      tags: new Map(tags),
      artifacts: [],
      lastTime: 0,
      log: { id: undefined, bytes: 0 },
    };
    const place = { month: new Date(now).toISOString().slice(0, 7), name: state.id };
    const document = encodeModel(state, experiment.name);
    await files.create(place, new Map([['model.json', document]]), { durable: false });
    return viewOf(state);
  }

  async get(id: string): Promise<LoggedModel> {
    return viewOf(this.#active(id).state);
  }

  async finish(id: string, status: LoggedModelStatus): Promise<LoggedModel> {
    this.#append(id, () => [{ type: 'status', time: this.#now(), status }]);
    return this.get(id);
  }

  async logParams(id: string, params: Pairs): Promise<void> {
    for (const [key, value] of params) assertParam(key, value);
    this.#append(id, (state) =>
      newParams(state, params).map(([key, value]) => ({ type: 'param', time: this.#now(), key, value })),
    );
  }

  async setTags(id: string, tags: Pairs): Promise<void> {
    for (const [key, value] of tags) assertTag(key, value);
    this.#append(id, (state) => {
      assertCount('tags', new Set([...state.tags.keys(), ...tags.map(([key]) => key)]).size);
      return tags.map(([key, value]) => ({ type: 'tag', time: this.#now(), key, value }));
    });
  }

  async deleteTag(id: string, key: string): Promise<void> {
    this.#append(id, ({ tags }) => {
      if (!tags.has(key)) throw new UsageError('TAG_NOT_FOUND', `${id} has no tag "${shown(key)}"`);
      return [{ type: 'tag-removed', time: this.#now(), key }];
    });
  }

  async delete(id: string): Promise<void> {
    this.#append(id, () => [{ type: 'lifecycle', time: this.#now(), lifecycle: 'deleted' }]);
  }

  artifacts(id: string): Artifacts {
    const { repository, references } = this.#parts;
    const owner = {
      mounts: () => this.#active(id).state.artifacts,
      append: (line: LogLine) => this.#append(id, () => [line]),
    };
    return new OwnedArtifacts(repository, owner, references);
  }

  async search(request: SearchRequest): Promise<LoggedModelPage> {
    const { experimentIds, filter, orderBy, view = 'active', maxResults, pageToken } = request;
    const matches = itemFilter(filter, MODEL_QUERY);
    const compare = compareItems(orderBy, MODEL_QUERY);
    const wanted = experimentIds === undefined ? undefined : new Set(experimentIds);
    const found = this.#all()
      .filter(({ experimentId }) => wanted === undefined || wanted.has(experimentId))
      .filter(({ lifecycle }) => view === 'all' || lifecycle === view)
      .map((state) => ({ state, item: this.#itemOf(state) }))
      .filter(({ item }) => matches(item))
      .toSorted((first, second) => newestFirst(first.state, second.state))
      .toSorted((first, second) => compare(first.item, second.item));
    const search = ['models', wanted === undefined ? null : [...wanted].toSorted(), filter, orderBy, view];
    const { items, nextPageToken } = page(found, { maxResults, pageToken, search });
    return { models: items.map(({ state }) => viewOf(state)), nextPageToken };
  }

  async metrics(id: string): Promise<readonly (MetricPoint & { readonly runId: string })[]> {
    const { state } = this.#active(id);
    const { runId } = state;
    if (runId === undefined) return [];
    return [...this.#tableOf(state)].map(([key, { value, step, time }]) => ({
      key,
      value,
      step,
      time,
      model: id,
      runId,
    }));
  }

  /** What its source run logged with its id. */
  #tableOf({ id, runId }: LoggedModelState): MetricTable {
    const { files } = this.#parts;
    const place = runId === undefined ? undefined : files.find(runId);
    if (place === undefined) return MetricTable.empty;
    const points: MetricPoint[] = [];
    readLines({ files, place, file: 'metrics.jsonl', offset: 0 }, (line) => {
      const point = line.includes(id) ? decodeMetric(line) : undefined;
      if (point?.model === id) points.push(point);
    });
    return MetricTable.empty.with(points, new Shapes());
  }

  #itemOf(state: LoggedModelState): QueryItem {
    let table: MetricTable | undefined;
    const attributes = new Map<string, string | number | undefined>([
      ['model_id', state.id],
      ['name', state.name],
      ['model_type', state.modelType],
      ['status', state.status],
      ['source_run_id', state.runId],
      ['experiment_id', state.experimentId],
      ['creation_timestamp', state.createdAt],
      ['last_updated_timestamp', state.updatedAt],
    ]);
    return {
      metric: (key) => (table ??= this.#tableOf(state)).latest(key),
      param: (key) => state.params.get(key),
      tag: (key) => state.tags.get(key),
      attribute: (key) => attributes.get(key),
    };
  }

  #all(): LoggedModelState[] {
    const { files } = this.#parts;
    const found: LoggedModelState[] = [];
    for (const month of files.months()) {
      for (const name of files.names(month)) {
        if (!isLoggedModelId(name)) continue;
        try {
          const state = this.#read({ month, name });
          if (state !== undefined) found.push(state);
        } catch (error) {
          // One damaged model must not hide the others; `mlops verify` names it.
          if (!(error instanceof MlopsError)) throw error;
        }
      }
    }
    return found;
  }

  #active(id: string): { state: LoggedModelState; place: RunPlace } {
    const place = isLoggedModelId(id) ? this.#parts.files.find(id) : undefined;
    const state = place === undefined ? undefined : this.#read(place);
    if (place === undefined || state?.lifecycle !== 'active') throw modelNotFound(id);
    return { state, place };
  }

  #read(place: RunPlace): LoggedModelState | undefined {
    const { files } = this.#parts;
    const stamp = ['model.json', 'log.jsonl']
      .map((file) => files.state(place, file))
      .map((state) => (state === undefined ? '-' : `${state.inode} ${state.size} ${state.changedMs}`))
      .join();
    const known = this.#known.get(place.name);
    if (known?.stamp === stamp) return known.state;
    const state = readModel(files, place);
    if (state !== undefined) this.#known.set(place.name, { stamp, state });
    return state;
  }

  #append(id: string, make: (state: LoggedModelState) => readonly LogLine[]): void {
    const { repository, files } = this.#parts;
    assertWritable(repository.unknownFeatures);
    const { state, place } = this.#active(id);
    appendToModel(files, place, make(state));
  }

  #now(): number {
    return this.#parts.repository.now().getTime();
  }
}

function viewOf(state: LoggedModelState): LoggedModel {
  const { log: _log, lastTime: _lastTime, ...model } = state;
  return {
    ...model,
    params: new Map(model.params),
    tags: new Map(model.tags),
    artifacts: [...model.artifacts],
  };
}

function newestFirst(first: LoggedModelState, second: LoggedModelState): number {
  return second.createdAt - first.createdAt || (first.id < second.id ? -1 : 1);
}

const MODEL_QUERY: QueryOptions = {
  attributes: {
    model_id: 'string',
    name: 'string',
    model_type: 'string',
    status: 'string',
    source_run_id: 'string',
    experiment_id: 'string',
    creation_timestamp: 'number',
    last_updated_timestamp: 'number',
  },
  aliases: { creation_time: 'creation_timestamp', last_updated_time: 'last_updated_timestamp' },
};
