import fc from 'fast-check';
import { expect, test } from 'vitest';
import { play, StepFailed } from './play.ts';
import { describeStep, step, type Step } from './steps.ts';

const LENGTH = 30;
const RUNS = 200;
const SEED = 20_261_124;

/** `MLOPS_MODEL_RUNS=5000` tries more; `MLOPS_MODEL_SEED=<seed>` others; `MLOPS_MODEL_SEED=<seed>:<path>` one again. */
function settings(): { numRuns: number; seed: number; path?: string } {
  // eslint-disable-next-line node/no-process-env -- how many sequences are tried is up to whoever runs the tests
  const { MLOPS_MODEL_RUNS, MLOPS_MODEL_SEED = String(SEED) } = process.env;
  const [seed = '', path] = MLOPS_MODEL_SEED.split(':', 2);
  const numRuns = path === undefined ? Number(MLOPS_MODEL_RUNS ?? RUNS) : 1;
  return { numRuns, seed: Number(seed), ...(path === undefined ? {} : { path }) };
}

async function failureOf(steps: readonly Step[]): Promise<StepFailed | undefined> {
  try {
    await play(steps);
    return undefined;
  } catch (error) {
    if (error instanceof StepFailed) return error;
    throw error;
  }
}

/** Leaves out whatever the failure does not need, from the end to the start, until nothing more can go. */
async function shorten(
  steps: readonly Step[],
  failure: StepFailed,
): Promise<{ steps: Step[]; failure: StepFailed }> {
  let best = { steps: steps.slice(0, failure.at + 1), failure };
  for (let at = best.steps.length - 1; at >= 0; at -= 1) {
    const without = best.steps.toSpliced(at, 1);
    const found = await failureOf(without);
    if (found === undefined) continue;
    best = { steps: without.slice(0, found.at + 1), failure: found };
    at = Math.min(at, best.steps.length);
  }
  return best;
}

async function tell(steps: readonly Step[], where: string): Promise<string> {
  const failure = await failureOf(steps);
  if (failure === undefined) return `${where} failed once and not again: the test depends on something else`;
  const short = await shorten(steps, failure);
  const lines = short.steps.map((each, at) => `${String(at + 1).padStart(3)}. ${describeStep(each)}`);
  return [
    `${where} fails; this is what is left of it when all that does not matter is left out:`,
    ...lines,
    short.failure.at === short.steps.length
      ? 'in the last look at everything:'
      : `in step ${short.failure.at + 1}:`,
    short.failure.message,
    `to run the whole of it again: MLOPS_MODEL_SEED=${where} npx vitest run tests/model/registry.test.ts`,
  ].join('\n');
}

test(
  'whatever two clones do and whatever fails, nothing is lost and nothing is said to be where it is not',
  async () => {
    const sequences = fc.array(step, { minLength: LENGTH, maxLength: LENGTH });
    const property = fc.asyncProperty(sequences, (steps) => play(steps));
    const { failed, counterexample, counterexamplePath, seed } = await fc.check(property, {
      ...settings(),
      endOnFailure: true,
    });
    const where = `${seed}:${counterexamplePath ?? ''}`;
    expect(failed, failed ? await tell(counterexample?.[0] ?? [], where) : '').toBe(false);
  },
  30 * 60_000,
);
