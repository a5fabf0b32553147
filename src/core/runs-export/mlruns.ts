import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConflictError, errnoOf, MlopsError } from '../../errors.ts';
import { assertSafeRelativePath } from '../../lib/safe-path.ts';
import type { OutputFiles } from '../../storage/output-files.ts';
import type { Repository } from '../repository/repository.ts';
import type { Experiment, MetricPoint, Run, RunStore } from '../runs/index.ts';

export interface ExportReport {
  experiments: number;
  runs: number;
  metrics: number;
  artifacts: number;
  /** Params, tags, metrics and artifacts that can not be files there, as `<run id> <what> <key>`. */
  leftOut: string[];
}

interface Target {
  repository: Repository;
  store: RunStore;
  files: OutputFiles;
  /** Absolute. */
  directory: string;
}

/** MLflow's numbers of the states of a run. */
const STATUS_NUMBERS = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 } as const;

/**
 * Writes runs as MLflow's file store has them.
 * @throws ConflictError `TARGET_EXISTS` where the directory holds something
 */
export async function exportMlruns(
  runs: readonly Run[],
  target: Target,
  signal?: AbortSignal,
): Promise<ExportReport> {
  await assertEmpty(target.directory);
  const report: ExportReport = { experiments: 0, runs: 0, metrics: 0, artifacts: 0, leftOut: [] };
  for (const id of new Set(runs.map(({ experimentId }) => experimentId))) {
    await writeExperiment(await target.store.experiments.get(id), target);
    report.experiments += 1;
  }
  for (const run of runs) {
    signal?.throwIfAborted();
    await writeRun(run, target, report);
    report.runs += 1;
  }
  return report;
}

async function assertEmpty(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    if (errnoOf(error) !== 'ENOTDIR') throw error;
  }
  throw new ConflictError('TARGET_EXISTS', `${directory} is not empty`, {
    hint: 'name a directory that does not exist yet',
    retryable: false,
  });
}

async function writeExperiment(experiment: Experiment, { files, directory }: Target): Promise<void> {
  const place = join(directory, experiment.id);
  const meta = metaText([
    ['artifact_location', pathToFileURL(place).href],
    ['creation_time', experiment.createdAt],
    ['experiment_id', experiment.id],
    ['last_update_time', experiment.updatedAt],
    ['lifecycle_stage', experiment.lifecycle],
    ['name', experiment.name],
  ]);
  await files.write(join(place, 'meta.yaml'), meta);
  for (const [key, value] of experiment.tags) {
    assertSafeRelativePath(key);
    await files.write(join(place, 'tags', key), value);
  }
}

async function writeRun(run: Run, target: Target, report: ExportReport): Promise<void> {
  const { files, directory, store, repository } = target;
  const place = join(directory, run.experimentId, run.id);
  const write = async (what: string, key: string, text: string): Promise<boolean> => {
    try {
      assertSafeRelativePath(key);
      await files.write(join(place, what, key), text);
      return true;
    } catch (error) {
      // One key may be a directory of another, or no name of a file at all.
      if (!(error instanceof MlopsError)) throw error;
      report.leftOut.push(`${run.id} ${what} ${key}`);
      return false;
    }
  };
  await files.write(join(place, 'meta.yaml'), runMeta(run, join(place, 'artifacts')));
  for (const [key, value] of run.params) await write('params', key, value);
  for (const [key, value] of [...run.tags, ['mlflow.runName', run.name] as const])
    await write('tags', key, value);
  for (const [key, points] of await store.histories(run.id, [...run.metrics.keys()]))
    if (await write('metrics', key, points.map(metricLine).join(''))) report.metrics += points.length;
  if (run.artifacts.length === 0) return;
  const artifacts = store.artifacts(run.id);
  const { digest, files: count } = await artifacts.compose();
  await (await repository.artifacts()).restore(digest, join(place, 'artifacts'));
  report.artifacts += count;
}

function runMeta(run: Run, artifacts: string): string {
  return metaText([
    ['artifact_uri', pathToFileURL(artifacts).href],
    ['end_time', run.endedAt ?? null],
    ['entry_point_name', ''],
    ['experiment_id', run.experimentId],
    ['lifecycle_stage', run.lifecycle],
    ['run_id', run.id],
    ['run_name', run.name],
    ['run_uuid', run.id],
    ['source_name', ''],
    ['source_type', 4],
    ['source_version', ''],
    ['start_time', run.startedAt],
    ['status', STATUS_NUMBERS[run.status]],
    ['tags', []],
    ['user_id', run.createdBy],
  ]);
}

/** JSON values are YAML. */
function metaText(entries: readonly (readonly [key: string, value: string | number | null | []])[]): string {
  return entries.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join('');
}

/** As Python reads numbers; a data set's name and digest only where neither would break the line apart. */
function metricLine({ value, step, time, dataset }: MetricPoint): string {
  const text = Number.isFinite(value) ? String(value) : String(value).replace('Infinity', 'inf');
  const isPlain = dataset !== undefined && !/\s/.test(dataset.name + dataset.digest);
  return `${time} ${text} ${step}${isPlain ? ` ${dataset.name} ${dataset.digest}` : ''}\n`;
}
