import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { importBundle } from '../core/registry/bundle.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<bundle>', description: 'a file that `mlops export` wrote' }],
  options: [{ flags: '--commit', description: 'commit the metadata, and nothing else that is staged' }],
  description:
    'Every object is hashed before anything is registered; a bundle that does not add up leaves nothing behind.',
  examples: [
    { command: 'mlops import fraud.tar.gz', explains: 'take over a version from another repository' },
  ],
  input: z.object({ bundle: z.string().min(1), commit: z.boolean().default(false) }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      version: z.string(),
      digest: z.string(),
      size: z.number(),
      files: z.number(),
      event: z.string().nullable(),
      commit: z.string().nullable(),
    }),
  ),
  async run({ bundle, commit }, context) {
    const repository = await context.repository();
    const { record, event, written } = await importBundle(repository, resolve(context.cwd, bundle));
    const { model, version, digest, size, files } = record;
    const git = await followUpInGit(repository, { written, commit, message: `Import ${model} ${version}` });
    if (git.problem !== undefined) context.warn(`imported, but not added to Git: ${git.problem}`);
    return {
      data: { model, version, digest, size, files, event: event ?? null, commit: git.commit ?? null },
      text: () =>
        event === undefined
          ? `${model}@${version} is here already\n`
          : `Imported ${model}@${version}: ${count(files, 'file')}, ${formatBytes(size)}\n  ${digest}\n`,
    };
  },
});
