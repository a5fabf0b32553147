import * as z from 'zod';
import type { FilterSubject, QueryOptions } from '../query/index.ts';
import type { VersionState } from './model-state.ts';
import { metricNumber, type MetricValue } from './record.ts';

/** A version as every `--json` output shows it. */
export const VersionSummary = z.lazy(() =>
  z.object({
    model: z.string(),
    version: z.string(),
    digest: z.string(),
    /** Bytes. */
    size: z.number(),
    files: z.number(),
    format: z.string(),
    framework: z.string(),
    createdAt: z.string(),
    createdBy: z.string(),
    stages: z.array(z.string()),
    /** `null` where JSON has no such number; then `nonFinite` says which it is. */
    metrics: z.record(z.string(), z.number().nullable()),
    /** NaN, Infinity or -Infinity by metric name. */
    nonFinite: z.record(z.string(), z.string()),
    params: z.record(z.string(), z.string()),
    tags: z.record(z.string(), z.string()),
    description: z.string().nullable(),
    deprecated: z.boolean(),
    deleted: z.boolean(),
  }),
);
export type VersionSummary = z.output<typeof VersionSummary>;

export function summarise(version: VersionState): VersionSummary {
  const { record, stages, tags, description, deprecated, deleted } = version;
  return {
    model: record.model,
    version: record.version,
    digest: record.digest,
    size: record.size,
    files: record.files,
    format: record.format.name,
    framework: record.format.framework,
    createdAt: record.createdAt,
    createdBy: record.createdBy,
    stages: [...stages],
    ...jsonMetrics(record.metrics),
    params: record.params,
    tags: { ...tags },
    description: description ?? null,
    deprecated: deprecated !== undefined,
    deleted: deleted !== undefined,
  };
}

/** Metrics for JSON: `null` for what JSON can't hold, and the reason beside it. */
export function jsonMetrics(
  metrics: Readonly<Record<string, MetricValue>>,
): Pick<VersionSummary, 'metrics' | 'nonFinite'> {
  const entries = Object.entries(metrics);
  return {
    metrics: Object.fromEntries(
      entries.map(([key, value]) => [key, typeof value === 'number' ? value : null]),
    ),
    nonFinite: Object.fromEntries(
      entries.filter(
        (entry): entry is [string, Exclude<MetricValue, number>] => typeof entry[1] === 'string',
      ),
    ),
  };
}

/** The names that `list --filter` and `--sort` know besides metrics, params and tags. */
export const VERSION_QUERY: QueryOptions = {
  attributes: {
    version: 'string',
    digest: 'string',
    size: 'number',
    files: 'number',
    format: 'string',
    framework: 'string',
    createdAt: 'time',
    createdBy: 'string',
    description: 'string',
    branch: 'string',
    commit: 'string',
  },
  aliases: { created: 'createdAt', creator: 'createdBy' },
};

export function filterSubject({ record, tags, description }: VersionState): FilterSubject {
  return {
    metrics: Object.fromEntries(
      Object.entries(record.metrics).map(([key, value]) => [key, metricNumber(value)]),
    ),
    params: record.params,
    tags,
    attributes: {
      version: record.version,
      digest: record.digest,
      size: record.size,
      files: record.files,
      format: record.format.name,
      framework: record.format.framework,
      createdAt: record.createdAt,
      createdBy: record.createdBy,
      description,
      branch: record.lineage.git?.branch,
      commit: record.lineage.git?.commit,
    },
    datasets: (record.lineage.data ?? []).map(({ role, path, digest }) => ({ role, name: path, digest })),
  };
}
