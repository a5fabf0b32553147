import * as z from 'zod';
import type { MetricPoint } from '../runs/index.ts';
import { endpoint, type Endpoint, type Reply } from './endpoint.ts';
import { invalid } from './errors.ts';
import {
  anyText,
  list,
  missing,
  optionalInteger,
  optionalText,
  pageSize,
  pairs,
  real,
  requiredText,
  runId,
  runIdOf,
} from './fields.ts';
import { metricReply } from './run-reply.ts';

/** What MLflow documents for one batch. */
const BATCH = { metrics: 1000, params: 100, tags: 100, entities: 1000, bytes: 1_000_000 } as const;
const HISTORY_PAGE = { standard: 25_000, most: 50_000 };
const INTERVAL = { runs: 100, standard: 2500, most: 2500 } as const;

const Metric = z.object({
  key: requiredText,
  value: real,
  timestamp: optionalInteger,
  step: optionalInteger,
  model_id: optionalText,
  dataset_name: optionalText,
  dataset_digest: optionalText,
});

export const METRIC_ENDPOINTS: readonly Endpoint[] = [
  endpoint(
    ['POST', 'runs/log-metric'],
    z.object({ ...runId, ...Metric.shape }),
    async ({ store }, { run_id, run_uuid, ...metric }) => {
      await store.log(runIdOf({ run_id, run_uuid }), { metrics: [pointOf(metric)] });
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'runs/log-parameter'],
    z.object({ ...runId, key: requiredText, value: anyText }),
    async ({ store }, { key, value, ...run }) => {
      await store.log(runIdOf(run), { params: [[key, value]] });
      return undefined;
    },
  ),
  {
    ...endpoint(
      ['POST', 'runs/log-batch'],
      z.object({ ...runId, metrics: list(Metric), params: pairs, tags: pairs }),
      async ({ store }, { metrics, params, tags, ...run }) => {
        const id = runIdOf(run);
        assertBatch({ metrics, params, tags });
        await store.log(id, {
          metrics: metrics.map(pointOf),
          params: params.map(({ key, value }) => [key, value] as const),
          tags: tags.map(({ key, value }) => [key, value] as const),
        });
        return undefined;
      },
    ),
    mostBytes: BATCH.bytes,
  },
  endpoint(
    ['GET', 'metrics/get-history'],
    z.object({ ...runId, metric_key: requiredText, max_results: optionalInteger, page_token: optionalText }),
    async ({ store }, { metric_key: key, max_results: size, page_token: pageToken, ...run }) => {
      const { points, nextPageToken } = await store.history(runIdOf(run), {
        key,
        maxResults: pageSize(size, HISTORY_PAGE),
        pageToken,
      });
      return { metrics: points.map(metricReply), next_page_token: nextPageToken };
    },
  ),
  endpoint(
    ['GET', 'metrics/get-history-bulk-interval'],
    z.object({
      run_ids: list(z.string()),
      metric_key: requiredText,
      start_step: optionalInteger,
      end_step: optionalInteger,
      max_results: optionalInteger,
    }),
    async ({ store }, input) => {
      const {
        run_ids: runs,
        metric_key: key,
        start_step: start = -Infinity,
        end_step: end = Infinity,
      } = input;
      if (runs.length === 0) throw missing('run_ids');
      if (runs.length > INTERVAL.runs)
        throw invalid(`GetMetricHistoryBulkInterval request must specify at most ${INTERVAL.runs} run_ids`);
      if (start > end) throw invalid('end_step must not be less than start_step');
      const most = pageSize(input.max_results, INTERVAL);
      const metrics: Reply[] = [];
      for (const id of new Set(runs)) {
        const points = (await store.histories(id, [key])).get(key) ?? [];
        const inside = points
          .filter(({ step }) => step >= start && step <= end)
          .toSorted((first, second) => first.step - second.step || first.time - second.time);
        for (const point of evenly(inside, most)) metrics.push({ ...metricReply(point), run_id: id });
      }
      return { metrics };
    },
  ),
];

function pointOf(metric: z.output<typeof Metric>): MetricPoint {
  const { key, value, timestamp, step, model_id: model, dataset_name: name, dataset_digest: digest } = metric;
  if (timestamp === undefined) throw missing('timestamp');
  return {
    key,
    value,
    time: timestamp,
    step: step ?? 0,
    ...(model === undefined ? {} : { model }),
    ...(name === undefined && digest === undefined
      ? {}
      : { dataset: { name: name ?? '', digest: digest ?? '' } }),
  };
}

function assertBatch(batch: Record<'metrics' | 'params' | 'tags', readonly unknown[]>): void {
  const refuse = (what: string, count: number, limit: number): Error =>
    invalid(
      `A batch logging request can contain at most ${limit} ${what}. Got ${count} ${what}. Please split up ${what} across multiple requests and try again.`,
    );
  for (const what of ['metrics', 'params', 'tags'] as const)
    if (batch[what].length > BATCH[what]) throw refuse(what, batch[what].length, BATCH[what]);
  const total = batch.metrics.length + batch.params.length + batch.tags.length;
  if (total > BATCH.entities) throw refuse('metrics, params, and tags', total, BATCH.entities);
}

/** Not more than so many, the first and the last among them. */
function evenly(points: readonly MetricPoint[], most: number): readonly MetricPoint[] {
  if (points.length <= most) return points;
  const chosen = new Set<number>();
  for (let index = 0; index < most; index += 1)
    chosen.add(Math.round((index * (points.length - 1)) / Math.max(1, most - 1)));
  return points.filter((_point, index) => chosen.has(index));
}
