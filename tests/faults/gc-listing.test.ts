import { describe, expect, test } from 'vitest';
import { errorOf, mlops } from '../support/binary.ts';
import { GC, incomplete, withGarbage } from '../support/fault-garbage.ts';
import { copyRepository, observed, sharedRepository } from '../support/fault-repository.ts';
import { sample } from '../support/fault-sweep.ts';
import { violations } from '../support/invariants.ts';
import { straceProblem, traceMlops, type Call, type Thread } from '../support/strace.ts';

/** Of some dozens. */
const TRIED = 4;
const SEED = 20_261_126;

const shared = sharedRepository();

describe('gc that can not list a directory, or not open a document (B8)', () => {
  test('is exit 6 and removes nothing', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const fixture = await withGarbage(shared());
    const trace = ['getdents64', 'openat'];
    const cases: { thread: Thread; call: Call }[] = [];
    for (const thread of ['main', 'pool'] as const) {
      const { root, env, scratch } = await copyRepository(fixture);
      const run = await traceMlops(GC.argv, { thread, scratch, cwd: root, env, trace });
      expect([run.code, run.stderr]).toEqual([0, '']);
      const below = `${root}/.mlops/models`;
      for (const call of run.calls) if (call.path?.startsWith(below) === true) cases.push({ thread, call });
    }
    expect(cases.length).toBeGreaterThan(10);
    let hits = 0;
    for (const { thread, call } of sample(cases, TRIED, SEED)) {
      const repository = await copyRepository(fixture);
      const { root, env, scratch } = repository;
      const before = observed(repository);
      const inject = { call: call.name, when: String(call.index), fault: { error: 'EIO' } as const };
      const run = await traceMlops(['--json', ...GC.argv], {
        thread,
        scratch,
        cwd: root,
        env,
        trace,
        inject,
      });
      const place = `${thread} ${call.name} ${call.path?.slice(root.length) ?? ''}`;
      const met = run.calls.find(({ injected }) => injected);
      // The threads are not always as busy, so it may be another file that could not be opened; one of Git or of Node is of no interest.
      if (met?.path?.startsWith(`${root}/.mlops/models`) !== true) continue;
      hits += 1;
      expect([place, run.code], run.stderr).toEqual([place, 6]);
      expect(errorOf(run).message).toMatch(/EIO/);
      const after = observed(repository);
      // A pack with what is needed of another one may have been written: roots are read once more before anything is removed.
      expect([...before.objects.keys()].filter((path) => !after.objects.has(path))).toEqual([]);
      expect(violations(after, { before })).toEqual([]);
      expect(await mlops(GC.argv, { cwd: root, env })).toMatchObject({ code: 0 });
      expect(incomplete(observed(repository))).toEqual([]);
    }
    expect(hits).toBeGreaterThanOrEqual(1);
  });
});
