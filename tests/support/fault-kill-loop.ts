import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mlops, startMlops } from './binary.ts';
import { countEvents, inProduction, observed, PRODUCTION, type FaultRepository } from './fault-repository.ts';
import { violations } from './invariants.ts';

/** Longer than any of the commands takes here. */
const LONGEST_MS = 600;

/**
 * Starts save, promote and rollback again and again, kills each after a time that the seed picks, and goes on from what is left:
 * the invariants hold, `verify --deep` finds nothing, and the same command then succeeds.
 *
 * @returns what was not as it should be
 */
export async function killLoop(
  repository: FaultRepository,
  { rounds, seed }: { rounds: number; seed: number },
): Promise<string[]> {
  const { root, env } = repository;
  const problems: string[] = [];
  let random = seed;
  for (let round = 1; round <= rounds; round += 1) {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    const label = `v${round + 2}`;
    const argv =
      round % 2 === 1 ? ['save', 'demo', 'build', '--version', label] : ['promote', `demo@v${round + 1}`];
    if (round % 2 === 1) await writeFile(join(root, 'build/config.json'), `{"round": ${round}}\n`);
    const before = observed(repository);
    const pointers = { [PRODUCTION]: [inProduction(before), argv[1]?.replace('demo@', '')] };
    const running = startMlops(argv, { cwd: root, env });
    await delay((random / 2 ** 31) * LONGEST_MS);
    running.child.kill('SIGKILL');
    const { code, stderr } = await running.finished;
    const say = (found: readonly string[]): void =>
      void problems.push(...found.map((each) => `round ${round}: ${each}`));
    if (code !== null && code !== 0) say([`exit ${code}: ${stderr}`]);
    say(violations(observed(repository), { before, crashed: true, pointers }));
    const verified = await mlops(['verify', '--deep'], { cwd: root, env });
    if (verified.code !== 0) say([`verify: exit ${verified.code}: ${verified.stdout}`]);
    const again = await mlops(argv, { cwd: root, env });
    if (again.code !== 0) say([`again: exit ${again.code}: ${again.stderr}`]);
    const after = observed(repository);
    say(violations(after, { before, crashed: true }));
    const [type, version] = round % 2 === 1 ? ['saved', label] : ['promoted', `v${round + 1}`];
    if (countEvents(after, type ?? '', version) !== 1)
      say([`${countEvents(after, type ?? '', version)} events ${type} of ${version}`]);
  }
  return problems;
}
