import * as z from 'zod';
import { defineCommand, type Rendered } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { ALL_VERSIONS, FETCHED_REFERENCES, JOBS, TransferInput } from '../cli/transfer-input.ts';
import { checkout, checkoutProblem } from '../core/data/checkout.ts';
import { fetchWanted } from '../core/transfer/fetch-wanted.ts';
import { TransferReport } from '../core/transfer/report.ts';
import { count } from '../ui/numbers.ts';
import { describeFetch, describeRunsPull } from '../ui/transfer.ts';

const PulledRunsOutput = z.lazy(() =>
  z.object({
    remote: z.object({ name: z.string(), url: z.string() }),
    dryRun: z.boolean(),
    /** Runs, and models that they logged, that were not here, or were older. */
    pulled: z.array(z.object({ id: z.string(), name: z.string() })),
    unchanged: z.number(),
    /** Changed here since, so that the remote's state was not taken. */
    kept: z.array(z.object({ id: z.string(), name: z.string() })),
  }),
);

export default defineCommand({
  arguments: [FETCHED_REFERENCES],
  options: [
    ALL_VERSIONS,
    {
      flags: '--runs',
      description: 'bring runs instead: those named, or all; their artifacts come when asked for',
    },
    { flags: '--remote <name>', description: 'the remote to pull from (default: the default one)' },
    { flags: '--force', description: 'also drop local changes of tracked data that are saved nowhere' },
    { flags: '--dry-run', description: 'say what would be fetched; fetch and restore nothing' },
    JOBS,
  ],
  description:
    'Brings objects into this clone as `mlops fetch` does, then restores tracked data as `mlops checkout` does. Run it after `git pull` or in a fresh clone. A file that was changed here and is saved nowhere is left alone (exit 5).',
  examples: [
    { command: 'mlops pull', explains: 'a fresh clone gets its data and the models in use' },
    { command: 'mlops pull data/train.csv', explains: 'one tracked path' },
    { command: 'mlops pull --runs', explains: 'the runs that others pushed' },
  ],
  input: TransferInput.extend({
    force: z.boolean().default(false),
    runs: z.boolean().default(false),
  }).refine(
    ({ runs, all, force }) => !runs || (!all && !force),
    '--runs goes with neither --all nor --force',
  ),
  output: z.lazy(() =>
    z.union([
      TransferReport.unwrap().extend({
        /** Tracked paths whose files were written. */
        restored: z.array(z.string()),
      }),
      PulledRunsOutput,
    ]),
  ),
  async run({ ref, all, remote, force, runs, dryRun, jobs }, context) {
    const repository = await context.repository();
    if (runs) return runsPulled({ ref, remote, dryRun, jobs }, context);
    const { signal } = context;
    const progress = context.progress('fetching', 'bytes');
    try {
      const { report, problem } = await fetchWanted(repository, {
        references: ref,
        cwd: context.cwd,
        all,
        remote,
        dryRun,
        thenRestore: { force },
        ...(jobs === undefined ? {} : { jobs }),
        signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
      progress.stop();
      const paths = report.data.map(({ path }) => path);
      const restoring = context.progress('restoring', 'bytes');
      const everything = ref.length === 0;
      const results =
        dryRun || (!everything && paths.length === 0)
          ? []
          : await checkout(repository, {
              ...(everything ? {} : { paths }),
              force,
              cachedOnly: true,
              signal,
              onProgress: ({ bytes, totalBytes }) => restoring.update(bytes, totalBytes),
            }).finally(() => restoring.stop());
      const failure = problem ?? checkoutProblem(results);
      if (failure !== undefined) throw failure;
      const restored = results.filter(({ outcome }) => outcome === 'restored').map(({ path }) => path);
      const files = restored.length === 0 ? '' : `Restored ${count(restored.length, 'tracked path')}\n`;
      return { data: { ...report, restored }, text: () => describeFetch(report) + files };
    } finally {
      progress.stop();
    }
  },
});

interface RunsInput {
  ref: readonly string[];
  remote: string | undefined;
  dryRun: boolean;
  jobs: number | undefined;
}

async function runsPulled(
  { ref, remote, dryRun, jobs }: RunsInput,
  context: Context,
): Promise<Rendered<z.output<typeof PulledRunsOutput>>> {
  const [{ openRunStore }, { pullRuns }] = await Promise.all([
    import('../core/runs/store.ts'),
    import('../core/runs/pull-runs.ts'),
  ]);
  const repository = await context.repository();
  const store = await openRunStore(repository);
  const progress = context.progress('fetching', 'bytes');
  try {
    const report = await pullRuns(repository, store, {
      named: ref,
      remote,
      dryRun,
      ...(jobs === undefined ? {} : { jobs }),
      signal: context.signal,
      onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
    });
    progress.stop();
    for (const { name, id } of report.kept)
      context.warn(`${name} (${id.slice(0, 12)}) was changed here since it was pushed, and stays as it is`);
    return { data: report, text: () => describeRunsPull(report) };
  } finally {
    progress.stop();
    await store.close();
  }
}
