import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { parseMetricPairs, readMetricsFile } from '../../core/registry/measurements.ts';
import { metricNumber } from '../../core/registry/record.ts';
import { namedRun, openRunStore } from '../../core/runs/index.ts';
import { UsageError } from '../../errors.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '[metrics...]', description: 'key=value; nan, inf and -inf are numbers' }],
  options: [
    { flags: '--step <n>', description: 'step of all of them, a whole number (default: 0)' },
    { flags: '--time <time>', description: 'when they were measured, RFC 3339 (default: now)' },
    { flags: '--file <file>', description: 'a JSON file of metrics; nested names are joined with "."' },
    { flags: '--run <run>', description: 'id, start of it, or name (default: MLOPS_RUN_ID)' },
  ],
  description: 'A metric may be logged again and again; its history is kept.',
  examples: [
    { command: 'mlops log metric loss=0.25 accuracy=0.91 --step 3', explains: 'log two values of step 3' },
    {
      command: 'mlops log metric --file metrics.json --run 1a2b3c4d',
      explains: 'those of a file, to another run',
    },
  ],
  input: z.object({
    metrics: z.array(z.string()).default([]),
    step: z.coerce.number('expected a whole number').int('expected a whole number').default(0),
    time: z.iso.datetime({ offset: true, error: 'expected a time such as 2026-11-23T10:15:00Z' }).optional(),
    file: z.string().min(1).optional(),
    run: z.string().optional(),
  }),
  output: z.lazy(() => z.object({ run: z.string(), logged: z.number(), step: z.number() })),
  async run({ metrics, step, time, file, run: named }, context) {
    const pairs = parseMetricPairs(metrics);
    const fromFile = file === undefined ? [] : await readMetricsFile(resolve(context.cwd, file));
    const values = new Map([...fromFile, ...pairs]);
    if (values.size === 0) {
      throw new UsageError('MISSING_ARGUMENT', 'no metric is named', {
        hint: 'for example: mlops log metric accuracy=0.95',
      });
    }
    const store = await openRunStore(await context.runRepository());
    try {
      const run = await namedRun(store, named, context.env);
      const at = time === undefined ? context.now().getTime() : Date.parse(time);
      await store.log(run.id, {
        metrics: [...values].map(([key, value]) => ({ key, value: metricNumber(value), step, time: at })),
      });
      return {
        data: { run: run.id, logged: values.size, step },
        text: () => `Logged ${count(values.size, 'metric')} of step ${step} to ${run.name}\n`,
      };
    } finally {
      await store.close();
    }
  },
});
