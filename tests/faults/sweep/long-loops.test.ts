import { describe, expect, test } from 'vitest';
import { killLoop } from '../../support/fault-kill-loop.ts';
import { readersAgainstWriter } from '../../support/fault-readers.ts';
import { copyRepository, sharedRepository } from '../../support/fault-repository.ts';

const repository = sharedRepository();

describe('for a long time', () => {
  test('200 commands killed at any time, each continued from what was left', async (ctx) => {
    if (process.platform === 'win32') ctx.skip('there is no SIGKILL on Windows');
    expect(await killLoop(await copyRepository(repository()), { rounds: 200, seed: 7 })).toEqual([]);
  });

  test('readers beside a writer that moves a stage 300 times (A21)', async () => {
    expect(
      await readersAgainstWriter(await copyRepository(repository()), { moves: 300, readers: 3 }),
    ).toEqual([]);
  });
});
