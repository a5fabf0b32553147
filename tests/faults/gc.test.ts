import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mustRun, mlops } from '../support/binary.ts';
import { GC, incomplete, withGarbage } from '../support/fault-garbage.ts';
import { noise, observed, sharedRepository } from '../support/fault-repository.ts';
import { allCases, findPoints, sample, sweep } from '../support/fault-sweep.ts';
import { straceProblem } from '../support/strace.ts';
import { openTempRepo } from '../support/temp-repo.ts';

/** Of some 95; what differs from run to run is where they strike, not what has to hold. */
const TRIED = 12;
const SEED = 20_261_124;

const repository = sharedRepository();

describe('gc killed or failed in any of its writes (B13)', () => {
  test('leaves every version complete, and running it again completes it', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) ctx.skip(problem);
    const fixture = await withGarbage(repository());
    expect(incomplete(observed(fixture))).not.toEqual([]);
    const points = await findPoints(fixture, GC);
    // Temporary, lock, new pack, and the removal of two manifests and two packs.
    const unlinks = points.filter(
      ({ call, place }) => call.startsWith('unlink') && place.includes('<sha256>'),
    );
    expect(unlinks.length).toBeGreaterThanOrEqual(4);
    // This thread writes to the pipes of git far more often than to files, and never equally often; an error there meets libuv itself,
    // which ends or stops the process over it, as no real pipe would make it.
    const cases = allCases(points).filter(
      ({ point, fault }) => fault === 'SIGKILL' || point.thread !== 'main' || point.call !== 'write',
    );
    const removals = cases.filter(({ point, fault }) => fault === 'SIGKILL' && unlinks.includes(point));
    const chosen = [...new Set([...sample(cases, TRIED, SEED), ...removals])];
    const { problems, missed } = await sweep(fixture, GC, chosen);
    process.stdout.write(`gc: ${chosen.length - missed.length} of ${cases.length} faults tried\n`);
    expect(problems).toEqual([]);
    expect(missed.length).toBeLessThan(chosen.length / 3);
  }, 600_000);

  test('what is left is what was there, byte for byte', async () => {
    const { root, env } = await withGarbage(repository());
    await mustRun(GC.argv, { cwd: root, env });
    const { code } = await mlops(['load', 'junk@one', '-o', 'one'], { cwd: root, env });
    expect(code).toBe(0);
    await writeFile(join(root, 'expected'), noise(90_000, 10));
    await openTempRepo(root, env).git('diff', '--no-index', '--exit-code', 'one', 'expected');
  });
});
