import * as z from 'zod';
import type { MetricPoint, RunStatus } from '../runs/index.ts';
import { readSmall } from './source-files.ts';

/** MLflow's numbers of the states of a run. */
const STATUSES: readonly RunStatus[] = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'];
const Time = z.number().int().min(0).max(253_402_300_799_999);
const Lifecycle = z.enum(['active', 'deleted']).default('active');

export const ExperimentMeta = z.lazy(() =>
  z.object({
    name: z.string().min(1).max(500),
    lifecycle_stage: Lifecycle,
    creation_time: Time.nullish(),
    last_update_time: Time.nullish(),
  }),
);

export const RunMeta = z.lazy(() =>
  z.object({
    run_name: z.string().max(500).nullish(),
    user_id: z.string().max(500).nullish(),
    start_time: Time,
    end_time: Time.nullish(),
    lifecycle_stage: Lifecycle,
    status: z
      .number()
      .int()
      .min(1)
      .max(STATUSES.length)
      .transform((number): RunStatus => STATUSES[number - 1] ?? 'FAILED'),
  }),
);

/** What a meta.yaml says; undefined where it is missing, too large, or says something else. */
export async function readMeta<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readSmall(path);
  if (text === undefined) return undefined;
  const { parse } = await import('yaml');
  try {
    const value: unknown = parse(text, { schema: 'core', maxAliasCount: 0, logLevel: 'silent' });
    return schema.safeParse(value).data;
  } catch {
    return undefined;
  }
}

/**
 * A line of a file of `metrics/`: time in milliseconds, value, and the step that older clients did not write; then the data set.
 * Undefined for anything else.
 */
export function parseMetricLine(key: string, line: string): MetricPoint | undefined {
  const [time = '', text = '', step = '0', name, digest, ...more] = line.trim().split(' ');
  const value = pythonNumber(text);
  if (more.length > 0 || !/^-?\d+$/.test(time) || !/^-?\d+$/.test(step) || value === undefined)
    return undefined;
  const point: MetricPoint = { key, value, step: Number(step), time: Number(time) };
  return name === undefined || digest === undefined ? point : { ...point, dataset: { name, digest } };
}

/** A number as Python prints it. */
function pythonNumber(text: string): number | undefined {
  const word = /^([+-]?)(nan|inf|infinity)$/i.exec(text);
  if (word?.[2]?.toLowerCase() === 'nan') return Number.NaN;
  if (word !== null) return word[1] === '-' ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
