import * as z from 'zod';
import { defineCommand, type Rendered } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { JOBS, TransferInput } from '../cli/transfer-input.ts';
import { pushWanted } from '../core/transfer/push-wanted.ts';
import { TransferReport } from '../core/transfer/report.ts';
import { describePush, describeRunsPush } from '../ui/transfer.ts';

const PushedRunsOutput = z.lazy(() =>
  z.object({
    remote: z.object({ name: z.string(), url: z.string() }),
    dryRun: z.boolean(),
    /** Runs, and models that they logged, that the remote did not have, or had otherwise. */
    pushed: z.array(z.object({ id: z.string(), name: z.string() })),
    unchanged: z.number(),
    bytes: z.object({ total: z.number(), transferred: z.number() }),
  }),
);

export default defineCommand({
  arguments: [
    {
      name: '[ref...]',
      description: '<model>@<version>, <model>@<stage> ..., or tracked paths (default: everything)',
    },
  ],
  options: [
    { flags: '--all', description: 'also what other branches, tags and stash entries name' },
    { flags: '--runs', description: 'send runs instead: those named, or all; with their artifacts' },
    { flags: '--remote <name>', description: 'the remote to push to (default: the default one)' },
    { flags: '--repair', description: 'read back what is there, and replace what is damaged or missing' },
    { flags: '--dry-run', description: 'ask the remote and say what would be sent; send nothing' },
    JOBS,
    { flags: '--yes', description: 'send to a remote that only the shared configuration names' },
  ],
  description:
    'Sends the objects that versions and tracked data need and the remote does not hold. Packs go first and the layout, which makes them found, last; what was sent stays when a push is interrupted, and the next one sends the rest. What was named, a stage holds or is tracked data, and is complete neither here nor there, is listed (exit 3) after the others were pushed; other versions that nobody has are passed over with a warning.',
  examples: [
    { command: 'mlops push', explains: 'everything that this branch names' },
    { command: 'mlops push fraud_detector@production --dry-run', explains: 'what one version would send' },
    { command: 'mlops push --runs', explains: 'runs of experiments, for everybody who shares the remote' },
    { command: 'mlops push --repair', explains: 'replace what was damaged or deleted on the remote' },
  ],
  input: TransferInput.extend({
    repair: z.boolean().default(false),
    runs: z.boolean().default(false),
    yes: z.boolean().default(false),
  }).refine(
    ({ runs, all, repair }) => !runs || (!all && !repair),
    '--runs goes with neither --all nor --repair',
  ),
  output: z.lazy(() => z.union([TransferReport, PushedRunsOutput])),
  async run({ ref, all, remote, repair, runs, dryRun, jobs, yes }, context) {
    const repository = await context.repository();
    if (runs) return runsPushed({ ref, remote, dryRun, jobs, yes }, context);
    const progress = context.progress(repair ? 'checking and pushing' : 'pushing', 'bytes');
    try {
      const report = await pushWanted(repository, {
        references: ref,
        cwd: context.cwd,
        all,
        remote,
        repair,
        dryRun,
        ...(jobs === undefined ? {} : { jobs }),
        trust: { yes, confirm: (question) => context.confirm(question) },
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
      progress.stop();
      for (const { names } of report.absent)
        context.warn(
          `${names.join(', ')} is neither in this clone nor on the remote; push it from where it was saved`,
        );
      return { data: report, text: () => describePush(report) };
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
  yes: boolean;
}

async function runsPushed(
  { ref, remote, dryRun, jobs, yes }: RunsInput,
  context: Context,
): Promise<Rendered<z.output<typeof PushedRunsOutput>>> {
  const [{ openRunStore }, { pushRuns }] = await Promise.all([
    import('../core/runs/store.ts'),
    import('../core/runs/push-runs.ts'),
  ]);
  const repository = await context.repository();
  const store = await openRunStore(repository);
  const progress = context.progress('pushing', 'bytes');
  try {
    const report = await pushRuns(repository, store, {
      named: ref,
      remote,
      dryRun,
      ...(jobs === undefined ? {} : { jobs }),
      trust: { yes, confirm: (question) => context.confirm(question) },
      signal: context.signal,
      onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      warn: context.warn,
    });
    return { data: report, text: () => describeRunsPush(report) };
  } finally {
    progress.stop();
    await store.close();
  }
}
