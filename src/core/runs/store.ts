import { UsageError } from '../../errors.ts';
import { nearestNames } from '../../lib/nearest.ts';
import type { RunFiles } from '../../storage/run-files.ts';
import type { Repository } from '../repository/repository.ts';
import { ExperimentDocuments } from './experiments.ts';
import { assertCount, isRunId, shown } from './limits.ts';
import type { LogLine } from './log-lines.ts';
import { LoggedModelFiles } from './logged-models.ts';
import { Shapes } from './metric-table.ts';
import { readOutput } from './output-files.ts';
import { ReferenceQueue } from './reference-queue.ts';
import type { DatasetInput, MetricPoint, ModelLink, Run, VersionLink } from './run.ts';
import { OwnedArtifacts } from './run-artifacts.ts';
import { entriesOf } from './run-document.ts';
import { RunEntries } from './run-entries.ts';
import type { EntryParts, RunEntry } from './run-entry.ts';
import { readHistories, readHistory } from './run-history.ts';
import { searchRuns } from './run-search.ts';
import type {
  Artifacts,
  CreateRunRequest,
  HistoryPage,
  HistoryRequest,
  RunBatch,
  RunPage,
  RunStore,
  SearchRequest,
  UpdateRunRequest,
} from './run-store.ts';
import { viewOf } from './run-view.ts';
import { RunWrites } from './run-writes.ts';

export interface OpenRunStoreOptions {
  /**
   * This process lives for long and answers for the runs that are logged through it: also for those whose writer died, once somebody
   * goes on with them. Default false.
   */
  takesOver?: boolean;
}

const SHORTEST_PREFIX = 4;
const SHOWN_CANDIDATES = 5;

/** The runs of a clone. Close it at the end: that is when the index is written. */
export async function openRunStore(
  repository: Repository,
  options: OpenRunStoreOptions = {},
): Promise<RunStore> {
  const files = await repository.runFiles();
  return new Runs(repository, files, options);
}

class Runs implements RunStore {
  readonly experiments: ExperimentDocuments;
  readonly models: LoggedModelFiles;
  readonly #repository: Repository;
  readonly #files: RunFiles;
  readonly #entries: RunEntries;
  readonly #writes: RunWrites;
  readonly #references: ReferenceQueue;

