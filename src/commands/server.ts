import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';

const PORT = 5000;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

export default defineCommand({
  options: [
    { flags: '--host <address>', description: 'address to listen at (default: 127.0.0.1)' },
    { flags: '--port <number>', description: `port; 0: one that is free (default: ${PORT})` },
  ],
  description:
    'Runs until Ctrl-C. Beyond this machine every request needs a token: that of MLOPS_SERVER_TOKEN, or one that is made up and said at the start. ' +
    'Clients send it when it is in MLFLOW_TRACKING_TOKEN. The address is said on stderr.',
  examples: [
    { command: 'mlops server', explains: 'then MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py' },
  ],
  input: z.object({
    host: z
      .string()
      .regex(/^[\w.:-]{1,255}$/, 'is no address')
      .default('127.0.0.1'),
    port: z.coerce.number().int().min(0).max(65_535).default(PORT),
  }),
  output: z.lazy(() => z.object({ url: z.string() })),
  async run({ host, port }, context) {
    const given = context.env['MLOPS_SERVER_TOKEN'] ?? '';
    if (given !== '' && !/^[!-~]{16,1000}$/.test(given)) {
      throw new UsageError('TOKEN_INVALID', 'MLOPS_SERVER_TOKEN is too weak or cannot be sent', {
        hint: 'set it to 16 or more printable ASCII characters without spaces',
      });
    }
    const made = given === '' && !LOOPBACK.test(host) ? randomBytes(24).toString('hex') : undefined;
    const token = given === '' ? made : given;
    const server = await context.trackingServer({ host, port, token });
    try {
      if (!context.quiet) {
        if (context.json) context.io.err(`${JSON.stringify({ server: { url: server.url, token: made } })}\n`);
        else {
          context.io.err(`Serving at ${printable(server.url)}\n`);
          context.io.err(`  export MLFLOW_TRACKING_URI=${printable(server.url)}\n`);
          if (made !== undefined) context.io.err(`  export MLFLOW_TRACKING_TOKEN=${made}\n`);
        }
      }
      await aborted(context.signal);
    } finally {
      await server.close();
    }
    return { data: { url: server.url }, text: () => '' };
  },
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
