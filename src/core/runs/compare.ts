import type { MetricPoint, Run } from './run.ts';
import { isSystemMetric } from './run-summary.ts';

/** Which end of a metric is the good one. */
export type Goal = 'max' | 'min';

/** Parts of names of metrics of which less is better; of all others more is. */
const LESS_IS_BETTER =
  /(?:^|[^a-z])(?:loss|error|err|rmse|mse|mae|mape|msle|perplexity|ppl|wer|cer|fid|divergence|kl|nll|logloss|brier|latency|time|seconds|ms|duration|regret|distance|eer|fpr|fnr|memory|size)(?:$|[^a-z])/i;

/** Guessed from the name, as MLflow has no such thing and people do not say it. */
export function goalOf(key: string): Goal {
  return LESS_IS_BETTER.test(key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')) ? 'min' : 'max';
}

/** One param, tag or fact of several runs. */
export interface ComparedText {
  readonly key: string;
  /** In the order of the runs; undefined where a run has none. */
  readonly values: readonly (string | undefined)[];
  readonly differs: boolean;
}

export interface ComparedMetric {
  readonly key: string;
  readonly goal: Goal;
  /** Latest values, in the order of the runs. */
  readonly values: readonly (number | undefined)[];
  /** Indexes of the runs with the best value; empty where fewer than two have one, or all the same. */
  readonly best: readonly number[];
  /** Of each run, if it has more than one value of the metric. */
  readonly histories: readonly (readonly HistoryPoint[])[];
}

export interface HistoryPoint {
  readonly step: number;
  readonly value: number;
}

export interface Comparison {
  readonly runs: readonly Run[];
  readonly params: readonly ComparedText[];
  readonly tags: readonly ComparedText[];
  /** Experiment, commit, branch, command, data. */
  readonly facts: readonly ComparedText[];
  readonly metrics: readonly ComparedMetric[];
}

export interface CompareOptions {
  /** Goals that a person stated, by metric. */
  goals: ReadonlyMap<string, Goal>;
  /** Points of a history at most. */
  points: number;
  /** By run, then metric. */
  histories: ReadonlyMap<string, ReadonlyMap<string, readonly MetricPoint[]>>;
}

/** Holds runs against each other. */
export function compareRuns(runs: readonly Run[], { goals, points, histories }: CompareOptions): Comparison {
  return {
    runs,
    params: texts(runs, ({ params }) => params),
    tags: texts(runs, ({ tags }) => new Map([...tags].filter(([key]) => !key.startsWith('mlflow.')))),
    facts: texts(runs, factsOf),
    metrics: metricKeys(runs).map((key) => {
      const goal = goals.get(key) ?? goalOf(key);
      const values = runs.map((run) => run.metrics.get(key)?.value);
      return {
        key,
        goal,
        values,
        best: bestOf(values, goal),
        histories: runs.map(({ id }) => thinned(histories.get(id)?.get(key) ?? [], points)),
      };
    }),
  };
}

/** Metrics of any of the runs but those of the machine, sorted. */
export function metricKeys(runs: readonly Run[]): string[] {
  const keys = new Set(runs.flatMap(({ metrics }) => [...metrics.keys()]));
  return [...keys].filter((key) => !isSystemMetric(key)).toSorted();
}

/** Indexes of the best values. NaN is never the best. */
export function bestOf(values: readonly (number | undefined)[], goal: Goal): number[] {
  const numbers = values.filter((value) => value !== undefined && !Number.isNaN(value)) as number[];
  if (numbers.length < 2) return [];
  const best = numbers.reduce((first, second) => (isBetter(second, first, goal) ? second : first));
  if (numbers.every((value) => value === best)) return [];
  return values.flatMap((value, index) => (value === best ? [index] : []));
}

export function isBetter(value: number, than: number, goal: Goal): boolean {
  return goal === 'max' ? value > than : value < than;
}

function texts(runs: readonly Run[], of: (run: Run) => ReadonlyMap<string, string>): ComparedText[] {
  const maps = runs.map(of);
  const keys = [...new Set(maps.flatMap((map) => [...map.keys()]))].toSorted();
  return keys.map((key) => {
    const values = maps.map((map) => map.get(key));
    return { key, values, differs: new Set(values).size > 1 };
  });
}

function factsOf(run: Run): ReadonlyMap<string, string> {
  const { source, inputs } = run;
  const facts = new Map<string, string>([['experiment', run.experimentName]]);
  const git = source?.git;
  if (git?.commit !== undefined) facts.set('commit', git.commit.slice(0, 12) + (git.dirty ? '+' : ''));
  if (git?.branch !== undefined) facts.set('branch', git.branch);
  if (source?.command !== undefined) facts.set('command', source.command.join(' '));
  if (inputs.length > 0)
    facts.set('data', inputs.map(({ name, digest }) => `${name} ${digest.slice(0, 19)}`).join(', '));
  return facts;
}

/**
 * As few points as a line needs: of each stretch of the history its lowest and its highest value, in order, so that no peak gets lost.
 */
export function thinned(points: readonly MetricPoint[], most: number): HistoryPoint[] {
  const all = points
    .map(({ step, value }) => ({ step, value }))
    .toSorted((first, second) => first.step - second.step);
  if (all.length < 2) return [];
  if (all.length <= most) return all;
  const kept: HistoryPoint[] = [];
  const stretches = Math.max(1, Math.floor(most / 2));
  for (let index = 0; index < stretches; index += 1) {
    const stretch = all.slice(
      Math.floor((index * all.length) / stretches),
      Math.floor(((index + 1) * all.length) / stretches),
    );
    const numbers = stretch.filter(({ value }) => Number.isFinite(value));
    const [first] = numbers.length > 0 ? numbers : stretch;
    if (first === undefined) continue;
    const low = numbers.reduce((best, each) => (each.value < best.value ? each : best), first);
    const high = numbers.reduce((best, each) => (each.value > best.value ? each : best), first);
    kept.push(...(low === high ? [low] : [low, high].toSorted((one, two) => one.step - two.step)));
  }
  return kept;
}
