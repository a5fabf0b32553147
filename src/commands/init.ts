import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { HooksSummary, summariseHooks } from '../core/hooks/summary.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import { hookLines } from '../ui/hook-lines.ts';

export default defineCommand({
  description:
    'Creates .mlops at the root of the Git work tree and adds its files to the index. Running it again changes nothing.',
  options: [{ flags: '--hooks', description: 'also write the Git hooks, as `mlops hooks install` does' }],
  examples: [
    { command: 'mlops init', explains: 'make this Git repository a model registry' },
    { command: 'mlops init --hooks', explains: 'and have Git run mlops when it commits and pushes' },
  ],
  input: z.object({ hooks: z.boolean().default(false) }),
  output: z.lazy(() =>
    z.object({
      /** Absolute path of the work tree. */
      root: z.string(),
      created: z.boolean(),
      written: z.array(z.string()),
      /** With --hooks: how the hooks stand. */
      hooks: HooksSummary.nullable(),
    }),
  ),
  async run({ hooks: wanted }, context) {
    const { root, created, written } = await context.initialise();
    const repository = await context.repository();
    const git = await followUpInGit(repository, { written, commit: false, message: '' });
    if (git.problem !== undefined) context.warn(`created, but not added to Git: ${git.problem}`);
    const hooks = wanted ? summariseHooks(await (await context.gitHooks()).install()) : null;
    const said = created ? `Created ${root}/.mlops\n` : `${root}/.mlops is there already\n`;
    return {
      data: { root, created, written: [...written], hooks },
      text: (view) => (hooks === null ? said : `${said}\n${hookLines(hooks, view)}`),
      exitCode: hooks?.active === false ? 1 : 0,
      hints: created
        ? ['commit it: git commit -m "Start the model registry"', 'save a model: mlops save <model> <path>']
        : [],
    };
  },
});
