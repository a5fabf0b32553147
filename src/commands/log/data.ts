import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { digestData } from '../../core/registry/lineage.ts';
import { parsePairs } from '../../core/registry/measurements.ts';
import { namedRun, openRunStore } from '../../core/runs/index.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<data...>', description: 'role=path, such as train=data/train.csv' }],
  options: [{ flags: '--run <run>', description: 'id, start of it, or name (default: MLOPS_RUN_ID)' }],
  description:
    'Records what data a run reads, by digest. The data itself is not stored; see `mlops data add`.',
  examples: [
    { command: 'mlops log data train=data/train.csv test=data/test.csv', explains: 'record two data sets' },
  ],
  input: z.object({ data: z.array(z.string()).min(1), run: z.string().optional() }),
  output: z.lazy(() =>
    z.object({
      run: z.string(),
      data: z.array(z.object({ role: z.string(), path: z.string(), digest: z.string(), size: z.number() })),
    }),
  ),
  async run({ data, run: named }, context) {
    const repository = await context.runRepository();
    const sources = [...parsePairs(data, 'data')].map(([role, path]) => ({
      role,
      path: resolve(context.cwd, path),
    }));
    const store = await openRunStore(repository);
    try {
      const run = await namedRun(store, named, context.env);
      const digests = await digestData(repository, sources);
      await store.logInputs(run.id, {
        datasets: digests.map(({ role, path, digest }) => ({
          name: path,
          digest,
          sourceType: 'local',
          source: path,
          tags: new Map([['mlflow.data.context', role]]),
        })),
      });
      return {
        data: { run: run.id, data: digests },
        text: () => `Recorded ${count(digests.length, 'data set')} of ${run.name}\n`,
      };
    } finally {
      await store.close();
    }
  },
});