  constructor(repository: Repository, files: RunFiles, { takesOver = false }: OpenRunStoreOptions) {
    this.#repository = repository;
    this.#files = files;
    const entry: EntryParts = {
      files,
      shapes: new Shapes(),
      now: () => repository.now().getTime(),
      canWrite: repository.unknownFeatures.length === 0,
    };
    this.#entries = new RunEntries(entry, repository.documents);
    this.experiments = new ExperimentDocuments(repository, this.#entries);
    this.#references = new ReferenceQueue(repository);
    const { experiments } = this;
    this.#writes = new RunWrites({ repository, entry, entries: this.#entries, experiments, takesOver });
    this.models = new LoggedModelFiles({ repository, files, experiments, references: this.#references });
  }

  async create(request: CreateRunRequest): Promise<Run> {
    return this.#view(await this.#writes.create(request));
  }

  async get(id: string): Promise<Run> {
    return this.#view(this.#entries.get(id, { metrics: true }));
  }

  async resolve(idOrName: string): Promise<Run> {
    const text = idOrName.startsWith('run:') ? idOrName.slice('run:'.length) : idOrName;
    if (isRunId(text)) return this.get(text);
    const byId = text.length >= SHORTEST_PREFIX && /^[0-9a-f]+$/.test(text) ? this.#startingWith(text) : [];
    const [first, second] = byId;
    if (first !== undefined && second === undefined) return this.get(first);
    const { runs } = byId.length > 0 ? { runs: [] } : await this.search({ view: 'all' });
    const named = runs.filter(({ name }) => name === text);
    const [only, another] = named;
    if (only !== undefined && another === undefined) return only;
    const candidates = byId.length > 0 ? byId : named.map(({ id }) => id);
    if (candidates.length > 0) {
      const ids = candidates
        .slice(0, SHOWN_CANDIDATES)
        .map((id) => id.slice(0, Math.max(12, text.length + 4)));
      throw new UsageError(
        'RUN_AMBIGUOUS',
        `"${shown(text)}" could be ${candidates.length} runs: ${ids.join(', ')}`,
        {
          hint: 'give more of the id',
        },
      );
    }
    const near = nearestNames(text, [...new Set(runs.map(({ name }) => name))]);
    throw new UsageError('RUN_NOT_FOUND', `there is no run "${shown(text)}"`, {
      hint: near.length > 0 ? `did you mean ${near.map(shown).join(', ')}?` : 'see the runs: mlops runs list',
    });
  }

  async update(id: string, request: UpdateRunRequest): Promise<Run> {
    return this.#view(await this.#writes.update(id, request));
  }

  snapshot(id: string): Promise<void> {
    return this.#writes.seal(id);
  }

  log(id: string, batch: RunBatch): Promise<void> {
    return this.#writes.log(id, batch);
  }

  deleteTag(id: string, key: string): Promise<void> {
    return this.#writes.lines(id, ({ tags }, time) => {
      if (!tags.has(key)) throw new UsageError('TAG_NOT_FOUND', `the run ${id} has no tag "${shown(key)}"`);
      return [{ type: 'tag-removed', time, key }];
    });
  }

  logInputs(
    id: string,
    { datasets = [], models = [] }: { datasets?: readonly DatasetInput[]; models?: readonly ModelLink[] },
  ): Promise<void> {
    return this.#writes.lines(id, (state, time) => {
      assertCount('inputs', state.inputs.length + datasets.length);
      assertCount('models', state.modelInputs.length + models.length);
      return [
        ...datasets.map(({ tags, ...input }): LogLine => ({
          type: 'input',
          time,
          ...input,
          tags: entriesOf(tags),
        })),
        ...models.map(({ model, step }): LogLine => ({ type: 'model-input', time, model, step })),
      ];
    });
  }

  logOutputs(id: string, models: readonly ModelLink[]): Promise<void> {
    return this.#writes.lines(id, (state, time) => {
      assertCount('models', state.modelOutputs.length + models.length);
      return models.map(({ model, step }) => ({ type: 'model-output', time, model, step }));
    });
  }

  linkVersion(id: string, { model, version, digest }: VersionLink): Promise<void> {
    return this.#writes.lines(id, (_state, time) => [{ type: 'version', time, model, version, digest }]);
  }

  delete(id: string): Promise<void> {
    return this.#writes.setLifecycle(id, 'deleted');
  }

  restore(id: string): Promise<void> {
    return this.#writes.setLifecycle(id, 'active');
  }

  purge(ids: readonly string[]): Promise<void> {
    return this.#writes.purge(ids);
  }

  artifacts(id: string): Artifacts {
    const owner = {
      mounts: () => this.#entries.get(id, { metrics: false }).state.artifacts,
      append: (line: LogLine) => this.#writes.appendNow(id, line),
    };
    return new OwnedArtifacts(this.#repository, owner, this.#references);
  }

  async history(id: string, request: HistoryRequest): Promise<HistoryPage> {
    return readHistory(this.#files, this.#entries.get(id, { metrics: false }).place, request);
  }

  async histories(id: string, keys: readonly string[]): Promise<ReadonlyMap<string, readonly MetricPoint[]>> {
    return readHistories(this.#files, this.#entries.get(id, { metrics: false }).place, keys);
  }

  search(request: SearchRequest = {}): Promise<RunPage> {
    return searchRuns({ entries: this.#entries, experiments: this.experiments }, request);
  }

  async output(id: string, stream: 'stdout' | 'stderr'): Promise<Uint8Array | undefined> {
    const { place, state } = this.#entries.get(id, { metrics: false });
    return readOutput(this.#files, place, { stream, written: state.usage?.output?.get(stream) });
  }

  async close(): Promise<void> {
    await this.#entries.saveIndex();
    this.#files.close();
  }

  async #view({ state, metrics }: RunEntry): Promise<Run> {
    const experiment = await this.experiments.documentOf(state.experimentId);
    return viewOf(
      state,
      metrics,
      experiment === undefined ? new Map() : new Map([[experiment.id, experiment]]),
    );
  }

  #startingWith(prefix: string): string[] {
    const found: string[] = [];
    for (const month of this.#files.months())
      for (const name of this.#files.names(month))
        if (isRunId(name) && name.startsWith(prefix)) found.push(name);
    return found;
  }
}
