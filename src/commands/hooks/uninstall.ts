import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { HooksSummary, summariseHooks } from '../../core/hooks/summary.ts';
import { hookLines } from '../../ui/hook-lines.ts';

export default defineCommand({
  description:
    'Removes the hooks that `mlops hooks install` wrote and puts back, byte for byte, those that were there before. Lines that a person added are for a person to remove.',
  examples: [{ command: 'mlops hooks uninstall', explains: 'go back to the hooks that were there before' }],
  input: z.object({}),
  output: HooksSummary,
  async run(_input, context) {
    const hooks = await context.gitHooks();
    const report = summariseHooks(await hooks.uninstall());
    // What is missing now is what was asked for.
    const data = { ...report, hooks: report.hooks.map((hook) => ({ ...hook, step: null })) };
    return { data, text: (view) => hookLines(data, view) };
  },
});
