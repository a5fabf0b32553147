import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf, mlops, mustRun, startProcess, type Finished } from '../support/binary.ts';
import { processState } from '../support/fault-machine.ts';
import {
  copyRepository,
  inProduction,
  observed,
  PRODUCTION,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';
import { readersAgainstWriter } from '../support/fault-readers.ts';
import { findPoints } from '../support/fault-sweep.ts';
import { violations } from '../support/invariants.ts';
import { straceProblem, traceMlops, until } from '../support/strace.ts';
import { tempGitRepo } from '../support/temp-repo.ts';

const shared = sharedRepository();

test('several inits at once all succeed and end in one complete repository (A20)', async () => {
  const { root, env, git } = await tempGitRepo();
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => mlops(['--json', 'init'], { cwd: root, env })),
  );
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  expect(violations(observed({ root, env, scratch: '' }))).toEqual([]);
  expect(JSON.parse(await readFile(join(root, '.mlops/format.json'), 'utf8'))).toMatchObject({ version: 1 });
  expect(await readFile(join(root, '.mlops/.gitignore'), 'utf8')).toContain('/cache/');
  expect(await git('status', '--porcelain', '--untracked-files=all')).not.toContain('.tmp-');
  expect(await mlops(['verify', '--deep'], { cwd: root, env })).toMatchObject({ code: 0 });
});

test('readers in a loop see one valid state or the next while a writer moves a stage back and forth (A21)', async () => {
  expect(await readersAgainstWriter(await copyRepository(shared()), { moves: 12, readers: 2 })).toEqual([]);
});

