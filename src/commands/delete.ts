import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { deleteVersion } from '../core/registry/amend.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';

export default defineCommand({
  arguments: [{ name: '<ref...>', description: '<model>@<version> or sha256:<digest>' }],
  options: [
    { flags: '--reason <text>', description: 'why; kept in the history (required)' },
    { flags: '--commit', description: 'commit the metadata, and nothing else that is staged' },
  ],
  description:
    'Takes a version out of the registry. Its record stays as evidence; a version that a stage holds can not be deleted.',
  examples: [
    {
      command: 'mlops delete fraud_detector@v1.0.0 --reason "trained on wrong data"',
      explains: 'take a version out',
    },
  ],
  input: z.object({
    ref: RefWords,
    reason: z
      .string('give the reason')
      .min(1, 'give the reason')
      .max(20_000, 'a reason has at most 20,000 characters'),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      version: z.string(),
      event: z.string().nullable(),
      commit: z.string().nullable(),
    }),
  ),
  async run({ ref, reason, commit }, context) {
    const repository = await context.repository();
    const { model, version, event, written } = await deleteVersion(repository, ref, reason);
    const git = await followUpInGit(repository, { written, commit, message: `Delete ${model} ${version}` });
    if (git.problem !== undefined) context.warn(`deleted, but not added to Git: ${git.problem}`);
    return {
      data: { model, version, event: event ?? null, commit: git.commit ?? null },
      text: () =>
        event === undefined ? `${model}@${version} is deleted already\n` : `Deleted ${model}@${version}\n`,
    };
  },
});
