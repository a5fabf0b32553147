import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { RefWords } from '../../cli/ref-words.ts';
import { addHold } from '../../core/maintenance/holds.ts';

export default defineCommand({
  arguments: [
    { name: '<ref...>', description: '<model>@<version>, or the start of the digest of an artifact here' },
  ],
  options: [{ flags: '--reason <text>', description: 'why (required)' }],
  description: 'Keeps an artifact in this clone, also when its version is deleted. Nothing is committed.',
  examples: [
    {
      command: 'mlops hold add fraud_detector@v1.0.0 --reason "audit of March"',
      explains: 'keep the bytes of a version until the hold is removed',
    },
  ],
  input: z.object({
    ref: RefWords,
    reason: z
      .string('give the reason')
      .min(1, 'give the reason')
      .max(20_000, 'a reason has at most 20,000 characters'),
  }),
  output: z.lazy(() => z.object({ digest: z.string(), reason: z.string() })),
  async run({ ref, reason }, context) {
    const hold = await addHold(await context.repository(), ref, reason);
    return {
      data: { digest: hold.digest, reason: hold.reason },
      text: () => `Holds ${hold.digest} in this clone\n`,
    };
  },
});
