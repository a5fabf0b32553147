import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import { ModelName } from '../core/registry/names.ts';
import { rollback } from '../core/registry/promote.ts';

export default defineCommand({
  arguments: [{ name: '<model>', description: 'name of the model' }],
  options: [
    { flags: '--stage <stage>', description: 'the stage to move back (default: production)' },
    { flags: '--to <version>', description: 'go to this version (default: the one the stage held before)' },
    { flags: '--reason <text>', description: 'why; kept in the history (required)' },
    { flags: '--commit', description: 'commit the metadata, and nothing else that is staged' },
  ],
  description:
    'Moves a stage back, as an event of its own: nothing in the history is rewritten. Rolling back twice goes two versions back.',
  examples: [
    {
      command: 'mlops rollback fraud_detector --reason "false positives doubled"',
      explains: 'back to what was in production before',
    },
    {
      command: 'mlops rollback fraud_detector --stage staging --to v1.0.0 --reason "retest"',
      explains: 'a given stage, to a given version',
    },
  ],
  input: z.object({
    model: ModelName,
    stage: z.string().default('production'),
    to: z.string().optional(),
    reason: z
      .string('a rollback needs a reason')
      .min(1, 'a rollback needs a reason')
      .max(20_000, 'a reason has at most 20,000 characters'),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      stage: z.string(),
      version: z.string(),
      previous: z.string().nullable(),
      event: z.string(),
      commit: z.string().nullable(),
    }),
  ),
  async run({ model, stage, to, reason, commit }, context) {
    const repository = await context.repository();
    const progress = context.progress('verifying', 'bytes');
    try {
      const { version, previous, event, written } = await rollback(repository, {
        model,
        stage,
        to,
        reason,
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
      const message = `Roll ${model} ${stage} back to ${version}`;
      const git = await followUpInGit(repository, { written, commit, message });
      if (git.problem !== undefined) context.warn(`rolled back, but not added to Git: ${git.problem}`);
      return {
        data: { model, stage, version, previous: previous ?? null, event, commit: git.commit ?? null },
        text: () =>
          `${model}: ${stage} is back at ${version}${previous === undefined ? '' : ` (was ${previous})`}\n`,
        hints: git.outcome === 'staged' ? [`commit it: git commit -m "${message}"`] : [],
      };
    } finally {
      progress.stop();
    }
  },
});
