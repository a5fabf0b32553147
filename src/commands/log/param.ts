import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { parsePairs } from '../../core/registry/measurements.ts';
import { namedRun, openRunStore } from '../../core/runs/index.ts';
import { assertNoSecrets } from '../../core/runs/redact.ts';
import { count } from '../../ui/numbers.ts';

export default defineCommand({
  arguments: [{ name: '<params...>', description: 'key=value' }],
  options: [{ flags: '--run <run>', description: 'id, start of it, or name (default: MLOPS_RUN_ID)' }],
  description: 'A parameter is written once; the same value again is fine, another one is refused.',
  examples: [{ command: 'mlops log param depth=10 lr=0.01', explains: 'log two parameters' }],
  input: z.object({ params: z.array(z.string()).min(1), run: z.string().optional() }),
  output: z.lazy(() => z.object({ run: z.string(), logged: z.number() })),
  async run({ params, run: named }, context) {
    const pairs = parsePairs(params, 'param');
    const repository = await context.runRepository();
    assertNoSecrets('param', pairs, repository.config.hooks.allowedSecrets);
    const store = await openRunStore(repository);
    try {
      const run = await namedRun(store, named, context.env);
      await store.log(run.id, { params: [...pairs] });
      return {
        data: { run: run.id, logged: pairs.size },
        text: () => `Logged ${count(pairs.size, 'parameter')} to ${run.name}\n`,
      };
    } finally {
      await store.close();
    }
  },
});
