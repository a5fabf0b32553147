import { basename, resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import type { Context } from '../../cli/context.ts';
import type { Repository } from '../../core/repository/repository.ts';
import { openRunStore, type Run } from '../../core/runs/index.ts';
import { fetchArtifacts } from '../../core/transfer/fetch.ts';
import { formatBytes } from '../../ui/bytes.ts';
import { count } from '../../ui/numbers.ts';
import { table } from '../../ui/table.ts';

export default defineCommand({
  arguments: [
    { name: '<run>', description: 'id, the start of it, or name' },
    { name: '[path]', description: 'a file or directory among them (default: all)' },
  ],
  options: [
    { flags: '-o, --output <target>', description: 'write what lies there to this file or directory' },
    { flags: '--force', description: 'replace a target that holds something else' },
  ],
  examples: [
    { command: 'mlops runs artifacts brisk-heron-217', explains: 'list them' },
    { command: 'mlops runs artifacts brisk-heron-217 model -o build/model', explains: 'get a directory' },
  ],
  input: z.object({
    run: z.string().min(1),
    path: z.string().min(1).optional(),
    output: z.string().min(1).optional(),
    force: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      run: z.string(),
      files: z.array(z.object({ path: z.string(), size: z.number(), sha256: z.string() })),
      /** Where they were written to, and as which artifact. */
      written: z.object({ target: z.string(), digest: z.string() }).nullable(),
    }),
  ),
  async run({ run: named, path = '', output, force }, context) {
    const repository = await context.repository();
    const store = await openRunStore(repository);
    try {
      const run = await store.resolve(named);
      await fetchMissing(repository, run, { output, context });
      const artifacts = store.artifacts(run.id);
      const files = (await artifacts.files(path)).map((file) => ({
        path: file.path,
        size: file.size ?? 0,
        sha256: file.sha256,
      }));
      let written: { target: string; digest: string } | null = null;
      if (output !== undefined) {
        const { digest } = await artifacts.compose(path);
        const options = { force, signal: context.signal };
        await (await repository.artifacts()).restore(digest, resolve(context.cwd, output), options);
        written = { target: output, digest };
      }
      const total = files.reduce((sum, { size }) => sum + size, 0);
      return {
        data: { run: run.id, files, written },
        text: (view) => {
          if (written !== null)
            return `Wrote ${count(files.length, 'file')} (${formatBytes(total)}) of ${run.name} to ${basename(written.target)}\n`;
          if (files.length === 0) return `${run.name} has no such artifacts\n`;
          const rows = files.map((file) => [file.path, formatBytes(file.size), file.sha256.slice(0, 12)]);
          const columns = [
            { header: 'PATH' },
            { header: 'SIZE', align: 'right' as const },
            { header: 'SHA-256' },
          ];
          return table({ columns, rows }, view);
        },
      };
    } finally {
      await store.close();
    }
  },
});

/** Of a run that came with Git or `mlops pull --runs`, the artifacts are elsewhere until somebody asks for them. */
async function fetchMissing(
  repository: Repository,
  { artifacts: mounts }: Run,
  { output, context }: { output: string | undefined; context: Context },
): Promise<void> {
  const artifacts = await repository.artifacts();
  const missing: string[] = [];
  for (const { digest } of mounts) if (!(await artifacts.present(digest))) missing.push(digest);
  if (missing.length === 0 || Object.keys(repository.config.remotes).length === 0) return;
  const progress = context.progress('fetching', 'bytes');
  try {
    await fetchArtifacts(repository, missing, {
      signal: context.signal,
      onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      // To list them, their manifests are enough.
      ...(output === undefined ? { include: () => false } : {}),
    });
  } finally {
    progress.stop();
  }
}
