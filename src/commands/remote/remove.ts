import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { removeRemote } from '../../core/transfer/remotes.ts';

export default defineCommand({
  arguments: [{ name: '<name>', description: 'see `mlops remote list`' }],
  options: [
    { flags: '--local', description: 'only what this clone has of its own, in .mlops/local.json' },
    { flags: '--commit', description: 'commit the change, and nothing else that is staged' },
  ],
  description: 'Takes the remote out of the configuration. What it holds stays there.',
  examples: [{ command: 'mlops remote remove backup', explains: 'forget the remote backup' }],
  input: z.object({
    name: z.string(),
    local: z.boolean().default(false),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() => z.object({ name: z.string(), commit: z.string().nullable() })),
  async run({ name, local, commit }, context) {
    const repository = await context.repository();
    const written = await removeRemote(repository, { name, local });
    const git = await followUpInGit(repository, { written, commit, message: `Remove the remote ${name}` });
    if (git.problem !== undefined) context.warn(`removed, but not added to Git: ${git.problem}`);
    return {
      data: { name, commit: git.commit ?? null },
      text: () => `Removed the remote ${name}; what it holds is still there\n`,
    };
  },
});
