import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { printable } from '../lib/terminal-text.ts';
import { unlock } from '../core/maintenance/unlock.ts';

export default defineCommand({
  options: [{ flags: '--force', description: 'also when its owner may be alive' }],
  description:
    'A lock whose process died on this machine is taken over by the next command anyway. This is for one left by another machine, or one that can not be read.',
  examples: [
    { command: 'mlops unlock', explains: 'remove a lock that a dead process left, or say who holds it' },
  ],
  input: z.object({ force: z.boolean().default(false) }),
  output: z.lazy(() =>
    z.object({
      removed: z.boolean(),
      owner: z
        .object({ pid: z.number(), host: z.string(), startedAt: z.string(), command: z.string() })
        .nullable(),
    }),
  ),
  async run({ force }, context) {
    const { removed, owner } = await unlock(await context.repository(), { force });
    const shown =
      owner === undefined
        ? null
        : { pid: owner.pid, host: owner.host, startedAt: owner.startedAt, command: owner.command };
    return {
      data: { removed, owner: shown },
      text: () =>
        removed
          ? `Removed the lock of ${shown === null ? 'an unknown process' : `pid ${shown.pid} on ${printable(shown.host)}`}\n`
          : 'There is no lock\n',
    };
  },
});
