import * as z from 'zod';
import type { Field } from '../query/index.ts';
import { storedNumber } from './metric-lines.ts';
import type { Run } from './run.ts';
import { queryItemOfRun } from './run-view.ts';

/** A run as every `--json` output shows it. */
export const RunSummary = z.lazy(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    experiment: z.string(),
    experimentId: z.string(),
    /** SCHEDULED, RUNNING, FINISHED, FAILED or KILLED. */
    status: z.string(),
    /** Why the status is what it is, where somebody said so. */
    reason: z.string().nullable(),
    exitCode: z.number().nullable(),
    deleted: z.boolean(),
    user: z.string(),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    /** Seconds. */
    duration: z.number().nullable(),
    /** Latest values; `null` where JSON has no such number: then `nonFinite` says which it is. */
    metrics: z.record(z.string(), z.number().nullable()),
    /** NaN, Infinity or -Infinity by metric name. */
    nonFinite: z.record(z.string(), z.string()),
    params: z.record(z.string(), z.string()),
    tags: z.record(z.string(), z.string()),
    entryPoint: z.string().nullable(),
    git: z
      .object({ commit: z.string().nullable(), branch: z.string().nullable(), dirty: z.boolean() })
      .nullable(),
    versions: z.array(z.object({ model: z.string(), version: z.string(), digest: z.string() })),
  }),
);
export type RunSummary = z.output<typeof RunSummary>;

export function summariseRun(run: Run): RunSummary {
  const { source, endedAt, startedAt } = run;
  const numbers = [...run.metrics].map(([key, { value }]) => [key, storedNumber(value)] as const);
  const git = source?.git;
  return {
    id: run.id,
    name: run.name,
    experiment: run.experimentName,
    experimentId: run.experimentId,
    status: run.status,
    reason: run.reason ?? null,
    exitCode: run.exitCode ?? null,
    deleted: run.lifecycle === 'deleted',
    user: run.createdBy,
    startedAt: new Date(startedAt).toISOString(),
    endedAt: endedAt === undefined ? null : new Date(endedAt).toISOString(),
    duration: endedAt === undefined ? null : (endedAt - startedAt) / 1000,
    metrics: Object.fromEntries(
      numbers.map(([key, value]) => [key, typeof value === 'number' ? value : null]),
    ),
    nonFinite: Object.fromEntries(
      numbers.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
    ),
    params: Object.fromEntries(run.params),
    tags: Object.fromEntries(run.tags),
    entryPoint: source?.entryPoint ?? null,
    git:
      git === undefined ? null : { commit: git.commit ?? null, branch: git.branch ?? null, dirty: git.dirty },
    versions: run.versions.map((version) => ({ ...version })),
  };
}

/** What a run has under a field; undefined where it has nothing. */
export function runValue(run: Run, { entity, key }: Field): string | number | undefined {
  const item = queryItemOfRun(run);
  switch (entity) {
    case 'metrics':
      return item.metric?.(key);
    case 'params':
      return item.param?.(key);
    case 'tags':
      return item.tag?.(key);
    case 'attributes':
      return item.attribute?.(key);
    case 'datasets':
      return run.inputs.map((input) => (key === 'digest' ? input.digest : input.name)).join(' ') || undefined;
  }
}

/** Metrics of the machine that a run was measured on are no results. */
export function isSystemMetric(key: string): boolean {
  return key.startsWith('system/');
}
