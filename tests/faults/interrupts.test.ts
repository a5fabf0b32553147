import { readFileSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf, mlops, startMlops } from '../support/binary.ts';
import { hasOpen } from '../support/fault-machine.ts';
import {
  copyRepository,
  inProduction,
  observed,
  PRODUCTION,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';
import { killLoop } from '../support/fault-kill-loop.ts';
import { findPoints } from '../support/fault-sweep.ts';
import { violations } from '../support/invariants.ts';
import { straceProblem, traceMlops, until } from '../support/strace.ts';

const MIB = 1024 * 1024;
const shared = sharedRepository();

describe('Ctrl-C (A18)', () => {
  test.for([
    { signals: ['SIGINT'], ends: [130] },
    { signals: ['SIGTERM'], ends: [130] },
    { signals: ['SIGINT', 'SIGINT'], ends: ['SIGINT', 130] },
  ] as const)('$signals while a source is hashed: nothing is registered', async ({ signals, ends }, ctx) => {
    if (process.platform !== 'linux') ctx.skip('needs /proc to see when the source is being read');
    const repository = await copyRepository(shared());
    const { root, env } = repository;
    const source = join(root, 'large.bin');
    await writeFile(source, '');
    await truncate(source, 2048 * MIB);
    const before = observed(repository);
    const running = startMlops(['--json', 'save', 'demo', source], { cwd: root, env });
    await until(() => hasOpen(running.pid, source), 'the source is being read');
    for (const signal of signals) {
      running.child.kill(signal);
      // Two signals at once are one.
      await until(() => !pendingSignal(running.pid), 'the signal has arrived');
    }
    const outcome = await running.finished;
    // The first one may have ended it before the second arrives.
    expect(ends).toContain(outcome.signal ?? outcome.code);
    const after = observed(repository);
    expect(
      violations(after, { before, crashed: outcome.code === null, pointers: { [PRODUCTION]: ['v2'] } }),
    ).toEqual([]);
    expect([...after.documents.keys()]).toEqual([...before.documents.keys()]);
    if (outcome.code !== null) expect(errorOf(outcome)).toMatchObject({ code: 'INTERRUPTED' });
    expect(await mlops(['save', 'demo', 'build', '--version', 'v3'], { cwd: root, env })).toMatchObject({
      code: 0,
    });
    expect(await mlops(['verify', '--deep'], { cwd: root, env })).toMatchObject({ code: 0 });
  });

  test.for([
    { argv: ['save', 'demo', 'build', '--version', 'v3'], place: /versions\/v3\.json$/, done: 'v2' },
    { argv: ['promote', 'demo@v1'], place: /events\/<time>/, done: 'v1' },
    { argv: ['promote', 'demo@v1'], place: /stages\/production\.json$/, done: 'v1' },
    { argv: ['rollback', 'demo', '--reason', 'test'], place: /pending\.json$/, done: 'v1' },
  ])(
    '$argv.0 in its commit section: it is finished or undone, nothing is left over',
    async ({ argv, place, done }, ctx) => {
      const problem = straceProblem();
      if (problem !== undefined) ctx.skip(problem);
      const points = await findPoints(shared(), { argv });
      const point = points.find((each) => /link|rename/.test(each.call) && place.test(each.place));
      const repository = await copyRepository(shared());
      const before = observed(repository);
      const { root, env, scratch } = repository;
      const inject = {
        call: point?.call ?? '',
        when: String(point?.index),
        fault: { signal: 'SIGINT' } as const,
      };
      const outcome = await traceMlops(argv, { thread: 'pool', scratch, cwd: root, env, inject });
      expect([0, 130]).toContain(outcome.code);
      const after = observed(repository);
      const allowed = outcome.code === 0 ? [done] : ['v2', done];
      expect(violations(after, { before, pointers: { [PRODUCTION]: allowed } })).toEqual([]);
      expect(await mlops(['verify', '--deep'], { cwd: root, env })).toMatchObject({ code: 0, stderr: '' });
      if (inProduction(after) !== done)
        expect(await mlops(argv, { cwd: root, env })).toMatchObject({ code: 0 });
      expect(inProduction(observed(repository))).toBe(done);
    },
  );
});

/** True while a signal waits to be delivered to the process as a whole. */
function pendingSignal(pid: number): boolean {
  try {
    const pending = /^ShdPnd:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return pending !== undefined && BigInt(`0x${pending}`) !== 0n;
  } catch {
    return false;
  }
}

describe('few file descriptors (A19)', () => {
  async function withManyFiles(): Promise<FaultRepository> {
    const repository = await copyRepository(shared());
    await mkdir(join(repository.root, 'many'));
    for (let index = 0; index < 1000; index += 1) {
      await writeFile(join(repository.root, `many/${index}.txt`), `${index}\n`);
    }
    return repository;
  }
  const limited = (count: number): string[] => ['sh', '-c', `ulimit -n ${count} && exec "$@"`, 'sh'];

  test('1,000 files are saved and restored with 64 of them', async (ctx) => {
    if (process.platform === 'win32') ctx.skip('there is no ulimit on Windows');
    const repository = await withManyFiles();
    const { root, env } = repository;
    const before = observed(repository);
    const through = limited(64);
    const saved = await mlops(['save', 'many', 'many'], { cwd: root, env, through });
    expect(saved).toMatchObject({ code: 0, stdout: expect.stringContaining('1,000 files') });
    expect(await mlops(['load', 'many', '-o', 'restored'], { cwd: root, env, through })).toMatchObject({
      code: 0,
    });
    const after = observed(repository);
    expect(violations(after, { before, outputs: ['restored'] })).toEqual([]);
    expect(after.outside.get('restored/999.txt')).toBe(after.outside.get('many/999.txt'));
  });

  test('too few even to start: exit 6 names the limit, nothing changed; or all is done', async (ctx) => {
    if (process.platform === 'win32') ctx.skip('there is no ulimit on Windows');
    const repository = await withManyFiles();
    const { root, env } = repository;
    const before = observed(repository);
    const outcome = await mlops(['save', 'many', 'many'], { cwd: root, env, through: limited(32) });
    expect([0, 6], outcome.stderr).toContain(outcome.code);
    if (outcome.code === 6) {
      expect(outcome.stderr).toMatch(/^error: .*EMFILE.*\nhint: .*ulimit -n/m);
      expect([...observed(repository).documents]).toEqual([...before.documents]);
    }
    expect(violations(observed(repository), { before })).toEqual([]);
    expect(await mlops(['save', 'many', 'many'], { cwd: root, env })).toMatchObject({ code: 0 });
  });
});

test('a kill -9 at any time leaves a state from which the next command goes on', async (ctx) => {
  if (process.platform === 'win32') ctx.skip('there is no SIGKILL on Windows');
  expect(await killLoop(await copyRepository(shared()), { rounds: 14, seed: 20_261_123 })).toEqual([]);
});
