import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';
import { MlopsError, UsageError } from '../../errors.ts';
import { isSystemTag, LeftOut } from './left-out.ts';
import type { Experiment, MetricPoint, Run, RunStore } from '../runs/index.ts';
import { ExperimentMeta, parseMetricLine, readMeta, RunMeta } from './mlruns-meta.ts';
import { bytesOfFile, entriesIn, filesBelow, METRIC_FILE, readSmall } from './source-files.ts';

export interface ImportReport {
  experiments: number;
  /** Runs that were not here before. */
  created: number;
  /** Runs that were here and got what the source has besides. */
  updated: number;
  unchanged: number;
  metrics: number;
  artifacts: number;
  /** What was not taken, and how often. */
  leftOut: { what: string; count: number; example: string }[];
}

interface Work {
  store: RunStore;
  signal: AbortSignal | undefined;
  report: ImportReport;
  leftOut: LeftOut;
}

interface SourceRun {
  id: string;
  path: string;
  meta: z.output<typeof RunMeta>;
}

const BATCH = 10_000;

/**
 * Brings the runs of a store up to what an `mlruns` directory of MLflow holds. Ids are kept, so a second call writes nothing; one that was
 * interrupted goes on. Nothing outside the directory is read, whatever its files say.
 * @throws UsageError `MLRUNS_INVALID` where the directory holds no experiment
 */
export async function importMlruns(
  store: RunStore,
  directory: string,
  signal?: AbortSignal,
): Promise<ImportReport> {
  const report: ImportReport = {
    experiments: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    metrics: 0,
    artifacts: 0,
    leftOut: [],
  };
  const work: Work = { store, signal, report, leftOut: new LeftOut() };
  const registered = await entriesIn(join(directory, 'models'), 'directory');
  work.leftOut.add('registered models', registered[0] ?? '', registered.length);
  for (const parent of [directory, join(directory, '.trash')]) {
    const names = await entriesIn(parent, 'directory');
    for (const id of names.filter((name) => /^\d+$/.test(name)))
      await importExperiment(work, { id, path: join(parent, id) });
  }
  if (report.experiments === 0) {
    throw new UsageError('MLRUNS_INVALID', `${directory} holds no experiments of MLflow`, {
      hint: 'name the directory that holds a directory for each experiment, each with a meta.yaml',
    });
  }
  report.leftOut = work.leftOut.list();
  return report;
}

async function importExperiment(work: Work, { id, path }: { id: string; path: string }): Promise<void> {
  const { store, report, leftOut } = work;
  const meta = await readMeta(join(path, 'meta.yaml'), ExperimentMeta);
  if (meta === undefined) {
    leftOut.add('directories without a readable meta.yaml of an experiment', id);
    return;
  }
  report.experiments += 1;
  const experiment = await placeOf(store, id, meta);
  for (const [key, value] of await readTexts(work, join(path, 'tags'))) {
    if (experiment.tags.get(key) !== value && experiment.lifecycle === 'active')
      await attempt(leftOut, `tags of experiments`, () =>
        store.experiments.setTag(experiment.id, key, value),
      );
  }
  for (const name of await entriesIn(path, 'directory')) {
    work.signal?.throwIfAborted();
    if (name === 'models')
      leftOut.add('logged models', id, (await entriesIn(join(path, name), 'directory')).length);
    if (name === 'traces') leftOut.add('traces', id, (await entriesIn(join(path, name), 'directory')).length);
    if (!/^[0-9a-f]{32}$/.test(name)) continue;
    const run = await readMeta(join(path, name, 'meta.yaml'), RunMeta);
    if (run === undefined) leftOut.add('runs without a readable meta.yaml', name);
    else
      await attempt(leftOut, 'runs that could not be written', () =>
        importRun(work, { id: name, path: join(path, name), meta: run }, experiment),
      );
  }
  if (meta.lifecycle_stage === 'deleted' && experiment.lifecycle === 'active' && experiment.id !== '0')
    await store.experiments.delete(experiment.id);
}

/** The experiment of that name; else one with the id of the source, unless another has it. */
async function placeOf(
  store: RunStore,
  id: string,
  meta: z.output<typeof ExperimentMeta>,
): Promise<Experiment> {
  const known = await store.experiments.byName(meta.name);
  if (known !== undefined) return known;
  const { experiments } = await store.experiments.search({ view: 'all' });
  if (!/^[1-9]\d{0,17}$/.test(id) || experiments.some((each) => each.id === id))
    return store.experiments.ensure(meta.name);
  const createdAt = meta.creation_time ?? 0;
  await store.experiments.adopt({
    id,
    name: meta.name,
    lifecycle: 'active',
    createdAt,
    updatedAt: meta.last_update_time ?? createdAt,
    tags: new Map(),
    artifactLocation: undefined,
  });
  return store.experiments.get(id);
}

