import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { importMlruns } from '../../core/runs-import/mlruns.ts';
import { openRunStore } from '../../core/runs/index.ts';
import { printable } from '../../lib/terminal-text.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<directory>', description: "an `mlruns` directory of MLflow's file store" }],
  description:
    'Takes experiments, runs, params, tags, histories of metrics and artifacts. Run ids are kept: a second import writes nothing, and an interrupted one goes on. What is not taken is counted.',
  examples: [{ command: 'mlops import mlruns ./mlruns', explains: 'take over the runs of a project' }],
  input: z.object({ directory: z.string().min(1) }),
  output: z.lazy(() =>
    z.object({
      experiments: z.number(),
      /** Runs that were not here, that got what the source has besides, and the rest. */
      created: z.number(),
      updated: z.number(),
      unchanged: z.number(),
      /** Values of metrics that were written. */
      metrics: z.number(),
      artifacts: z.number(),
      leftOut: z.array(z.object({ what: z.string(), count: z.number(), example: z.string() })),
    }),
  ),
  async run({ directory }, context) {
    const store = await openRunStore(await context.repository());
    try {
      const data = await importMlruns(store, resolve(context.cwd, directory), context.signal);
      return {
        data,
        text: () =>
          [
            `${count(data.experiments, 'experiment')}: ${count(data.created, 'run')} imported, ${data.updated} updated, ${data.unchanged} unchanged`,
            `  ${count(data.metrics, 'metric value')}, ${count(data.artifacts, 'artifact file')} written`,
            ...data.leftOut.map(
              (each) => `  not taken: ${each.count} × ${each.what} (${printable(each.example)})`,
            ),
            '',
          ].join('\n'),
      };
    } finally {
      await store.close();
    }
  },
});
