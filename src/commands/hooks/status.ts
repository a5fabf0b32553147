import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { HooksSummary, summariseHooks } from '../../core/hooks/summary.ts';
import { hookLines } from '../../ui/hook-lines.ts';

export default defineCommand({
  description: 'Says which hooks Git runs, and what starts them. Exit code 1: at least one is not active.',
  examples: [{ command: 'mlops hooks status', explains: 'see whether Git runs mlops in this clone' }],
  input: z.object({}),
  output: HooksSummary,
  async run(_input, context) {
    const hooks = await context.gitHooks();
    const data = summariseHooks(await hooks.status());
    const out = data.hooks.some(({ state }) => state === 'outdated' || state === 'missing');
    return {
      data,
      text: (view) => hookLines(data, view),
      exitCode: data.active ? 0 : 1,
      hints: out ? ['mlops hooks install'] : [],
    };
  },
});
