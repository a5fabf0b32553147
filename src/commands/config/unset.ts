import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { changeSetting } from '../../core/repository/settings.ts';

export default defineCommand({
  arguments: [{ name: '<key>', description: 'such as git.stage; see `mlops config list`' }],
  options: [
    { flags: '--local', description: 'in .mlops/local.json instead of .mlops/config.json' },
    { flags: '--commit', description: 'commit the change, and nothing else that is staged' },
  ],
  examples: [
    { command: 'mlops config unset git.stage --local', explains: 'go back to what all clones share' },
  ],
  input: z.object({ key: z.string(), local: z.boolean().default(false), commit: z.boolean().default(false) }),
  output: z.lazy(() => z.object({ key: z.string(), changed: z.boolean(), commit: z.string().nullable() })),
  async run({ key, local, commit }, context) {
    const repository = await context.repository();
    const written = await changeSetting(repository, { key, text: undefined, local });
    const git = await followUpInGit(repository, { written, commit, message: `Unset ${key}` });
    if (git.problem !== undefined) context.warn(`unset, but not added to Git: ${git.problem}`);
    return {
      data: { key, changed: local || written.length > 0, commit: git.commit ?? null },
      text: () => `${key} is no longer set${local ? ' in this clone' : ''}\n`,
    };
  },
});
