import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { addData, type Added, type AddedData } from '../../core/data/add.ts';
import { pathInRepository } from '../../core/data/place.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { printable } from '../../lib/terminal-text.ts';
import { formatBytes } from '../../ui/bytes.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<path...>', description: 'files or directories in this repository' }],
  options: [
    { flags: '--allow-collisions', description: 'store names that clash on Windows or macOS' },
    { flags: '--commit', description: 'commit the pointer, and nothing else that is staged' },
    { flags: '--dry-run', description: 'say what would be stored, and write nothing' },
  ],
  description:
    'The bytes go into .mlops/cache, a small pointer into .mlops/data, and Git ignores the path from then on. What lies at the path is not touched. Run it again when the data changed: the pointer moves, and Git keeps where it pointed before.',
  examples: [
    { command: 'mlops data add data/train.csv', explains: 'track a file, or record its new content' },
    {
      command: 'mlops data add data/images data/labels.csv --commit',
      explains: 'track a directory and a file, and commit the pointers',
    },
  ],
  input: z.object({
    path: z.array(z.string().min(1).max(4096)).min(1),
    allowCollisions: z.boolean().default(false),
    commit: z.boolean().default(false),
    dryRun: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      paths: z.array(
        z.object({
          /** Relative to the Git root. */
          path: z.string(),
          digest: z.string(),
          kind: z.enum(['file', 'directory']),
          size: z.number(),
          files: z.number(),
          previous: z.string().nullable(),
          outcome: z.enum(['tracked', 'moved', 'unchanged']),
          blobs: z.object({
            total: z.number(),
            new: z.number(),
            newBytes: z.number(),
            storedBytes: z.number(),
          }),
          event: z.string().nullable(),
        }),
      ),
      dryRun: z.boolean(),
      git: z.object({
        outcome: z.enum(['committed', 'staged', 'failed', 'none']),
        commit: z.string().nullable(),
      }),
    }),
  ),
  async run({ path: given, allowCollisions, commit, dryRun }, context) {
    const repository = await context.repository();
    const paths = given.map((path) => pathInRepository(repository.root, resolve(context.cwd, path)));
    const progress = context.progress('storing', 'bytes');
    let done: Added;
    try {
      done = await addData(repository, {
        paths,
        allowCollisions,
        dryRun,
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
    } finally {
      progress.stop();
    }
    const { added, written, warnings } = done;
    for (const warning of warnings) context.warn(warning);
    const git = await followUpInGit(repository, { written, commit, message: messageFor(added) });
    if (git.problem !== undefined) context.warn(`tracked, but not added to Git: ${git.problem}`);
    return {
      data: {
        paths: added.map(({ pointer, stored, previous, outcome, event }) => ({
          ...pointer,
          previous: previous ?? null,
          outcome,
          blobs: stored.blobs,
          event: event ?? null,
        })),
        dryRun,
        git: { outcome: git.outcome, commit: git.commit ?? null },
      },
      text: () => added.map((each) => `${describe(each, dryRun)}\n`).join(''),
      hints:
        git.outcome === 'staged' && added.some(({ outcome }) => outcome !== 'unchanged')
          ? ['commit the pointer, so that others see it: git commit']
          : [],
    };
  },
});

function messageFor(added: readonly AddedData[]): string {
  const [first] = added;
  return added.length === 1 && first !== undefined
    ? `Track ${printable(first.pointer.path)}`
    : `Track ${added.length} data paths`;
}

const DONE = { tracked: 'Tracked', moved: 'Recorded', unchanged: 'Unchanged:' };
const WOULD = { tracked: 'Would track', moved: 'Would record', unchanged: 'Unchanged:' };

function describe({ pointer, stored, outcome }: AddedData, dryRun: boolean): string {
  const { path, digest, size, files } = pointer;
  const { blobs } = stored;
  const added =
    blobs.new === 0
      ? 'nothing new to store'
      : `${formatBytes(blobs.newBytes)} new, ${formatBytes(blobs.storedBytes)} on disk`;
  const what = `${count(files, 'file')}, ${formatBytes(size)}; ${added}`;
  return `${(dryRun ? WOULD : DONE)[outcome]} ${printable(path)}: ${what}\n  ${digest}`;
}
