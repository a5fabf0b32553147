import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { parseRemote } from '../config/remote-url.ts';
import { HooksSummary, summariseHooks } from '../core/hooks/summary.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import type { Repository } from '../core/repository/repository.ts';
import { addRemote } from '../core/transfer/remotes.ts';
import { hookLines } from '../ui/hook-lines.ts';

export default defineCommand({
  description:
    'Creates .mlops at the root of the Git work tree and adds its files to the index. Running it again changes nothing.',
  options: [
    {
      flags: '--remote <url>',
      description: 'also add a remote called origin, as `mlops remote add origin <url>` does',
    },
    { flags: '--hooks', description: 'also write the Git hooks, as `mlops hooks install` does' },
  ],
  examples: [
    { command: 'mlops init', explains: 'make this Git repository a model registry' },
    { command: 'mlops init --remote s3://models/prod', explains: 'and keep objects in a bucket, too' },
    { command: 'mlops init --hooks', explains: 'and have Git run mlops when it commits and pushes' },
  ],
  input: z.object({ remote: z.string().min(1).optional(), hooks: z.boolean().default(false) }),
  output: z.lazy(() =>
    z.object({
      /** Absolute path of the work tree. */
      root: z.string(),
      created: z.boolean(),
      written: z.array(z.string()),
      /** With --remote: its URL. */
      remote: z.string().nullable(),
      /** With --hooks: how the hooks stand. */
      hooks: HooksSummary.nullable(),
    }),
  ),
  async run({ remote, hooks: wanted }, context) {
    // A URL that can't be used is said before anything is written.
    if (remote !== undefined) parseRemote({ url: remote });
    const { root, created, written: files } = await context.initialise();
    const repository = await context.repository();
    const configured = remote === undefined ? [] : await addOrigin(repository, remote, context);
    const written = [...new Set([...files, ...configured])];
    const git = await followUpInGit(repository, { written, commit: false, message: '' });
    if (git.problem !== undefined) context.warn(`created, but not added to Git: ${git.problem}`);
    const hooks = wanted ? summariseHooks(await (await context.gitHooks()).install()) : null;
    const place = created ? `Created ${root}/.mlops\n` : `${root}/.mlops is there already\n`;
    const said = remote === undefined ? place : `${place}The remote origin is ${remote}\n`;
    return {
      data: { root, created, written, remote: remote ?? null, hooks },
      text: (view) => (hooks === null ? said : `${said}\n${hookLines(hooks, view)}`),
      exitCode: hooks?.active === false ? 1 : 0,
      hints: created
        ? ['commit it: git commit -m "Start the model registry"', 'save a model: mlops save <model> <path>']
        : [],
    };
  },
});

async function addOrigin(repository: Repository, url: string, context: Context): Promise<readonly string[]> {
  const { written } = await addRemote(repository, {
    name: 'origin',
    settings: { url },
    makeDefault: false,
    local: false,
    prepare: (settings) => context.prepareRemote(settings),
  });
  return written;
}
