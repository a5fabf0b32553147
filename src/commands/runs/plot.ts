import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { metricKeys, thinned } from '../../core/runs/compare.ts';
import { openRunStore, type MetricPoint, type Run } from '../../core/runs/index.ts';
import { UsageError } from '../../errors.ts';
import { suggestNames } from '../../lib/nearest.ts';
import { lineChart, type ChartOptions } from '../../ui/line-chart.ts';
import { htmlCharts, svgChart } from '../../ui/svg-chart.ts';

const MOST_RUNS = 26;
const POINTS = 2000;
/** Without a choice, as many as fit on a screen. */
const SHOWN_METRICS = 3;

interface Chart extends ChartOptions {
  metric: string;
  ids: readonly string[];
}

export default defineCommand({
  arguments: [{ name: '<run...>', description: 'ids, the start of them, or names' }],
  options: [
    { flags: '--metric <key...>', description: 'what to draw (default: the first three); repeatable' },
    { flags: '--x <what>', description: 'step, or time: seconds since the run started (default: step)' },
    { flags: '-o, --output <file>', description: 'write an .svg (one metric) or .html file' },
  ],
  description: 'Draws on the terminal, with braille dots; with -o into a file that needs nothing else.',
  examples: [
    { command: 'mlops runs plot brisk-heron-217 calm-otter-4 --metric loss', explains: 'two loss curves' },
    { command: 'mlops runs plot 1a2b --metric loss -o loss.svg', explains: 'a picture for a report' },
  ],
  input: z.object({
    run: z.array(z.string()).min(1).max(MOST_RUNS, `at most ${MOST_RUNS} runs`),
    metric: z.array(z.string()).default([]),
    x: z.enum(['step', 'time'], 'expected step or time').default('step'),
    output: z
      .string()
      .regex(/\.(?:svg|html)$/i, 'the name ends in .svg or .html')
      .optional(),
  }),
  output: z.lazy(() =>
    z.object({
      x: z.enum(['step', 'time']),
      metrics: z.array(
        z.object({
          key: z.string(),
          series: z.array(
            z.object({
              run: z.string(),
              name: z.string(),
              /** `[x, value]`, at most 2,000 of them; `null` for what is no finite number. */
              points: z.array(z.tuple([z.number(), z.number().nullable()])),
            }),
          ),
        }),
      ),
      file: z.string().nullable(),
    }),
  ),
  async run({ run: named, metric, x, output }, context) {
    const store = await openRunStore(await context.repository());
    const charts: Chart[] = [];
    try {
      const runs: Run[] = [];
      for (const each of named) runs.push(await store.resolve(each));
      const keys = chooseMetrics(runs, metric);
      const histories = new Map<string, ReadonlyMap<string, readonly MetricPoint[]>>();
      for (const { id } of runs) histories.set(id, await store.histories(id, keys));
      for (const key of keys) charts.push(chartOf(key, runs, histories, x));
    } finally {
      await store.close();
    }
    const file = output === undefined ? undefined : resolve(context.cwd, output);
    if (output !== undefined && file !== undefined) {
      const text = fileText(output, charts);
      await (await context.outputFiles()).write(file, text);
    }
    return {
      data: {
        x,
        metrics: charts.map(({ metric: key, series, ids }) => ({
          key,
          series: series.map(({ name, points }, index) => ({
            run: ids[index] ?? '',
            name,
            points: points.map((point): [number, number | null] => [
              point.x,
              Number.isFinite(point.y) ? point.y : null,
            ]),
          })),
        })),
        file: output ?? null,
      },
      text: (view) =>
        file === undefined ? charts.map((chart) => lineChart(chart, view)).join('\n') : `Wrote ${output}\n`,
    };
  },
});

function fileText(output: string, charts: readonly Chart[]): string {
  const [only, another] = charts;
  if (/\.html$/i.test(output)) {
    const names = charts[0]?.series.map(({ name }) => name).join(', ') ?? '';
    return htmlCharts(`Runs: ${names}`, charts);
  }
  if (only === undefined || another !== undefined) {
    throw new UsageError('INVALID_INPUT', 'an SVG file holds one chart', {
      hint: 'name one metric with --metric, or write an .html file',
    });
  }
  return svgChart(only);
}

function chooseMetrics(runs: readonly Run[], wanted: readonly string[]): string[] {
  const known = new Set(runs.flatMap(({ metrics }) => [...metrics.keys()]));
  const unknown = wanted.find((key) => !known.has(key));
  if (unknown !== undefined) {
    const hint = suggestNames(unknown, [...known], { existing: [...known], show: (name) => name });
    throw new UsageError('METRIC_NOT_FOUND', `none of the runs has a metric "${unknown}"`, {
      hint: hint ?? 'see what they have: mlops runs show <run>',
    });
  }
  if (wanted.length > 0) return [...new Set(wanted)];
  const curves = metricKeys(runs).filter((key) =>
    runs.some(({ metrics }) => (metrics.get(key)?.count ?? 0) > 1),
  );
  if (curves.length > 0) return curves.slice(0, SHOWN_METRICS);
  throw new UsageError('METRIC_NOT_FOUND', 'no metric of these runs has more than one value', {
    hint: 'compare single values: mlops runs compare <run> <run>',
  });
}

function chartOf(
  key: string,
  runs: readonly Run[],
  histories: ReadonlyMap<string, ReadonlyMap<string, readonly MetricPoint[]>>,
  x: 'step' | 'time',
): Chart {
  const drawn = runs.filter(({ id }) => (histories.get(id)?.get(key) ?? []).length > 0);
  return {
    metric: key,
    title: key,
    xLabel: x === 'step' ? 'step' : 'seconds',
    ids: drawn.map(({ id }) => id),
    series: drawn.map(({ id, name, startedAt }) => {
      const points = histories.get(id)?.get(key) ?? [];
      const placed =
        x === 'step' ? points : points.map((point) => ({ ...point, step: (point.time - startedAt) / 1000 }));
      const few = placed.length < 2 ? placed : thinned(placed, POINTS);
      return { name, points: few.map(({ step, value }) => ({ x: step, y: value })) };
    }),
  };
}
