import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { RefWords } from '../../cli/ref-words.ts';
import { removeHold } from '../../core/maintenance/holds.ts';

export default defineCommand({
  arguments: [
    { name: '<ref...>', description: '<model>@<version>, or the start of the digest that is held' },
  ],
  description: 'Removes no bytes; `mlops gc` does, if nothing else needs them.',
  examples: [{ command: 'mlops hold remove sha256:4b227777', explains: 'no longer keep this artifact' }],
  input: z.object({ ref: RefWords }),
  output: z.lazy(() => z.object({ digest: z.string(), reason: z.string() })),
  async run({ ref }, context) {
    const { digest, reason } = await removeHold(await context.repository(), ref);
    return { data: { digest, reason }, text: () => `Removed the hold on ${digest}\n` };
  },
});
