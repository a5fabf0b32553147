import { describe, expect, test } from 'vitest';
import { mlops } from '../../support/binary.ts';
import { copyRepository, observed, sharedRepository } from '../../support/fault-repository.ts';
import { memoryOfSparse, saveManyFiles } from '../../support/fault-sizes.ts';
import { violations } from '../../support/invariants.ts';
import { straceProblem } from '../../support/strace.ts';

const repository = sharedRepository();

describe('sizes', () => {
  test('100,000 files of 1 to 4 KB cost at most 300 flushes, and come back the same (D1)', async (ctx) => {
    const { problems, flushes } = await saveManyFiles(await copyRepository(repository()), {
      count: 100_000,
      countFlushes: straceProblem() === undefined,
    });
    expect(problems).toEqual([]);
    if (flushes === undefined) ctx.skip(`the flushes were not counted: ${straceProblem()}`);
    else expect(flushes).toBeLessThanOrEqual(300);
  });

  test('20 GB of holes are saved, verified and restored in less than 300 MiB of memory (D2, D3)', async (ctx) => {
    if (process.platform !== 'linux') ctx.skip('the peak memory of a process is read from /proc');
    const copy = await copyRepository(repository());
    const bytes = 20_000_000_000;
    const peaks = await memoryOfSparse(copy, bytes);
    process.stdout.write(`peak memory in MiB: ${JSON.stringify(peaks)}\n`);
    expect(Math.max(...Object.values(peaks))).toBeLessThan(300);
    const shown = await mlops(['--json', 'show', 'sparse'], { cwd: copy.root, env: copy.env });
    expect((JSON.parse(shown.stdout) as { data: { size: number } }).data.size).toBe(bytes);
    expect(violations(observed(copy))).toEqual([]);
  });
});
