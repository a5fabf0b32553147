import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { deprecationNotice } from '../core/registry/deprecation.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import { promote } from '../core/registry/promote.ts';

export default defineCommand({
  arguments: [
    { name: '<ref...>', description: '<model>, <model>@<version>, <model>@<stage> or sha256:<digest>' },
  ],
  options: [
    { flags: '--to <stage>', description: 'the stage to move (default: production)' },
    { flags: '--reason <text>', description: 'why; kept in the history' },
    { flags: '--resolve', description: 'settle a stage that two branches moved, or whose file was edited' },
    { flags: '--commit', description: 'commit the metadata, and nothing else that is staged' },
  ],
  description: 'Hashes every byte of the version, then writes an event and the stage pointer.',
  examples: [
    { command: 'mlops promote fraud_detector@v1.0.1', explains: 'put v1.0.1 into production' },
    {
      command: 'mlops promote fraud_detector@staging --to production --reason "passed review" --commit',
      explains: 'what is in staging goes to production',
    },
  ],
  input: z.object({
    ref: RefWords,
    to: z.string().default('production'),
    reason: z
      .string()
      .min(1, 'a reason is not empty; leave the option out')
      .max(20_000, 'a reason has at most 20,000 characters')
      .optional(),
    resolve: z.boolean().default(false),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      stage: z.string(),
      version: z.string(),
      previous: z.string().nullable(),
      event: z.string(),
      moved: z.boolean(),
      commit: z.string().nullable(),
    }),
  ),
  async run({ ref, to, reason, resolve, commit }, context) {
    const repository = await context.repository();
    const progress = context.progress('verifying', 'bytes');
    try {
      const { model, stage, version, previous, event, moved, written, promoted } = await promote(repository, {
        reference: ref,
        stage: to,
        reason,
        resolve,
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
      const deprecated = deprecationNotice(promoted);
      if (deprecated !== undefined) context.warn(deprecated);
      const git = await followUpInGit(repository, {
        written,
        commit,
        message: `Promote ${model} ${version} to ${stage}`,
      });
      if (git.problem !== undefined) context.warn(`promoted, but not added to Git: ${git.problem}`);
      return {
        data: { model, stage, version, previous: previous ?? null, event, moved, commit: git.commit ?? null },
        text: () =>
          moved
            ? `${model}: ${stage} is now ${version}${previous === undefined ? '' : ` (was ${previous})`}\n`
            : `${model}: ${stage} is ${version} already; nothing was written\n`,
        hints:
          moved && git.outcome === 'staged'
            ? [`commit it: git commit -m "Promote ${model} ${version} to ${stage}"`]
            : [],
      };
    } finally {
      progress.stop();
    }
  },
});
