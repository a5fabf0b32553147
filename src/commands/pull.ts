import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { ALL_VERSIONS, FETCHED_REFERENCES, JOBS, TransferInput } from '../cli/transfer-input.ts';
import { checkout, checkoutProblem } from '../core/data/checkout.ts';
import { fetchWanted } from '../core/transfer/fetch-wanted.ts';
import { TransferReport } from '../core/transfer/report.ts';
import { count } from '../ui/numbers.ts';
import { describeFetch } from '../ui/transfer.ts';

export default defineCommand({
  arguments: [FETCHED_REFERENCES],
  options: [
    ALL_VERSIONS,
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
  ],
  input: TransferInput.extend({ force: z.boolean().default(false) }),
  output: z.lazy(() =>
    TransferReport.unwrap().extend({
      /** Tracked paths whose files were written. */
      restored: z.array(z.string()),
    }),
  ),
  async run({ ref, all, remote, force, dryRun, jobs }, context) {
    const repository = await context.repository();
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
