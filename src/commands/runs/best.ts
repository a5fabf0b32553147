import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { goalOf, isBetter, type Goal } from '../../core/runs/compare.ts';
import { experimentByName, openRunStore, RunSummary, summariseRun, type Run } from '../../core/runs/index.ts';
import { ExitCode } from '../../errors.ts';
import { formatMetric } from '../../ui/numbers.ts';

export default defineCommand({
  options: [
    { flags: '--metric <key>', description: 'which metric decides' },
    { flags: '--min', description: 'less is better (default: guessed from the name)' },
    { flags: '--max', description: 'more is better' },
    { flags: '--ever', description: 'the best value that was ever logged, not the latest' },
    { flags: '--experiment <name>', description: 'only runs of this experiment' },
    { flags: '--filter <expression>', description: 'only runs that match, as in `mlops runs list`' },
    { flags: '--id', description: 'print the id only' },
  ],
  description: 'Exit code 1 when no run has the metric. NaN is never the best.',
  examples: [
    {
      command: 'mlops runs best --metric accuracy --experiment fraud',
      explains: 'the best run of an experiment',
    },
    {
      command: 'mlops runs best --metric loss --id',
      explains: 'only its id, for `mlops save fraud build/model --run <id>`',
    },
  ],
  input: z
    .object({
      metric: z.string('which metric decides? name it').min(1),
      min: z.boolean().default(false),
      max: z.boolean().default(false),
      ever: z.boolean().default(false),
      experiment: z.string().optional(),
      filter: z.string().max(10_000).optional(),
      id: z.boolean().default(false),
    })
    .refine(({ min, max }) => !min || !max, 'give --min or --max, not both'),
  output: z.lazy(() =>
    z.object({
      metric: z.string(),
      goal: z.enum(['max', 'min']),
      value: z.number().nullable(),
      run: RunSummary.nullable(),
      /** How many runs have the metric. */
      candidates: z.number(),
    }),
  ),
  async run({ metric, min, max, ever, experiment, filter, id }, context) {
    const goal: Goal = min ? 'min' : max ? 'max' : goalOf(metric);
    const store = await openRunStore(await context.repository());
    let runs: readonly Run[];
    try {
      const experimentIds =
        experiment === undefined ? undefined : [(await experimentByName(store.experiments, experiment)).id];
      ({ runs } = await store.search({ filter, experimentIds }));
    } finally {
      await store.close();
    }
    const candidates = runs.flatMap((run) => {
      const value = valueOf(run, metric, ever ? goal : undefined);
      return value === undefined || Number.isNaN(value) ? [] : [{ run, value }];
    });
    const [first, ...rest] = candidates;
    // Of equal ones the newest, which comes first.
    const best = rest.reduce(
      (found, each) => (found !== undefined && isBetter(each.value, found.value, goal) ? each : found),
      first,
    );
    return {
      data: {
        metric,
        goal,
        value: best === undefined || !Number.isFinite(best.value) ? null : best.value,
        run: best === undefined ? null : summariseRun(best.run),
        candidates: candidates.length,
      },
      text: () => {
        if (best === undefined) return id ? '' : `No run has the metric ${metric}\n`;
        if (id) return `${best.run.id}\n`;
        return `${best.run.name} (${best.run.id.slice(0, 12)}) of ${best.run.experimentName}: ${metric} ${formatMetric(best.value)}, the ${goal === 'max' ? 'highest' : 'lowest'} of ${candidates.length}\n`;
      },
      exitCode: best === undefined ? ExitCode.no : ExitCode.ok,
    };
  },
});

function valueOf({ metrics }: Run, metric: string, ever: Goal | undefined): number | undefined {
  const summary = metrics.get(metric);
  if (ever === 'max') return summary?.max;
  return ever === 'min' ? summary?.min : summary?.value;
}
