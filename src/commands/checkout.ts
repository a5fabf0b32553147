import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { checkout, checkoutProblem, type CheckedOut } from '../core/data/checkout.ts';
import { typedPaths } from '../core/data/place.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';

export default defineCommand({
  arguments: [
    { name: '[path...]', description: 'tracked paths, or directories that hold some (default: everything)' },
  ],
  options: [
    { flags: '--force', description: 'also drop local changes that are saved nowhere' },
    { flags: '--cached', description: 'restore only what is in this clone; ask no remote' },
    { flags: '--remote <name>', description: 'fetch what is missing from this remote' },
  ],
  description:
    'Makes tracked data what the pointers in the work tree say: run it after `git checkout`, `git pull` or `git merge`. Only files that differ are written, each appears complete or not at all, and what is missing in this clone is fetched. A file that was changed here and is saved nowhere is left alone (exit 5).',
  examples: [
    { command: 'mlops checkout', explains: 'restore the data of the commit that is checked out' },
    { command: 'mlops checkout data/train.csv --force', explains: 'drop the changes in one file' },
  ],
  input: z.object({
    path: z.array(z.string().min(1).max(4096)).default([]),
    force: z.boolean().default(false),
    cached: z.boolean().default(false),
    remote: z.string().optional(),
  }),
  output: z.lazy(() =>
    z.object({
      paths: z.array(
        z.object({
          /** Relative to the Git root. */
          path: z.string(),
          outcome: z.enum(['restored', 'unchanged']),
          digest: z.string(),
          written: z.number(),
          cloned: z.number(),
          removed: z.number(),
          /** Of the files written. */
          bytes: z.number(),
        }),
      ),
    }),
  ),
  async run({ path: given, force, cached, remote }, context) {
    const repository = await context.repository();
    const paths = await typedPaths(repository, context.cwd, given);
    const progress = context.progress('restoring', 'bytes');
    let results: CheckedOut[];
    try {
      results = await checkout(repository, {
        paths,
        force,
        cachedOnly: cached,
        remote,
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
    } finally {
      progress.stop();
    }
    const problem = checkoutProblem(results);
    if (problem !== undefined) throw problem;
    const done = results.filter((result) => result.outcome !== 'failed');
    return {
      data: {
        paths: done.map(({ path, outcome, pointer, written, cloned, removed, bytes }) => ({
          path,
          outcome,
          digest: pointer.digest,
          written,
          cloned,
          removed,
          bytes,
        })),
      },
      text: () => describe(done),
    };
  },
});

function describe(done: readonly Exclude<CheckedOut, { outcome: 'failed' }>[]): string {
  if (done.length === 0) return 'No data is tracked\n';
  const restored = done.filter(({ outcome }) => outcome === 'restored');
  const lines = restored.map(({ path, written, removed, bytes }) => {
    const parts = [`${count(written, 'file')} written (${formatBytes(bytes)})`];
    if (removed > 0) parts.push(`${count(removed, 'file')} removed`);
    return `Restored ${printable(path)}: ${parts.join(', ')}\n`;
  });
  const same = done.length - restored.length;
  if (same > 0) lines.push(`${count(same, 'path')} unchanged\n`);
  return lines.join('');
}
