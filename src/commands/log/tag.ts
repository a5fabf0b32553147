import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { parsePairs } from '../../core/registry/measurements.ts';
import { namedRun, openRunStore } from '../../core/runs/index.ts';
import { assertNoSecrets } from '../../core/runs/redact.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<tags...>', description: 'key=value; an empty value removes the tag' }],
  options: [{ flags: '--run <run>', description: 'id, start of it, or name (default: MLOPS_RUN_ID)' }],
  description: 'A tag may be changed at any time, also when the run has ended.',
  examples: [{ command: 'mlops log tag team=risk stage=candidate', explains: 'set two tags' }],
  input: z.object({ tags: z.array(z.string()).min(1), run: z.string().optional() }),
  output: z.lazy(() => z.object({ run: z.string(), logged: z.number(), removed: z.number() })),
  async run({ tags, run: named }, context) {
    const pairs = parsePairs(tags, 'tag');
    const repository = await context.runRepository();
    assertNoSecrets('tag', pairs, repository.config.hooks.allowedSecrets);
    const store = await openRunStore(repository);
    try {
      const run = await namedRun(store, named, context.env);
      const set = [...pairs].filter(([, value]) => value !== '');
      const removed = [...pairs.keys()].filter((key) => pairs.get(key) === '' && run.tags.has(key));
      await store.log(run.id, { tags: set });
      for (const key of removed) await store.deleteTag(run.id, key);
      return {
        data: { run: run.id, logged: set.length, removed: removed.length },
        text: () =>
          `Set ${count(set.length, 'tag')} of ${run.name}${removed.length > 0 ? `, removed ${removed.length}` : ''}\n`,
      };
    } finally {
      await store.close();
    }
  },
});
