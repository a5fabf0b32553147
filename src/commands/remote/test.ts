import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { testRemote } from '../../core/transfer/test-remote.ts';
import { assertMayPush } from '../../core/transfer/trust.ts';
import { table } from '../../ui/table.ts';

export default defineCommand({
  arguments: [{ name: '[name]', description: 'see `mlops remote list` (default: the default remote)' }],
  options: [{ flags: '--yes', description: 'write to it although only the shared configuration names it' }],
  description:
    'Writes a tiny object, reads it back, writes it again, lists it and deletes it, as push, pull and gc do with large ones. Exit 7 names the step that failed.',
  examples: [{ command: 'mlops remote test origin', explains: 'find out whether origin can be used' }],
  input: z.object({ name: z.string().optional(), yes: z.boolean().default(false) }),
  output: z.lazy(() =>
    z.object({
      remote: z.string(),
      url: z.string(),
      steps: z.array(z.object({ step: z.string(), milliseconds: z.number(), result: z.string() })),
    }),
  ),
  async run({ name, yes }, context) {
    const repository = await context.repository();
    const remote = await repository.remote(name);
    await assertMayPush(repository, remote, { yes, confirm: (question) => context.confirm(question) });
    const steps = await testRemote(remote);
    return {
      data: { remote: remote.name, url: remote.url, steps },
      text: (view) =>
        `${remote.name}: ${remote.description}\n\n${table(
          {
            columns: [{ header: 'STEP' }, { header: 'TIME', align: 'right' }, { header: 'RESULT' }],
            rows: steps.map(({ step, milliseconds, result }) => [step, `${milliseconds} ms`, result]),
          },
          view,
        )}`,
    };
  },
});
