import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { HooksSummary, summariseHooks } from '../../core/hooks/summary.ts';
import { hookLines } from '../../ui/hook-lines.ts';

export default defineCommand({
  options: [
    {
      flags: '--shared',
      description: 'also write to a hooks directory outside of this repository (core.hooksPath)',
    },
    {
      flags: '--portable',
      description: 'write no path of this machine; the hooks look for mlops on PATH',
    },
  ],
  description:
    'Writes pre-commit, pre-push, post-checkout and post-merge where Git looks for hooks. A hook that is there already is kept and runs first. Where husky, lefthook or pre-commit manages the hooks, it prints the lines to add. Exit code 1: a hook is not active yet.',
  examples: [
    { command: 'mlops hooks install', explains: 'push objects with `git push`, and check every commit' },
    {
      command: 'mlops hooks install --portable',
      explains: 'hooks that can be committed, where core.hooksPath is a directory of the repository',
    },
  ],
  input: z.object({ shared: z.boolean().default(false), portable: z.boolean().default(false) }),
  output: HooksSummary,
  async run({ shared, portable }, context) {
    await context.repository();
    const hooks = await context.gitHooks();
    const data = summariseHooks(await hooks.install({ shared, ...(portable ? { portable } : {}) }));
    if (data.location === 'work-tree' && !portable && data.changes.some(({ change }) => change !== 'kept')) {
      context.warn(
        'the hooks lie among the files of the repository and hold paths of this machine; to commit them, use --portable',
      );
    }
    return { data, text: (view) => hookLines(data, view), exitCode: data.active ? 0 : 1 };
  },
});
