import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { assertStagesAreNoVersions } from '../../core/registry/stage-names.ts';
import { changeSetting } from '../../core/repository/settings.ts';

export default defineCommand({
  arguments: [
    { name: '<key>', description: 'such as git.stage; see `mlops config list`' },
    { name: '<value>', description: 'true, false, a number, or names separated by commas' },
  ],
  options: [
    { flags: '--local', description: 'for this clone only, in .mlops/local.json, which Git ignores' },
    { flags: '--commit', description: 'commit the change, and nothing else that is staged' },
  ],
  examples: [
    { command: 'mlops config set stages staging,canary,production', explains: 'add a stage for all clones' },
    {
      command: 'mlops config set git.stage false --local',
      explains: 'do not add files to the index in this clone',
    },
  ],
  input: z.object({
    key: z.string(),
    value: z.string(),
    local: z.boolean().default(false),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      key: z.string(),
      value: z.string(),
      changed: z.boolean(),
      commit: z.string().nullable(),
    }),
  ),
  async run({ key, value, local, commit }, context) {
    const repository = await context.repository();
    if (key === 'stages') await assertStagesAreNoVersions(repository, value);
    const written = await changeSetting(repository, { key, text: value, local });
    const git = await followUpInGit(repository, { written, commit, message: `Set ${key}` });
    if (git.problem !== undefined) context.warn(`set, but not added to Git: ${git.problem}`);
    return {
      data: { key, value, changed: local || written.length > 0, commit: git.commit ?? null },
      text: () => `${key} is ${value}${local ? ' in this clone' : ''}\n`,
    };
  },
});
