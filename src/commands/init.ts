import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';

export default defineCommand({
  description:
    'Creates .mlops at the root of the Git work tree and adds its files to the index. Running it again changes nothing.',
  examples: [{ command: 'mlops init', explains: 'make this Git repository a model registry' }],
  input: z.object({}),
  output: z.lazy(() =>
    z.object({
      /** Absolute path of the work tree. */
      root: z.string(),
      created: z.boolean(),
      written: z.array(z.string()),
    }),
  ),
  async run(_input, context) {
    const { root, created, written } = await context.initialise();
    const repository = await context.repository();
    const git = await followUpInGit(repository, { written, commit: false, message: '' });
    if (git.problem !== undefined) context.warn(`created, but not added to Git: ${git.problem}`);
    return {
      data: { root, created, written: [...written] },
      text: () => (created ? `Created ${root}/.mlops\n` : `${root}/.mlops is there already\n`),
      hints: created
        ? ['commit it: git commit -m "Start the model registry"', 'save a model: mlops save <model> <path>']
        : [],
    };
  },
});
