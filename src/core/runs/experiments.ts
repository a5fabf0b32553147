import { ConflictError, MlopsError, RefusedError, UsageError } from '../../errors.ts';
import { nearestNames } from '../../lib/nearest.ts';
import { assertWritable } from '../repository/format.ts';
import type { Repository } from '../repository/repository.ts';
import {
  encodeExperiment,
  experimentIdOf,
  experimentPath,
  EXPERIMENTS_DIRECTORY,
  parseExperiment,
} from './experiment-document.ts';
import { assertName, assertTag, shown } from './limits.ts';
import { page } from './paging.ts';
import { compareItems, itemFilter, type QueryItem } from './query-items.ts';
import { DEFAULT_EXPERIMENT, type Experiment } from './run.ts';
import { ExperimentId } from './run-document.ts';
import type { RunEntries } from './run-entries.ts';
import type {
  CreateExperimentRequest,
  ExperimentPage,
  Experiments,
  SearchExperimentsRequest,
} from './run-store.ts';

/** What is known of one document without reading it again. */
interface Known {
  bytes: Uint8Array;
  experiment: Experiment;
}

/** Experiments as documents, and those that only their runs know. */
export class ExperimentDocuments implements Experiments {
  readonly #repository: Repository;
  readonly #entries: RunEntries;
  readonly #known = new Map<string, Known>();

  constructor(repository: Repository, entries: RunEntries) {
    this.#repository = repository;
    this.#entries = entries;
  }

