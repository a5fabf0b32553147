import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { listData } from '../../core/data/list.ts';
import { ExitCode } from '../../errors.ts';
import { formatBytes } from '../../ui/bytes.ts';
import { table } from '../../ui/table.ts';

const COLUMNS = [
  { header: 'PATH' },
  { header: 'SIZE', align: 'right' },
  { header: 'FILES', align: 'right' },
  { header: 'DIGEST' },
  { header: 'HERE' },
] as const;

export default defineCommand({
  description:
    'HERE says whether the bytes that the pointer names are in this clone. Whether the files in the work tree are the same is what `mlops status` looks at.',
  examples: [{ command: 'mlops data list', explains: 'every tracked path, its size and digest' }],
  input: z.object({}),
  output: z.lazy(() =>
    z.object({
      paths: z.array(
        z.object({
          path: z.string(),
          kind: z.enum(['file', 'directory']),
          size: z.number(),
          files: z.number(),
          digest: z.string(),
          /** Whether its bytes are in this clone. */
          present: z.boolean(),
        }),
      ),
      problems: z.array(
        z.object({ path: z.string(), code: z.string(), message: z.string(), hint: z.string().nullable() }),
      ),
    }),
  ),
  async run(_input, context) {
    const { data, problems } = await listData(await context.repository());
    for (const { error } of problems) {
      context.warn(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
    }
    const rows = data.map(({ path, kind, size, files, digest, present }) => [
      kind === 'directory' ? `${path}/` : path,
      formatBytes(size),
      String(files),
      digest.slice(0, 'sha256:'.length + 12),
      present ? 'yes' : 'no',
    ]);
    return {
      data: {
        paths: data.map((each) => ({ ...each })),
        problems: problems.map(({ path, error }) => ({
          path,
          code: error.code,
          message: error.message,
          hint: error.hint ?? null,
        })),
      },
      text: (view) => (rows.length === 0 ? 'No data is tracked\n' : table({ columns: COLUMNS, rows }, view)),
      exitCode: problems[0]?.error.exitCode ?? ExitCode.ok,
      hints: data.length + problems.length === 0 ? ['track some: mlops data add <path>'] : [],
    };
  },
});
