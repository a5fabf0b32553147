import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { openRunStore, type Run } from '../../core/runs/index.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<run...>', description: 'ids, the start of them, or names' }],
  options: [{ flags: '--purge', description: 'remove deleted runs from this clone for good' }],
  description:
    'A deleted run is only hidden: `mlops runs restore` takes that back, and its artifacts stay. With --purge, runs that are deleted already are removed with their histories; `mlops gc` then removes artifacts that nothing else needs.',
  examples: [
    { command: 'mlops runs delete brisk-heron-217', explains: 'hide a run' },
    { command: 'mlops runs delete brisk-heron-217 --purge', explains: 'and then remove it' },
  ],
  input: z.object({ run: z.array(z.string()).min(1), purge: z.boolean().default(false) }),
  output: z.lazy(() =>
    z.object({ runs: z.array(z.object({ id: z.string(), name: z.string() })), purged: z.boolean() }),
  ),
  async run({ run: named, purge }, context) {
    const store = await openRunStore(await context.repository());
    try {
      const runs: Run[] = [];
      for (const each of named) runs.push(await store.resolve(each));
      const ids = runs.map(({ id }) => id);
      if (purge) await store.purge(ids);
      else for (const id of ids) await store.delete(id);
      return {
        data: { runs: runs.map(({ id, name }) => ({ id, name })), purged: purge },
        text: () =>
          `${purge ? 'Removed' : 'Deleted'} ${count(runs.length, 'run')}: ${runs.map(({ name }) => name).join(', ')}\n`,
        hints: purge ? [] : ['to take it back: mlops runs restore <run>'],
      };
    } finally {
      await store.close();
    }
  },
});
