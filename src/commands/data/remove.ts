import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { typedPaths } from '../../core/data/place.ts';
import { removeData } from '../../core/data/remove.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';

export default defineCommand({
  arguments: [{ name: '<path>', description: 'a tracked path' }],
  options: [
    { flags: '--reason <text>', description: 'why; kept in the history' },
    { flags: '--commit', description: 'commit that it is gone, and nothing else that is staged' },
  ],
  description:
    'The pointer and the rule in .gitignore go; what lies at the path stays as it is. Older commits still name the bytes, so they are kept until `mlops gc` finds that nothing needs them.',
  examples: [
    { command: 'mlops data remove data/old.csv', explains: 'stop tracking a file, and keep it here' },
  ],
  input: z.object({
    path: z.string().min(1).max(4096),
    reason: z.string().max(20_000, 'a reason has at most 20,000 characters').optional(),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      /** Relative to the Git root. */
      path: z.string(),
      digest: z.string().nullable(),
      event: z.string(),
      commit: z.string().nullable(),
    }),
  ),
  async run({ path: given, reason, commit }, context) {
    const repository = await context.repository();
    const [place = ''] = await typedPaths(repository, context.cwd, [given]);
    const { path, digest, event, written } = await removeData(repository, { path: place, reason });
    const shown = printable(path);
    const git = await followUpInGit(repository, { written, commit, message: `Stop tracking ${shown}` });
    if (git.problem !== undefined) context.warn(`removed, but not added to Git: ${git.problem}`);
    return {
      data: { path, digest: digest ?? null, event, commit: git.commit ?? null },
      text: () => `${shown} is not tracked any more; the file stays where it is\n`,
      hints: [`Git sees it now: ignore it, remove it, or add it with git add ${shellWord(path)}`],
    };
  },
});
