import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { exportMlruns } from '../../core/runs-export/mlruns.ts';
import { experimentByName, openRunStore } from '../../core/runs/index.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  options: [
    { flags: '-o, --output <directory>', description: 'a directory that is empty or does not exist' },
    { flags: '--experiment <name>', description: 'only the runs of this experiment' },
    { flags: '--filter <expression>', description: 'only the runs that match' },
  ],
  description:
    "Writes runs with their histories and artifacts as MLflow's file store has them. For a table see `mlops runs list --csv`.",
  examples: [{ command: 'mlops runs export -o build/mlruns', explains: 'give all runs to MLflow' }],
  input: z.object({
    output: z.string('give --output <directory>').min(1),
    experiment: z.string().optional(),
    filter: z.string().max(10_000).optional(),
  }),
  output: z.lazy(() =>
    z.object({
      experiments: z.number(),
      runs: z.number(),
      /** Values of metrics. */
      metrics: z.number(),
      artifacts: z.number(),
      leftOut: z.array(z.string()),
    }),
  ),
  async run({ output, experiment, filter }, context) {
    const repository = await context.repository();
    const store = await openRunStore(repository);
    try {
      const ids =
        experiment === undefined ? undefined : [(await experimentByName(store.experiments, experiment)).id];
      const { runs, problems } = await store.search({ experimentIds: ids, filter });
      for (const { message } of problems) context.warn(message);
      const directory = resolve(context.cwd, output);
      const target = { repository, store, files: await context.outputFiles(), directory };
      const data = await exportMlruns(runs, target, context.signal);
      if (data.leftOut.length > 0)
        context.warn(`${data.leftOut.length} entries can not be files there; --json names them`);
      return {
        data,
        text: () =>
          `Wrote ${count(data.runs, 'run')}, ${count(data.metrics, 'metric value')} and ${count(data.artifacts, 'artifact file')} to ${output}\n`,
      };
    } finally {
      await store.close();
    }
  },
});
