import * as z from 'zod';
import { defineCommand, type View } from '../../cli/command.ts';
import {
  compareRuns,
  metricKeys,
  type ComparedText,
  type Comparison,
  type Goal,
} from '../../core/runs/compare.ts';
import { openRunStore, RunSummary, summariseRun, type MetricPoint, type Run } from '../../core/runs/index.ts';
import { UsageError } from '../../errors.ts';
import { sparkline } from '../../ui/line-chart.ts';
import { formatMetric } from '../../ui/numbers.ts';
import { table } from '../../ui/table.ts';

const MOST_RUNS = 20;
const POINTS = 100;
const SPARKLINE = 16;
const MaybeNumber = z.number().nullable();

const Text = z.lazy(() =>
  z.object({
    key: z.string(),
    /** In the order of the runs; `null` where a run has none. */
    values: z.array(z.string().nullable()),
    differs: z.boolean(),
  }),
);

export default defineCommand({
  arguments: [{ name: '<run...>', description: 'ids, the start of them, or names; two or more' }],
  options: [
    { flags: '--min <metric...>', description: 'a metric of which less is better; repeatable' },
    { flags: '--max <metric...>', description: 'a metric of which more is better; repeatable' },
    { flags: '--all', description: 'params, tags and facts that are equal too' },
  ],
  description:
    'Params that differ, metrics with the best value marked, and their course. Whether more or less is better is guessed from the name (loss, error, time ...: less) unless it is said.',
  examples: [
    { command: 'mlops runs compare brisk-heron-217 calm-otter-4', explains: 'two runs side by side' },
    { command: 'mlops runs compare 1a2b 3c4d 5e6f --min cost', explains: 'three, and less cost is better' },
  ],
  input: z.object({
    run: z.array(z.string()).min(2, 'name two runs or more').max(MOST_RUNS, `at most ${MOST_RUNS} runs`),
    min: z.array(z.string()).default([]),
    max: z.array(z.string()).default([]),
    all: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      runs: z.array(RunSummary),
      params: z.array(Text),
      tags: z.array(Text),
      facts: z.array(Text),
      metrics: z.array(
        z.object({
          key: z.string(),
          goal: z.enum(['max', 'min']),
          /** `null` where a run has none, or one that is no finite number. */
          values: z.array(MaybeNumber),
          /** Indexes of the runs with the best value. */
          best: z.array(z.number()),
          /** Of each run `[step, value]`, at most 100 points; empty for fewer than two values. */
          histories: z.array(z.array(z.tuple([z.number(), MaybeNumber]))),
        }),
      ),
    }),
  ),
  async run({ run: named, min, max, all }, context) {
    const goals = goalsOf(min, max);
    const store = await openRunStore(await context.repository());
    let comparison: Comparison;
    try {
      const runs: Run[] = [];
      for (const each of named) runs.push(await store.resolve(each));
      const keys = metricKeys(runs);
      const histories = new Map<string, ReadonlyMap<string, readonly MetricPoint[]>>();
      for (const { id, metrics } of runs) {
        const several = keys.filter((key) => (metrics.get(key)?.count ?? 0) > 1);
        histories.set(id, await store.histories(id, several));
      }
      comparison = compareRuns(runs, { goals, points: POINTS, histories });
    } finally {
      await store.close();
    }
    const { runs, params, tags, facts, metrics } = comparison;
    return {
      data: {
        runs: runs.map(summariseRun),
        params: params.map(textData),
        tags: tags.map(textData),
        facts: facts.map(textData),
        metrics: metrics.map(({ key, goal, values, best, histories }) => ({
          key,
          goal,
          values: values.map(finite),
          best: [...best],
          histories: histories.map((points) =>
            points.map(({ step, value }): [number, number | null] => [step, finite(value)]),
          ),
        })),
      },
      text: (view) => describe(comparison, all, view),
    };
  },
});

function goalsOf(min: readonly string[], max: readonly string[]): Map<string, Goal> {
  const both = min.find((key) => max.includes(key));
  if (both !== undefined) throw new UsageError('INVALID_INPUT', `${both} is given to --min and to --max`);
  return new Map<string, Goal>([
    ...min.map((key) => [key, 'min'] as const),
    ...max.map((key) => [key, 'max'] as const),
  ]);
}

function textData({ key, values, differs }: ComparedText): z.output<typeof Text> {
  return { key, values: values.map((value) => value ?? null), differs };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function describe({ runs, params, tags, facts, metrics }: Comparison, all: boolean, view: View): string {
  const heads = runs.map(({ name }) => ({ header: name }));
  const section = (title: string, items: readonly ComparedText[]): string => {
    const shown = items.filter(({ differs }) => all || differs);
    const rows = shown.map(({ key, values }) => [key, ...values.map((value) => value ?? '-')]);
    return table({ columns: [{ header: title }, ...heads], rows }, view);
  };
  const metricRows = metrics.map(({ key, goal, values, best, histories }) => [
    `${key} ${goal === 'max' ? '↑' : '↓'}`,
    ...values.map((value, index) => {
      if (value === undefined) return '-';
      const line = sparkline(
        (histories[index] ?? []).map((point) => point.value),
        SPARKLINE,
      );
      return `${formatMetric(value)}${best.includes(index) ? ' *' : ''}${line === '' ? '' : `  ${line}`}`;
    }),
  ]);
  const columns = [
    { header: 'METRIC' },
    ...runs.map(({ name }) => ({
      header: name,
      style: (
        paint: Parameters<NonNullable<Parameters<typeof table>[0]['columns'][number]['style']>>[0],
        text: string,
      ) => (text.includes(' *') ? paint.green(text) : text),
    })),
  ];
  const parts = [
    table(
      {
        columns: [{ header: 'RUN' }, ...heads],
        rows: [
          ['id', ...runs.map(({ id }) => id.slice(0, 12))],
          ['status', ...runs.map(({ status }) => status)],
        ],
      },
      view,
    ),
    section('PARAM', params),
    section('TAG', tags),
    section('FACT', facts),
    table({ columns, rows: metricRows }, view),
  ];
  const legend = metrics.some(({ best }) => best.length > 0) ? '* best;  ↑ more is better, ↓ less\n' : '';
  return parts.filter((part) => part !== '').join('\n') + legend;
}
