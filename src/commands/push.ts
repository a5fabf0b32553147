import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { JOBS, TransferInput } from '../cli/transfer-input.ts';
import { pushWanted } from '../core/transfer/push-wanted.ts';
import { TransferReport } from '../core/transfer/report.ts';
import { describePush } from '../ui/transfer.ts';

export default defineCommand({
  arguments: [
    {
      name: '[ref...]',
      description: '<model>@<version>, <model>@<stage> ..., or tracked paths (default: everything)',
    },
  ],
  options: [
    { flags: '--all', description: 'also what other branches, tags and stash entries name' },
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
    { command: 'mlops push --repair', explains: 'replace what was damaged or deleted on the remote' },
  ],
  input: TransferInput.extend({ repair: z.boolean().default(false), yes: z.boolean().default(false) }),
  output: TransferReport,
  async run({ ref, all, remote, repair, dryRun, jobs, yes }, context) {
    const repository = await context.repository();
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
