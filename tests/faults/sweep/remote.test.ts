import { beforeAll, describe, expect, test } from 'vitest';
import { copyRepository, sharedRepository } from '../../support/fault-repository.ts';
import { pushedContents, saveThird } from '../../support/fault-remote.ts';
import {
  countRequests,
  endAtRequest,
  endedTransfers,
  killAtWrites,
  olderObjects,
} from '../../support/fault-remote-kills.ts';
import { straceProblem } from '../../support/strace.ts';

const shared = sharedRepository();
let transfers: ReturnType<typeof endedTransfers>;

beforeAll(async () => {
  const older = olderObjects(shared());
  await saveThird(shared());
  transfers = endedTransfers(await pushedContents(shared()), older);
});

describe('at every request', () => {
  test.for([
    { name: 'push', signal: 'SIGKILL' },
    { name: 'push', signal: 'SIGINT' },
    { name: 'fetch', signal: 'SIGKILL' },
    { name: 'fetch', signal: 'SIGINT' },
  ] as const)('$name ended by $signal goes on afterwards (A18, C7)', async ({ name, signal }) => {
    const count = await countRequests(shared(), transfers[name]);
    const problems: string[] = [];
    for (let request = 1; request <= count; request += 1)
      problems.push(...(await endAtRequest(shared(), transfers[name], { request, signal })));
    process.stdout.write(`${name}: ${signal} at each of ${count} requests\n`);
    expect(problems).toEqual([]);
  });
});

describe('at every write', () => {
  test.for(['fetchThird', 'repair', 'push'] as const)(
    '%s killed goes on afterwards (B6)',
    async (name, ctx) => {
      const problem = straceProblem();
      if (problem !== undefined) return ctx.skip(problem);
      const { problems, killed, points } = await killAtWrites(
        await copyRepository(shared()),
        transfers[name],
        Infinity,
      );
      process.stdout.write(`${name}: killed at ${killed} of ${points.length} writes\n`);
      expect(problems).toEqual([]);
      // A few calls are made in some runs only.
      expect(killed).toBeGreaterThanOrEqual(Math.floor(points.length * 0.8));
    },
  );
});
