import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { openRunStore } from '../../core/runs/index.ts';
import { keepRuns } from '../../core/runs/keep.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<run...>', description: 'ids, the start of them, or names' }],
  options: [{ flags: '--commit', description: 'commit them, and nothing else that is staged' }],
  description:
    'Runs are ignored by Git until they are kept: then their documents and histories are added to the index, and every clone of the commit has them. Their artifacts travel with `mlops push --runs`.',
  examples: [
    {
      command: 'mlops runs keep brisk-heron-217 --commit',
      explains: 'put a run into the history of the project',
    },
  ],
  input: z.object({ run: z.array(z.string()).min(1), commit: z.boolean().default(false) }),
  output: z.lazy(() =>
    z.object({
      runs: z.array(z.object({ id: z.string(), name: z.string() })),
      files: z.array(z.string()),
      git: z.object({
        outcome: z.enum(['committed', 'staged', 'failed', 'none']),
        commit: z.string().nullable(),
      }),
    }),
  ),
  async run({ run: named, commit }, context) {
    const repository = await context.repository();
    const store = await openRunStore(repository);
    try {
      const { runs, written } = await keepRuns(repository, store, named);
      const names = runs.map(({ name }) => name);
      const git = commit
        ? await followUpInGit(repository, { written, commit, message: `Keep the run ${names.join(', ')}` })
        : { outcome: 'staged' as const };
      return {
        data: {
          runs: runs.map(({ id, name }) => ({ id, name })),
          files: [...written],
          git: { outcome: git.outcome, commit: ('commit' in git ? git.commit : undefined) ?? null },
        },
        text: () =>
          `Kept ${names.join(', ')}: ${count(written.length, 'file')} ${commit ? 'committed' : 'added to the index'}\n`,
        hints: ['send their artifacts to the remote: mlops push --runs'],
      };
    } finally {
      await store.close();
    }
  },
});
