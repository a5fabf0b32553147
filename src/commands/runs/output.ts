import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { openRunStore } from '../../core/runs/index.ts';
import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';

export default defineCommand({
  arguments: [{ name: '<run>', description: 'id, the start of it, or name' }],
  options: [{ flags: '--stderr', description: 'what it printed to stderr (default: stdout)' }],
  description:
    'Of a long output the beginning and the end are kept. On a terminal, what could act on it is made visible.',
  examples: [{ command: 'mlops runs output brisk-heron-217 --stderr', explains: 'see why it failed' }],
  input: z.object({ run: z.string().min(1), stderr: z.boolean().default(false) }),
  output: z.lazy(() => z.object({ run: z.string(), stream: z.enum(['stdout', 'stderr']), text: z.string() })),
  async run({ run: named, stderr }, context) {
    const stream: 'stdout' | 'stderr' = stderr ? 'stderr' : 'stdout';
    const store = await openRunStore(await context.repository());
    try {
      const run = await store.resolve(named);
      const bytes = await store.output(run.id, stream);
      if (bytes === undefined) {
        throw new UsageError('NO_OUTPUT', `${run.name} has no captured ${stream}`, {
          hint: 'only what `mlops run` started is captured, unless it printed nothing',
        });
      }
      const text = Buffer.from(bytes).toString('utf8');
      return {
        data: { run: run.id, stream, text },
        text: ({ isTTY }) => (isTTY ? text.split('\n').map(printable).join('\n') : text),
      };
    } finally {
      await store.close();
    }
  },
});
