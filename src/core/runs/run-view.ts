import type { QueryOptions } from '../query/index.ts';
import type { MetricTable } from './metric-table.ts';
import type { QueryItem } from './query-items.ts';
import type { Experiment, LifecycleStage, Run } from './run.ts';
import { RUN_NAME_TAG, type RunState } from './run-state.ts';
import type { RunEntry } from './run-entry.ts';

/** By id; those that have a document. */
export type KnownExperiments = ReadonlyMap<string, Experiment>;

/** A run as everybody sees it: its experiment is called what the experiment's own document says, and a deleted one takes its runs along. */
export function viewOf(state: RunState, metrics: MetricTable, experiments: KnownExperiments): Run {
  const { log: _log, lastTime: _lastTime, writer: _writer, presumed: _presumed, ...run } = state;
  const experiment = experiments.get(state.experimentId);
  return {
    ...run,
    params: sorted(state.params),
    tags: sorted(state.tags),
    experimentName: experiment?.name ?? state.experimentName,
    lifecycle: lifecycleOf(state, experiments),
    metrics,
  };
}

/** By key, whatever the order in which they were logged. */
function sorted(map: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...map].sort(([first], [second]) => (first < second ? -1 : 1)));
}

export function lifecycleOf(
  { lifecycle, experimentId }: Pick<RunState, 'lifecycle' | 'experimentId'>,
  experiments: KnownExperiments,
): LifecycleStage {
  return experiments.get(experimentId)?.lifecycle === 'deleted' ? 'deleted' : lifecycle;
}

/**
 * The names that a filter or an order of runs knows besides metrics, params, tags and datasets. The second group are MLflow's, whose times are numbers.
 */
export const RUN_QUERY: QueryOptions = {
  attributes: {
    id: 'string',
    name: 'string',
    experiment: 'string',
    status: 'string',
    lifecycle: 'string',
    user: 'string',
    startedAt: 'time',
    endedAt: 'time',
    /** Seconds; of a run under way undefined. */
    duration: 'number',
    exitCode: 'number',
    branch: 'string',
    commit: 'string',
    command: 'string',
    experiment_id: 'string',
    start_time: 'number',
    end_time: 'number',
    artifact_uri: 'string',
  },
  aliases: {
    started: 'startedAt',
    ended: 'endedAt',
    run_id: 'id',
    run_name: 'name',
    'run name': 'name',
    'Run name': 'name',
    'Run Name': 'name',
    user_id: 'user',
    lifecycle_stage: 'lifecycle',
    Created: 'start_time',
  },
};

/** Looks up what a filter asks for; the state is not made for what the outline or the metrics answer. */
export function queryItemOf(entry: RunEntry, experiments: KnownExperiments): QueryItem {
  return {
    metric: (key) => entry.metrics.latest(key),
    param: (key) => entry.state.params.get(key),
    tag: (key) => (key === RUN_NAME_TAG ? entry.state.name : entry.state.tags.get(key)),
    attribute: (key) => attributeOf(entry, key, experiments),
    datasets: () =>
      entry.state.inputs.map(({ name, digest, tags }) => {
        const context = tags.get('mlflow.data.context');
        return { name, digest, ...(context === undefined ? {} : { context, role: context }) };
      }),
  };
}

/** As {@link queryItemOf}, of a run that was read already. */
export function queryItemOfRun(run: Run): QueryItem {
  const { source, endedAt, startedAt } = run;
  const attributes = new Map<string, string | number | undefined>([
    ['id', run.id],
    ['name', run.name],
    ['experiment', run.experimentName],
    ['experiment_id', run.experimentId],
    ['status', run.status],
    ['lifecycle', run.lifecycle],
    ['user', run.createdBy],
    ['startedAt', new Date(startedAt).toISOString()],
    ['start_time', startedAt],
    ['endedAt', endedAt === undefined ? undefined : new Date(endedAt).toISOString()],
    ['end_time', endedAt],
    ['duration', endedAt === undefined ? undefined : (endedAt - startedAt) / 1000],
    ['exitCode', run.exitCode],
    ['branch', source?.git?.branch],
    ['commit', source?.git?.commit],
    ['command', source?.command?.join(' ')],
    ['artifact_uri', artifactUri(run.id, run.experimentId)],
  ]);
  return {
    metric: (key) => run.metrics.get(key)?.value,
    param: (key) => run.params.get(key),
    tag: (key) => (key === RUN_NAME_TAG ? run.name : run.tags.get(key)),
    attribute: (key) => attributes.get(key),
  };
}

function attributeOf(
  entry: RunEntry,
  key: string,
  experiments: KnownExperiments,
): string | number | undefined {
  const { outline } = entry;
  switch (key) {
    case 'id':
      return entry.id;
    case 'status':
      return outline.status;
    case 'lifecycle':
      return lifecycleOf(outline, experiments);
    case 'startedAt':
      return new Date(outline.startedAt).toISOString();
    case 'start_time':
      return outline.startedAt;
    case 'experiment_id':
      return outline.experimentId;
    case 'experiment':
      return experiments.get(outline.experimentId)?.name ?? entry.state.experimentName;
    case 'artifact_uri':
      return artifactUri(entry.id, outline.experimentId);
    default:
      return stateAttribute(entry.state, key);
  }
}

function stateAttribute(state: RunState, key: string): string | number | undefined {
  switch (key) {
    case 'name':
      return state.name;
    case 'user':
      return state.createdBy;
    case 'endedAt':
      return state.endedAt === undefined ? undefined : new Date(state.endedAt).toISOString();
    case 'end_time':
      return state.endedAt;
    case 'duration':
      return state.endedAt === undefined ? undefined : (state.endedAt - state.startedAt) / 1000;
    case 'exitCode':
      return state.exitCode;
    case 'branch':
      return state.source?.git?.branch;
    case 'commit':
      return state.source?.git?.commit;
    case 'command':
      return state.source?.command?.join(' ');
    default:
      return undefined;
  }
}

/** Where MLflow's clients look for the artifacts of a run. */
export function artifactUri(runId: string, experimentId: string): string {
  return `mlflow-artifacts:/${experimentId}/${runId}/artifacts`;
}
