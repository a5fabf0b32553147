import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { listRemotes } from '../../core/transfer/remotes.ts';
import { table } from '../../ui/table.ts';

export default defineCommand({
  description: 'What is configured; no remote is asked for anything. See `mlops remote test` for that.',
  examples: [
    { command: 'mlops remote list', explains: 'every remote, and whether this clone may push to it' },
  ],
  input: z.object({}),
  output: z.lazy(() =>
    z.object({
      remotes: z.array(
        z.object({
          name: z.string(),
          url: z.string(),
          endpoint: z.string().nullable(),
          region: z.string().nullable(),
          profile: z.string().nullable(),
          origin: z.enum(['config.json', 'local.json']),
          isDefault: z.boolean(),
          /** Whether this clone pushes there without asking. */
          trusted: z.boolean(),
          /** What `MLOPS_TRUST_REMOTES` calls it. */
          identity: z.string(),
          /** Why it can't be used. */
          problem: z.string().nullable(),
        }),
      ),
    }),
  ),
  async run(_input, context) {
    const remotes = listRemotes(await context.repository());
    return {
      data: { remotes },
      text: (view) =>
        table(
          {
            columns: [
              { header: 'NAME' },
              { header: 'REMOTE' },
              { header: 'FROM' },
              { header: 'TRUSTED' },
              { header: 'NOTE' },
            ],
            rows: remotes.map(({ name, identity, origin, isDefault, trusted, problem }) => [
              name,
              identity,
              origin,
              trusted ? 'yes' : 'no',
              problem ?? (isDefault ? 'default' : ''),
            ]),
          },
          view,
        ),
      hints: remotes.length === 0 ? ['add one: mlops remote add origin s3://<bucket>/<prefix>'] : [],
    };
  },
});
