import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { openRunStore, type Run } from '../../core/runs/index.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<run...>', description: 'ids, the start of them, or names' }],
  examples: [{ command: 'mlops runs restore brisk-heron-217', explains: 'take a deletion back' }],
  input: z.object({ run: z.array(z.string()).min(1) }),
  output: z.lazy(() => z.object({ runs: z.array(z.object({ id: z.string(), name: z.string() })) })),
  async run({ run: named }, context) {
    const store = await openRunStore(await context.repository());
    try {
      const runs: Run[] = [];
      for (const each of named) runs.push(await store.resolve(each));
      for (const { id } of runs) await store.restore(id);
      return {
        data: { runs: runs.map(({ id, name }) => ({ id, name })) },
        text: () => `Restored ${count(runs.length, 'run')}: ${runs.map(({ name }) => name).join(', ')}\n`,
      };
    } finally {
      await store.close();
    }
  },
});
