import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { ExitCode } from '../errors.ts';
import { diagnose } from '../core/maintenance/doctor.ts';
import { printable } from '../lib/terminal-text.ts';
import { painter } from '../ui/colour.ts';

export default defineCommand({
  description:
    'Looks at Node, Git, the files that keep Git away from objects, the disk, the lock, leftovers and every document. Exit 1 if something needs mending.',
  examples: [{ command: 'mlops doctor', explains: 'find out why something does not work' }],
  input: z.object({}),
  output: z.lazy(() =>
    z.object({
      findings: z.array(
        z.object({
          check: z.string(),
          status: z.enum(['ok', 'warning', 'failed']),
          message: z.string(),
          hint: z.string().nullable(),
        }),
      ),
    }),
  ),
  async run(_input, context) {
    const { findings } = await diagnose(await context.repository());
    return {
      data: {
        findings: findings.map(({ check, status, message, hint }) => ({
          check,
          status,
          message,
          hint: hint ?? null,
        })),
      },
      text: (view) => {
        const paint = painter(view.color);
        const marks = {
          ok: paint.green('ok     '),
          warning: paint.yellow('warning'),
          failed: paint.red('failed '),
        };
        return findings
          .map(({ check, status, message, hint }) => {
            const advice =
              status === 'ok' || hint === undefined ? '' : `           hint: ${printable(hint)}\n`;
            return `${marks[status]}  ${check}: ${printable(message)}\n${advice}`;
          })
          .join('');
      },
      exitCode: findings.some(({ status }) => status === 'failed') ? ExitCode.no : ExitCode.ok,
    };
  },
});
