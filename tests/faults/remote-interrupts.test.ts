import { beforeAll, describe, expect, test } from 'vitest';
import { copyRepository, sharedRepository } from '../support/fault-repository.ts';
import { pushedContents, saveThird } from '../support/fault-remote.ts';
import {
  countRequests,
  endAtRequest,
  endedTransfers,
  killAtWrites,
  olderObjects,
  SEED,
} from '../support/fault-remote-kills.ts';
import { sample } from '../support/fault-sweep.ts';
import { straceProblem } from '../support/strace.ts';

const shared = sharedRepository();
let transfers: ReturnType<typeof endedTransfers>;

beforeAll(async () => {
  const older = olderObjects(shared());
  await saveThird(shared());
  transfers = endedTransfers(await pushedContents(shared()), older);
});

describe.for(['push', 'fetch'] as const)('%s', (name) => {
  test('that is ended by Ctrl-C is exit 130, leaves nothing over, and the next one goes on (A18)', async () => {
    const count = await countRequests(shared(), transfers[name]);
    expect(count).toBeGreaterThan(6);
    const problems: string[] = [];
    for (const request of [2, count - 2])
      problems.push(...(await endAtRequest(shared(), transfers[name], { request, signal: 'SIGINT' })));
    expect(problems).toEqual([]);
  });

  test('that is killed at a request leaves no layout that lies, and the next one goes on (C7)', async () => {
    const count = await countRequests(shared(), transfers[name]);
    const every = Array.from({ length: count }, (_, index) => index + 1);
    const problems: string[] = [];
    for (const request of sample(every, 2, SEED))
      problems.push(...(await endAtRequest(shared(), transfers[name], { request, signal: 'SIGKILL' })));
    expect(problems).toEqual([]);
  });
});

describe.for([
  { name: 'fetchThird', what: 'a fetch', writes: /packs/ },
  { name: 'repair', what: 'a repair (B6)', writes: /quarantine/ },
] as const)('$what', ({ name, writes }) => {
  test('that is killed at a write leaves whole objects and no damage more, and the next one goes on', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const { problems, killed, points } = await killAtWrites(
      await copyRepository(shared()),
      transfers[name],
      3,
    );
    expect(points.some(({ place }) => writes.test(place))).toBe(true);
    expect(problems).toEqual([]);
    expect(killed).toBeGreaterThanOrEqual(1);
  });
});
