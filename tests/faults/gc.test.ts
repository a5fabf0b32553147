import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mustRun, mlops } from '../support/binary.ts';
import {
  copyRepository,
  noise,
  observed,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';
import { allCases, findPoints, sample, sweep, type SweptCommand } from '../support/fault-sweep.ts';
import type { RepositoryState } from '../support/invariants.ts';
import { straceProblem } from '../support/strace.ts';
import { openTempRepo } from '../support/temp-repo.ts';

/** Of some 150; what differs from run to run is where they strike, not what has to hold. */
const TRIED = 12;
const SEED = 20_261_124;

const repository = sharedRepository();

/** Adds a dead manifest and pack, and a pack of which little is needed. */
async function withGarbage(): Promise<FaultRepository> {
  const copy = await copyRepository(repository());
  const { root, env } = copy;
  const repo = openTempRepo(root, env);
  const run = (...argv: string[]): Promise<unknown> => mustRun(argv, { cwd: root, env });
  for (let at = 0; at < 10; at += 1) await repo.write(`junk/${at}`, noise(90_000, at + 7));
  await run('save', 'junk', 'junk', '--version', 'all');
  await run('save', 'junk', 'junk/3', '--version', 'one');
  await repo.write('other', noise(50_000, 99));
  await run('save', 'junk', 'other', '--version', 'other');
  for (const label of ['all', 'other']) await run('delete', `junk@${label}`, '--reason', 'garbage');
  await rm(join(root, 'junk'), { recursive: true });
  await rm(join(root, 'other'));
  await repo.git('add', '--all', '--', '.mlops');
  await repo.git('commit', '--quiet', '-m', 'garbage');
  return copy;
}

/** v1 and v2 of demo and one of junk. */
function incomplete(state: RepositoryState): string[] {
  const manifests = [...state.objects.keys()].filter((path) => path.startsWith('manifests/'));
  return manifests.length === 3 ? [] : [`I5: ${manifests.length} manifests instead of 3`];
}

const GC: SweptCommand = {
  name: 'gc',
  argv: ['gc', '--yes', '--grace', '0'],
  pointer: { before: 'v2', after: 'v2' },
  incomplete,
};

describe('gc killed or failed in any of its writes (B13)', () => {
  test('leaves every version complete, and running it again completes it', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) ctx.skip(problem);
    const fixture = await withGarbage();
    expect(incomplete(observed(fixture))).not.toEqual([]);
    const points = await findPoints(fixture, GC);
    // Temporary, lock, new pack, and the removal of two manifests and two packs.
    const unlinks = points.filter(
      ({ call, place }) => call.startsWith('unlink') && place.includes('<sha256>'),
    );
    expect(unlinks.length).toBeGreaterThanOrEqual(4);
    const cases = allCases(points);
    const removals = cases.filter(({ point, fault }) => fault === 'SIGKILL' && unlinks.includes(point));
    const chosen = [...new Set([...sample(cases, TRIED, SEED), ...removals])];
    const { problems, missed } = await sweep(fixture, GC, chosen);
    process.stdout.write(`gc: ${chosen.length - missed.length} of ${cases.length} faults tried\n`);
    expect(problems).toEqual([]);
    expect(missed.length).toBeLessThan(chosen.length / 3);
  }, 600_000);

  test('what is left is what was there, byte for byte', async () => {
    const { root, env } = await withGarbage();
    await mustRun(GC.argv, { cwd: root, env });
    const { code } = await mlops(['load', 'junk@one', '-o', 'one'], { cwd: root, env });
    expect(code).toBe(0);
    await writeFile(join(root, 'expected'), noise(90_000, 10));
    await openTempRepo(root, env).git('diff', '--no-index', '--exit-code', 'one', 'expected');
  });
});