describe('two writers at once', () => {
  test('each of several saves gets its version, and one stage takes every move', async () => {
    const repository = await copyRepository(shared());
    const { root, env } = repository;
    const before = observed(repository);
    const labels = ['a1', 'a2', 'a3', 'a4'];
    const saves = labels.map((label) =>
      mlops(['save', 'demo', 'build', '--version', label], { cwd: root, env }),
    );
    expect(
      (await Promise.all(saves)).map(({ code, stderr }) => `${code}${stderr.replace(/hint: .*\n/g, '')}`),
    ).toEqual(['0', '0', '0', '0']);
    const moves = labels.map((label) => mlops(['promote', `demo@${label}`], { cwd: root, env }));
    expect((await Promise.all(moves)).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(violations(observed(repository), { before, pointers: { [PRODUCTION]: labels } })).toEqual([]);
    expect(await mlops(['verify', '--deep'], { cwd: root, env })).toMatchObject({ code: 0 });
  });
});

interface Owner {
  pid: number;
  host: string;
  bootId: string;
  processStart: string;
}

/** Puts a lock as docs/format.md and the program have it into the repository. */
async function putLock({ root }: FaultRepository, content: Owner | string): Promise<string> {
  const path = join(root, '.mlops/tmp/lock');
  const owner = {
    command: 'save other',
    nonce: randomBytes(16).toString('hex'),
    startedAt: '2026-11-23T10:00:00.000Z',
  };
  await mkdir(join(root, '.mlops/tmp'), { recursive: true });
  await writeFile(
    path,
    typeof content === 'string' ? content : `${JSON.stringify({ ...owner, ...content }, null, 2)}\n`,
  );
  return path;
}

function bootId(): string {
  const path = '/proc/sys/kernel/random/boot_id';
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}

/** When a process started, as the program writes it down: the number of the PID namespace, then clock ticks. */
function startedAt(ticks: string): string {
  if (process.platform !== 'linux') return '';
  return `${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''}:${ticks}`;
}

/** Clock ticks since boot at which this process started. */
function ownTicks(): string {
  const stat = process.platform === 'linux' ? readFileSync('/proc/self/stat', 'utf8') : '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function deadPid(): Promise<number> {
  const running = startProcess([process.execPath, '-e', '0'], { cwd: '/', env: {} });
  await running.finished;
  return running.pid;
}

describe('a lock that is found (B14)', () => {
  const promote = (repository: FaultRepository): Promise<Finished> =>
    mlops(['--json', 'promote', 'demo@v1'], {
      cwd: repository.root,
      env: { ...repository.env, MLOPS_LOCK_TIMEOUT: '1' },
    });
  const here = { host: hostname(), bootId: bootId(), processStart: startedAt(ownTicks()) };

  async function expectTaken(repository: FaultRepository): Promise<void> {
    expect(await promote(repository)).toMatchObject({ code: 0 });
    expect(violations(observed(repository), { pointers: { [PRODUCTION]: ['v1'] } })).toEqual([]);
  }

  async function expectRefused(repository: FaultRepository, lock: string, says: RegExp): Promise<void> {
    const before = observed(repository);
    const bytes = await readFile(lock);
    const outcome = await promote(repository);
    expect(outcome).toMatchObject({ code: 5 });
    const { message, hint } = errorOf(outcome);
    expect(message).toMatch(says);
    expect(hint).toMatch(/mlops unlock/);
    expect(await readFile(lock)).toEqual(bytes);
    const after = observed(repository);
    expect(violations(after, { before, crashed: true, pointers: { [PRODUCTION]: ['v2'] } })).toEqual([]);
    // Readers take no notice of it.
    expect(await mlops(['list', 'demo'], { cwd: repository.root, env: repository.env })).toMatchObject({
      code: 0,
    });
    expect(await mlops(['unlock', '--force'], { cwd: repository.root, env: repository.env })).toMatchObject({
      code: 0,
    });
    await expectTaken(repository);
  }

  test('of a process of this host that has ended is taken over', async () => {
    const repository = await copyRepository(shared());
    await putLock(repository, { ...here, pid: await deadPid() });
    await expectTaken(repository);
  });

  test('whose process id belongs to another process by now is taken over', async (ctx) => {
    if (process.platform !== 'linux') ctx.skip('when a process started is known on Linux only');
    const repository = await copyRepository(shared());
    await putLock(repository, { ...here, pid: process.pid, processStart: startedAt('1') });
    await expectTaken(repository);
  });

  test('from before this host was restarted is taken over', async (ctx) => {
    if (bootId() === '') ctx.skip('this system gives a boot no id');
    const repository = await copyRepository(shared());
    await putLock(repository, { ...here, pid: process.pid, bootId: '00000000-0000-4000-8000-000000000000' });
    await expectTaken(repository);
  });

  test('of a living process is waited for, then named', async () => {
    const repository = await copyRepository(shared());
    const lock = await putLock(repository, { ...here, pid: process.pid });
    await expectRefused(repository, lock, new RegExp(`process ${process.pid} on .*save other`));
  });

  test('of another host is never taken over, and its owner is named', async () => {
    const repository = await copyRepository(shared());
    const lock = await putLock(repository, { ...here, pid: await deadPid(), host: 'build-7.example.org' });
    await expectRefused(repository, lock, /build-7\.example\.org/);
  });

  test('that is no lock document is left alone, and the command that removes it is named', async () => {
    const repository = await copyRepository(shared());
    const lock = await putLock(repository, '<<<<<<< garbage');
    await expectRefused(repository, lock, /lock/);
  });

  test('that is empty and fresh, or from a clock an hour ahead, is left alone', async () => {
    const repository = await copyRepository(shared());
    const lock = await putLock(repository, '');
    await expectRefused(repository, lock, /lock/);
    await rm(lock, { force: true });
    await putLock(repository, '');
    const ahead = new Date(Date.now() + 3_600_000);
    await utimes(lock, ahead, ahead);
    expect(
      await mlops(['promote', 'demo@v2'], {
        cwd: repository.root,
        env: { ...repository.env, MLOPS_LOCK_TIMEOUT: '1' },
      }),
    ).toMatchObject({ code: 5 });
  });

  test('that is empty since long is what a crash left, and is taken over', async () => {
    const repository = await copyRepository(shared());
    const lock = await putLock(repository, '');
    const longAgo = new Date(Date.now() - 600_000);
    await utimes(lock, longAgo, longAgo);
    await expectTaken(repository);
  });
});

describe('a writer that sleeps while another one takes its lock away (B15)', () => {
  test.for([
    { at: 'before its first event', argv: ['promote', 'demo@v1'], call: 'openat', place: /events\/\.tmp$/ },
    {
      at: 'while its event is flushed',
      argv: ['promote', 'demo@v1'],
      call: 'fsync',
      place: /events\/\.tmp$/,
    },
    { at: 'before its pointer', argv: ['promote', 'demo@v1'], call: 'openat', place: /stages\/\.tmp$/ },
    {
      at: 'while its pointer is flushed',
      argv: ['promote', 'demo@v1'],
      call: 'fsync',
      place: /stages\/\.tmp$/,
    },
    {
      at: 'while its record is flushed',
      argv: ['save', 'demo', 'build', '--version', 'v9'],
      call: 'fsync',
      place: /versions\/\.tmp$/,
    },
    {
      at: 'while its event is flushed',
      argv: ['save', 'demo', 'build', '--version', 'v9'],
      call: 'fsync',
      place: /events\/\.tmp$/,
    },
  ])(
    '$argv.0, asleep $at, wakes to exit 5 and writes nothing that counts',
    async ({ argv, call, place }, ctx) => {
      const problem = straceProblem();
      if (problem !== undefined) ctx.skip(problem);
      const points = await findPoints(shared(), { argv });
      const point = points.find((each) => each.call === call && place.test(each.place));
      const repository = await copyRepository(shared());
      const { root, env, scratch } = repository;
      await mustRun(['save', 'demo', 'README.md', '--version', 'v3'], { cwd: root, env });
      let asleep = 0;
      const inject = { call, when: String(point?.index), fault: { signal: 'SIGSTOP' } as const };
      const sleeper = traceMlops(['--json', ...argv], {
        thread: 'pool',
        scratch,
        cwd: root,
        env,
        inject,
        onStart: (pid) => (asleep = pid),
      });
      await until(() => asleep !== 0 && /[tT]/.test(processState(asleep) ?? ''), 'the first writer sleeps');
      expect(await mlops(['unlock', '--force'], { cwd: root, env })).toMatchObject({ code: 0 });
      expect(await mlops(['promote', 'demo@v3'], { cwd: root, env })).toMatchObject({ code: 0 });
      const before = observed(repository);
      process.kill(asleep, 'SIGCONT');
      const outcome = await sleeper;
      expect(outcome).toMatchObject({ code: 5 });
      expect(errorOf(outcome)).toMatchObject({ code: 'LOCK_LOST' });
      const after = observed(repository);
      expect(violations(after, { before, crashed: true, pointers: { [PRODUCTION]: ['v3'] } })).toEqual([]);
      expect(inProduction(after)).toBe('v3');
      expect([...after.documents.keys()]).toEqual([...before.documents.keys()]);
      expect(await mlops(['verify', '--deep'], { cwd: root, env })).toMatchObject({ code: 0 });
      expect(await mlops(argv, { cwd: root, env })).toMatchObject({ code: 0 });
    },
  );
});
