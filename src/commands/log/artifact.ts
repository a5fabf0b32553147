import { basename, resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { namedRun, openRunStore } from '../../core/runs/index.ts';
import { formatBytes } from '../../ui/bytes.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<path...>', description: 'files and directories' }],
  options: [
    {
      flags: '--to <place>',
      description: 'directory among the artifacts to put them into (default: the top)',
    },
    { flags: '--run <run>', description: 'id, start of it, or name (default: MLOPS_RUN_ID)' },
  ],
  description:
    'The bytes are stored like those of versions: what is stored already takes no space. A file of the same place is replaced; a directory joins one of its name.',
  examples: [
    { command: 'mlops log artifact plots/roc.png', explains: 'keep a picture with the run' },
    { command: 'mlops log artifact build/model --to models', explains: 'keep a directory as models/model' },
  ],
  input: z.object({
    path: z.array(z.string().min(1)).min(1),
    to: z.string().min(1).optional(),
    run: z.string().optional(),
  }),
  output: z.lazy(() =>
    z.object({
      run: z.string(),
      artifacts: z.array(
        z.object({ path: z.string(), digest: z.string(), size: z.number(), files: z.number() }),
      ),
    }),
  ),
  async run({ path: paths, to, run: named }, context) {
    const store = await openRunStore(await context.runRepository());
    try {
      const run = await namedRun(store, named, context.env);
      const artifacts: { path: string; digest: string; size: number; files: number }[] = [];
      for (const each of paths) {
        const source = resolve(context.cwd, each);
        const place = to === undefined ? basename(source) : `${to.replace(/\/+$/, '')}/${basename(source)}`;
        const stored = await store.artifacts(run.id).putFrom(place, source, { signal: context.signal });
        artifacts.push({ path: place, digest: stored.digest, size: stored.size, files: stored.files });
      }
      return {
        data: { run: run.id, artifacts },
        text: () =>
          artifacts
            .map(
              ({ path, size, files }) =>
                `Logged ${path} (${count(files, 'file')}, ${formatBytes(size)}) to ${run.name}\n`,
            )
            .join(''),
      };
    } finally {
      await store.close();
    }
  },
});