async function importRun(work: Work, source: SourceRun, experiment: Experiment): Promise<void> {
  const { store, report, leftOut } = work;
  const { id, path, meta } = source;
  const tags = await readTexts(work, join(path, 'tags'));
  let run = await existing(store, id);
  const isNew = run === undefined;
  run ??= await store.create({
    id,
    experimentId: experiment.id,
    name: meta.run_name ?? tags.get('mlflow.runName') ?? id,
    ...(meta.user_id && { user: meta.user_id }),
    startedAt: meta.start_time,
    writer: 'nobody',
  });
  const inputs = (await entriesIn(join(path, 'inputs'), 'directory')).length;
  leftOut.add('inputs of runs', id, inputs);
  leftOut.add('outputs of runs', id, (await entriesIn(join(path, 'outputs'), 'directory')).length);
  if (run.lifecycle === 'deleted') {
    report.unchanged += 1;
    return;
  }
  let changes = await logTexts(work, run, { tags, params: await readTexts(work, join(path, 'params')) });
  changes += await logMetrics(work, run, join(path, 'metrics'));
  changes += await storeArtifacts(work, run, join(path, 'artifacts'));
  if (meta.status !== run.status) {
    const isOver = meta.status !== 'RUNNING' && meta.status !== 'SCHEDULED';
    await store.update(id, {
      status: meta.status,
      ...(isOver && { endedAt: meta.end_time ?? meta.start_time }),
    });
    changes += 1;
  }
  if (meta.lifecycle_stage === 'deleted') {
    await store.delete(id);
    changes += 1;
  }
  if (isNew) report.created += 1;
  else if (changes > 0) report.updated += 1;
  else report.unchanged += 1;
}

async function existing(store: RunStore, id: string): Promise<Run | undefined> {
  try {
    return await store.get(id);
  } catch (error) {
    if (error instanceof MlopsError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

async function logTexts(
  { store, leftOut }: Work,
  run: Run,
  texts: { tags: ReadonlyMap<string, string>; params: ReadonlyMap<string, string> },
): Promise<number> {
  let changes = 0;
  for (const kind of ['params', 'tags'] as const) {
    for (const [key, value] of texts[kind]) {
      const known = run[kind].get(key);
      // What the store masked as a secret is no change of the source.
      if (known === value || known?.includes('***') === true || isSystemTag(kind, key)) continue;
      const isDone = await attempt(leftOut, `${kind} that could not be written`, () =>
        store.log(run.id, { [kind]: [[key, value]] }),
      );
      if (isDone) changes += 1;
    }
  }
  return changes;
}

/** Histories only grow: what the source has beyond as many values as are here is appended. */
async function logMetrics(
  { store, report, leftOut, signal }: Work,
  run: Run,
  directory: string,
): Promise<number> {
  let changes = 0;
  for (const { name: key, path } of await filesBelow(directory, (name) => leftOut.add('links', name))) {
    signal?.throwIfAborted();
    const text = await readSmall(path, METRIC_FILE);
    if (text === undefined) {
      leftOut.add('metrics that could not be read', key);
      continue;
    }
    const points: MetricPoint[] = [];
    for (const line of text.split('\n')) {
      const point = line.trim() === '' ? undefined : parseMetricLine(key, line);
      if (point !== undefined) points.push(point);
      else if (line.trim() !== '') leftOut.add('lines of metrics that say no value', key);
    }
    const added = points.slice(run.metrics.get(key)?.count ?? 0);
    for (let start = 0; start < added.length; start += BATCH) {
      const metrics = added.slice(start, start + BATCH);
      const isDone = await attempt(leftOut, 'metrics that could not be written', () =>
        store.log(run.id, { metrics }),
      );
      if (!isDone) break;
      changes += metrics.length;
    }
  }
  report.metrics += changes;
  return changes;
}

async function storeArtifacts(
  { store, report, leftOut, signal }: Work,
  run: Run,
  directory: string,
): Promise<number> {
  const artifacts = store.artifacts(run.id);
  const known = new Map((await artifacts.files()).map((file) => [file.path, file]));
  let changes = 0;
  for (const { name, path } of await filesBelow(directory, (link) => leftOut.add('links', link))) {
    signal?.throwIfAborted();
    const here = known.get(name);
    if (here !== undefined && here.size === (await stat(path)).size && here.sha256 === (await hashOf(path)))
      continue;
    const isDone = await attempt(leftOut, 'artifacts that could not be stored', () =>
      artifacts.put(name, bytesOfFile(path), { ...(signal && { signal }) }),
    );
    if (isDone) changes += 1;
  }
  report.artifacts += changes;
  return changes;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of bytesOfFile(path)) hash.update(piece);
  return hash.digest('hex');
}

async function readTexts({ leftOut }: Work, directory: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { name, path } of await filesBelow(directory, (link) => leftOut.add('links', link))) {
    const text = await readSmall(path);
    if (text === undefined) leftOut.add('params and tags that could not be read', name);
    else texts.set(name, text);
  }
  return texts;
}

/** False where the store refuses it, which is said in the report. */
async function attempt(leftOut: LeftOut, what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    leftOut.add(what, error.message);
    return false;
  }
}
