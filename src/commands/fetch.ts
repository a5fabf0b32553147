import { defineCommand } from '../cli/command.ts';
import { ALL_VERSIONS, FETCHED_REFERENCES, JOBS, TransferInput } from '../cli/transfer-input.ts';
import { fetchWanted } from '../core/transfer/fetch-wanted.ts';
import { TransferReport } from '../core/transfer/report.ts';
import { describeFetch } from '../ui/transfer.ts';

export default defineCommand({
  arguments: [FETCHED_REFERENCES],
  options: [
    ALL_VERSIONS,
    { flags: '--remote <name>', description: 'the remote to fetch from (default: the default one)' },
    { flags: '--dry-run', description: 'say what would be fetched; fetch nothing' },
    JOBS,
  ],
  description:
    'Brings objects into this clone and leaves the work tree alone; `mlops pull` also restores tracked data. Every byte is hashed before it counts, and what came stays when a fetch is interrupted. What the remote does not hold intact is named (exit 3) after everything else is here.',
  examples: [
    { command: 'mlops fetch', explains: 'what this branch is likely to need' },
    { command: 'mlops fetch fraud_detector@v1.0.1', explains: 'one version' },
  ],
  input: TransferInput,
  output: TransferReport,
  async run({ ref, all, remote, dryRun, jobs }, context) {
    const repository = await context.repository();
    const progress = context.progress('fetching', 'bytes');
    try {
      const { report, problem } = await fetchWanted(repository, {
        references: ref,
        cwd: context.cwd,
        all,
        remote,
        dryRun,
        ...(jobs === undefined ? {} : { jobs }),
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
      if (problem !== undefined) throw problem;
      return { data: report, text: () => describeFetch(report) };
    } finally {
      progress.stop();
    }
  },
});
