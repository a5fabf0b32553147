import { describe, expect, test } from 'vitest';
import { sharedRepository } from '../support/fault-repository.ts';
import {
  allCases,
  findPoints,
  sample,
  sweep,
  SWEPT_AMENDMENTS,
  SWEPT_COMMANDS,
} from '../support/fault-sweep.ts';
import { straceProblem } from '../support/strace.ts';

/** Of some 200 a command; `npm run test:faults` tries them all. */
const TRIED = 6;
const TRIED_OF_AMENDMENTS = 2;
const SEED = 20_261_123;

const repository = sharedRepository();

describe('killed or failed in any of its writes (A1, A2, A3, A7)', () => {
  test.for([...SWEPT_COMMANDS, ...SWEPT_AMENDMENTS])(
    '$name leaves the old state or the new one, and running it again completes it',
    async (command, ctx) => {
      const problem = straceProblem();
      if (problem !== undefined) ctx.skip(problem);
      const points = await findPoints(repository(), command);
      expect(points.length).toBeGreaterThan(10);
      const cases = allCases(points);
      const chosen = sample(cases, SWEPT_COMMANDS.includes(command) ? TRIED : TRIED_OF_AMENDMENTS, SEED);
      const { problems, missed } = await sweep(repository(), command, chosen);
      process.stdout.write(
        `${command.name}: ${chosen.length - missed.length} of ${cases.length} faults tried\n`,
      );
      expect(problems).toEqual([]);
      expect(missed.length).toBeLessThan(chosen.length / 3);
    },
  );
});
