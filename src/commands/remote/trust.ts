import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { trustRemote } from '../../core/transfer/trust.ts';

export default defineCommand({
  arguments: [{ name: '<name>', description: 'see `mlops remote list`' }],
  description:
    'Remembers in .mlops/local.json that this clone may talk to the remote as it is configured now, with your credentials, and write to it. With another URL, endpoint, region or profile it has to be trusted again. In CI, the environment variable MLOPS_TRUST_REMOTES does the same.',
  examples: [
    { command: 'mlops remote trust origin', explains: 'pull from and push to origin without being asked' },
  ],
  input: z.object({ name: z.string() }),
  output: z.lazy(() => z.object({ name: z.string(), identity: z.string() })),
  async run({ name }, context) {
    const identity = await trustRemote(await context.repository(), name);
    return {
      data: { name, identity },
      text: () => `This clone trusts ${identity}\n`,
    };
  },
});