  async create(request: CreateExperimentRequest): Promise<Experiment> {
    const { name, tags = new Map<string, string>(), artifactLocation } = request;
    assertWritable(this.#repository.unknownFeatures);
    assertName('experiment', name);
    for (const [key, value] of tags) assertTag(key, value);
    const taken = (await this.#all()).find((each) => each.name === name);
    if (taken !== undefined) throw exists(taken);
    const now = this.#repository.now().getTime();
    await (await this.#repository.runFiles()).prepare();
    for (let attempt = 0; ; attempt += 1) {
      const id = experimentIdOf(name, attempt);
      const experiment: Experiment = {
        id,
        name,
        lifecycle: 'active',
        createdAt: now,
        updatedAt: now,
        tags: new Map(tags),
        artifactLocation,
      };
      if (await this.#repository.documents.create(experimentPath(id), encodeExperiment(experiment)))
        return experiment;
      // Somebody else was a moment earlier, or another name has this id.
      const other = await this.#read(id);
      if (other?.name === name) throw exists(other);
    }
  }

  async get(id: string): Promise<Experiment> {
    const known = (await this.#read(id)) ?? (await this.#derived()).get(id);
    if (known !== undefined) return known;
    throw new UsageError('EXPERIMENT_NOT_FOUND', `there is no experiment with the id ${shown(id)}`, {
      hint: 'see the experiments of all runs: mlops runs list --all',
    });
  }

  async byName(name: string): Promise<Experiment | undefined> {
    // The usual case needs one file.
    const direct = await this.#read(experimentIdOf(name));
    if (direct?.name === name) return direct;
    return (await this.#all()).find((each) => each.name === name);
  }

  async ensure(name: string): Promise<Experiment> {
    const known = await this.byName(name);
    if (known !== undefined) {
      if (known.lifecycle === 'active') return known;
      throw new UsageError('EXPERIMENT_DELETED', `the experiment "${shown(name)}" was deleted`, {
        hint: 'choose another name, or restore it',
      });
    }
    try {
      return await this.create({ name });
    } catch (error) {
      if (!(error instanceof ConflictError) || error.code !== 'EXPERIMENT_EXISTS') throw error;
      return this.ensure(name);
    }
  }

  async search(request: SearchExperimentsRequest = {}): Promise<ExperimentPage> {
    const { view = 'active', filter, orderBy, maxResults, pageToken } = request;
    const matches = itemFilter(filter, EXPERIMENT_QUERY);
    const items = (await this.#all()).map((experiment) => ({ experiment, subject: itemOf(experiment) }));
    const found = items
      .filter(
        ({ experiment, subject }) => (view === 'all' || experiment.lifecycle === view) && matches(subject),
      )
      .toSorted((first, second) => newestFirst(first.experiment, second.experiment));
    const compare = compareItems(orderBy, EXPERIMENT_QUERY);
    const sorted = found.toSorted((first, second) => compare(first.subject, second.subject));
    const { items: shownItems, nextPageToken } = page(sorted, {
      maxResults,
      pageToken,
      search: ['experiments', view, filter, orderBy],
    });
    return { experiments: shownItems.map(({ experiment }) => experiment), nextPageToken };
  }

  async rename(id: string, name: string): Promise<Experiment> {
    assertName('experiment', name);
    const others = (await this.#all()).filter((each) => each.id !== id);
    const taken = others.find((each) => each.name === name);
    if (taken !== undefined) throw exists(taken);
    return this.#change(id, (experiment) => ({ ...assertActive(experiment), name }));
  }

  async setTag(id: string, key: string, value: string): Promise<void> {
    assertTag(key, value);
    await this.#change(id, (experiment) => ({
      ...assertActive(experiment),
      tags: new Map([...experiment.tags, [key, value]]),
    }));
  }

  async deleteTag(id: string, key: string): Promise<void> {
    await this.#change(id, (experiment) => {
      const tags = new Map(assertActive(experiment).tags);
      if (!tags.delete(key)) {
        throw new UsageError(
          'TAG_NOT_FOUND',
          `the experiment "${shown(experiment.name)}" has no tag "${shown(key)}"`,
        );
      }
      return { ...experiment, tags };
    });
  }

  async delete(id: string): Promise<void> {
    if (id === DEFAULT_EXPERIMENT.id) {
      throw new RefusedError('EXPERIMENT_PROTECTED', 'the default experiment can not be deleted', {
        hint: 'delete its runs instead: mlops runs delete <run>',
      });
    }
    await this.#change(id, (experiment) => ({ ...experiment, lifecycle: 'deleted' }));
  }

  async restore(id: string): Promise<void> {
    await this.#change(id, (experiment) => ({ ...experiment, lifecycle: 'active' }));
  }

  /** Takes an experiment as another clone has it, where there is none of its id. */
  async adopt(experiment: Experiment): Promise<void> {
    if ((await this.#read(experiment.id)) !== undefined || experiment.id === DEFAULT_EXPERIMENT.id) return;
    await (await this.#repository.runFiles()).prepare();
    await this.#repository.documents.create(experimentPath(experiment.id), encodeExperiment(experiment));
  }

  /** Undefined when the experiment has no document. */
  documentOf(id: string): Promise<Experiment | undefined> {
    return this.#read(id);
  }

  /** By id: those with a document, without looking at runs. For views of runs, which name their experiment themselves. */
  async documents(): Promise<ReadonlyMap<string, Experiment>> {
    const found = new Map<string, Experiment>();
    for (const file of await this.#repository.documents.readDirectory(EXPERIMENTS_DIRECTORY)) {
      const id = file.name.replace(/\.json$/, '');
      try {
        found.set(id, this.#parse(id, file.read()));
      } catch (error) {
        // Its runs say what it is called; `mlops verify` names the damage.
        if (!(error instanceof MlopsError)) throw error;
      }
    }
    return found;
  }

  async #all(): Promise<Experiment[]> {
    const found = new Map([...(await this.#derived()), ...(await this.documents())]);
    return [...found.values()];
  }

  /** The default experiment, and what runs say of experiments that have no document. */
  async #derived(): Promise<Map<string, Experiment>> {
    const found = new Map<string, Experiment>([[DEFAULT_EXPERIMENT.id, fromRun(DEFAULT_EXPERIMENT, 0)]]);
    const documents = await this.documents();
    for (const { outline, state } of missingDocuments(await this.#entries.all(), documents)) {
      const { experimentId: id, startedAt } = outline;
      const known = found.get(id);
      if (known === undefined || known.createdAt < startedAt) {
        found.set(id, fromRun({ id, name: state().experimentName }, startedAt));
      }
    }
    return found;
  }

  async #read(id: string): Promise<Experiment | undefined> {
    if (!ExperimentId.safeParse(id).success) return undefined;
    const bytes = await this.#repository.documents.read(experimentPath(id));
    return bytes === undefined ? undefined : this.#parse(id, bytes);
  }

  #parse(id: string, bytes: Uint8Array): Experiment {
    const known = this.#known.get(id);
    if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return known.experiment;
    const experiment = parseExperiment(id, bytes);
    this.#known.set(id, { bytes, experiment });
    return experiment;
  }

  async #change(id: string, change: (experiment: Experiment) => Experiment): Promise<Experiment> {
    const { lock, documents, now, unknownFeatures } = this.#repository;
    assertWritable(unknownFeatures);
    await this.get(id);
    const held = await lock.acquire('experiment');
    try {
      const changed = { ...change(await this.get(id)), updatedAt: now().getTime() };
      await held.assertHeld();
      await (await this.#repository.runFiles()).prepare();
      await documents.write(experimentPath(id), encodeExperiment(changed));
      return changed;
    } finally {
      await held.release();
    }
  }
}

function fromRun({ id, name }: { id: string; name: string }, time: number): Experiment {
  return {
    id,
    name,
    lifecycle: 'active',
    createdAt: time,
    updatedAt: time,
    tags: new Map(),
    artifactLocation: undefined,
  };
}

function* missingDocuments(
  { entries }: Awaited<ReturnType<RunEntries['all']>>,
  documents: ReadonlyMap<string, Experiment>,
): Generator<{
  outline: { experimentId: string; startedAt: number };
  state: () => { experimentName: string };
}> {
  for (const entry of entries)
    if (!documents.has(entry.outline.experimentId))
      yield { outline: entry.outline, state: () => entry.state };
}

function assertActive(experiment: Experiment): Experiment {
  if (experiment.lifecycle === 'active') return experiment;
  throw new UsageError('EXPERIMENT_DELETED', `the experiment "${shown(experiment.name)}" was deleted`, {
    hint: 'restore it first',
  });
}

function exists({ name, id, lifecycle }: Experiment): ConflictError {
  const what = lifecycle === 'deleted' ? 'a deleted experiment' : 'an experiment';
  return new ConflictError('EXPERIMENT_EXISTS', `there is ${what} called "${shown(name)}" (${id})`, {
    hint: lifecycle === 'deleted' ? 'restore it, or choose another name' : 'choose another name',
    retryable: false,
  });
}

function newestFirst(first: Experiment, second: Experiment): number {
  return second.createdAt - first.createdAt || (first.id < second.id ? -1 : 1);
}

const EXPERIMENT_QUERY = {
  attributes: {
    experiment_id: 'string',
    name: 'string',
    creation_time: 'number',
    last_update_time: 'number',
    createdAt: 'time',
    updatedAt: 'time',
  },
  aliases: { created: 'createdAt', updated: 'updatedAt', id: 'experiment_id' },
} as const;

function itemOf({ id, name, createdAt, updatedAt, tags }: Experiment): QueryItem {
  const attributes = new Map<string, string | number>([
    ['experiment_id', id],
    ['name', name],
    ['creation_time', createdAt],
    ['last_update_time', updatedAt],
    ['createdAt', new Date(createdAt).toISOString()],
    ['updatedAt', new Date(updatedAt).toISOString()],
  ]);
  return { tag: (key) => tags.get(key), attribute: (key) => attributes.get(key) };
}

/** @throws UsageError `EXPERIMENT_NOT_FOUND` with the nearest names */
export async function experimentByName(experiments: Experiments, name: string): Promise<Experiment> {
  const known = await experiments.byName(name);
  if (known !== undefined) return known;
  const { experiments: all } = await experiments.search();
  const near = nearestNames(
    name,
    all.map((each) => each.name),
  );
  throw new UsageError('EXPERIMENT_NOT_FOUND', `there is no experiment "${shown(name)}"`, {
    hint: near.length > 0 ? `did you mean ${near.map(shown).join(', ')}?` : 'see `mlops runs list`',
  });
}
