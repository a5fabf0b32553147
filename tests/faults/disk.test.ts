import { randomBytes } from 'node:crypto';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf, mlops, type Finished } from '../support/binary.ts';
import { fillBut, remountReadOnly, smallFileSystem } from '../support/fault-machine.ts';
import {
  copyRepository,
  inProduction,
  observed,
  PRODUCTION,
  SECRETS,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';
import { findPoints, leakedTo } from '../support/fault-sweep.ts';
import { violations, type RepositoryState } from '../support/invariants.ts';
import { straceProblem, traceMlops, type Fault, type Traced } from '../support/strace.ts';

const MIB = 1024 * 1024;
const shared = sharedRepository();

function run(
  repository: FaultRepository,
  argv: readonly string[],
  through: readonly string[] = [],
): Promise<Finished> {
  return mlops(['--json', ...argv], { cwd: repository.root, env: repository.env, through });
}

/** Nothing that counts has changed, nothing is left over, the disk's bytes are right. */
async function expectUntouched(
  repository: FaultRepository,
  before: RepositoryState,
  outcome: Finished,
): Promise<void> {
  const after = observed(repository);
  const expectation = { before, pointers: { [PRODUCTION]: ['v2'] }, secrets: Object.values(SECRETS) };
  expect([...violations(after, expectation), ...leakedTo(outcome)]).toEqual([]);
  expect([...after.documents.keys()]).toEqual([...before.documents.keys()]);
  expect(await run(repository, ['verify', '--deep'])).toMatchObject({ code: 0 });
}

describe('a limit on the size of files (A4)', () => {
  const LIMITED = ['sh', '-c', 'ulimit -f 4 && exec "$@"', 'sh'];

  test.for([
    { what: 'an object', argv: ['save', 'demo', 'other.bin', '--version', 'v3'] },
    {
      what: 'a record',
      argv: ['save', 'demo', 'same', '--version', 'v3', '--description', 'x'.repeat(9000)],
    },
    { what: 'an event', argv: ['promote', 'demo@v1', '--reason', 'x'.repeat(9000)] },
    { what: 'an event', argv: ['annotate', 'demo@v1', '--description', 'x'.repeat(9000)] },
  ])('cuts a write short: $argv.0 fails over $what and changes nothing', async ({ argv }, ctx) => {
    if (process.platform === 'win32') ctx.skip('there is no ulimit on Windows');
    const repository = await copyRepository(shared());
    await writeFile(join(repository.root, 'other.bin'), randomBytes(100_000));
    await cp(join(repository.root, 'build'), join(repository.root, 'same'), { recursive: true });
    await writeFile(join(repository.root, 'same/config.json'), '{"trained": "v2"}\n');
    const before = observed(repository);
    const outcome = await run(repository, argv, LIMITED);
    expect(outcome).toMatchObject({ code: 6 });
    expect(errorOf(outcome).message).toContain('EFBIG');
    await expectUntouched(repository, before, outcome);
    expect(await run(repository, argv)).toMatchObject({ code: 0 });
  });
});

/** The shared repository on a file system of its own. */
async function onSmallDisk(
  bytes: number,
): Promise<{ repository?: FaultRepository; mount: string; reason: string }> {
  const disk = await smallFileSystem(bytes);
  if (!disk.ok) return { mount: '', reason: disk.reason };
  const { root, env, scratch } = await copyRepository(shared());
  const repository = { root: join(disk.value, 'repo'), env, scratch };
  await cp(root, repository.root, { recursive: true, preserveTimestamps: true });
  return { repository, mount: disk.value, reason: '' };
}

describe('a full disk', () => {
  test('save of 50 MB with less than 20 MB free: says what is needed and free, old versions still load (A5)', async (ctx) => {
    const { repository, reason } = await onSmallDisk(20 * MIB);
    if (repository === undefined) return ctx.skip(reason);
    const source = join(repository.scratch, 'large.bin');
    await writeFile(source, randomBytes(50_000_000));
    const before = observed(repository);
    const outcome = await run(repository, ['save', 'demo', source]);
    expect(outcome).toMatchObject({ code: 6 });
    expect(errorOf(outcome)).toMatchObject({
      code: 'DISK_FULL',
      hint: expect.stringContaining('free some space'),
    });
    expect(errorOf(outcome).message).toMatch(/\d+ bytes are free, up to 50000000 may be needed/);
    await expectUntouched(repository, before, outcome);
    const target = join(repository.scratch, 'restored');
    expect(await run(repository, ['load', 'demo@production', '-o', target])).toMatchObject({ code: 0 });
  });

  test.for([
    { name: 'promote', argv: ['promote', 'demo@v1'], pointer: 'v1' },
    { name: 'rollback', argv: ['rollback', 'demo', '--reason', 'test'], pointer: 'v1' },
    { name: 'save', argv: ['save', 'demo', 'build', '--version', 'v3'], pointer: 'v2' },
  ])(
    '$name with room for no page, one, two ... until it succeeds (A6, A7)',
    async ({ argv, pointer }, ctx) => {
      const { repository, mount, reason } = await onSmallDisk(12 * MIB);
      if (repository === undefined) return ctx.skip(reason);
      const original = await copyRepository({ ...repository });
      const codes: (number | null)[] = [];
      for (let pages = 0; codes.at(-1) !== 0 && pages < 40; pages += 1) {
        const before = observed(repository);
        const filler = fillBut(mount, pages);
        const outcome = await run(repository, argv);
        codes.push(outcome.code);
        const after = observed(repository);
        const allowed = outcome.code === 0 ? [pointer] : ['v2'];
        expect(violations(after, { before, pointers: { [PRODUCTION]: allowed } }), `${pages} pages`).toEqual(
          [],
        );
        if (outcome.code !== 0) {
          expect(outcome.code, outcome.stderr).toBe(6);
          expect(errorOf(outcome).code).toBe('DISK_FULL');
          expect(await run(repository, ['verify', '--deep'])).toMatchObject({ code: 0 });
          await rm(filler);
          expect(await run(repository, argv), `${pages} pages, then freed`).toMatchObject({ code: 0 });
          expect(inProduction(observed(repository))).toBe(pointer);
          await rm(repository.root, { recursive: true });
          await cp(original.root, repository.root, { recursive: true, preserveTimestamps: true });
        }
      }
      expect(codes.length).toBeGreaterThan(1);
      expect(codes.at(-1)).toBe(0);
    },
  );
});

test('a read-only file system is noticed before anything is read (A12)', async (ctx) => {
  const { repository, mount, reason } = await onSmallDisk(12 * MIB);
  if (repository === undefined) return ctx.skip(reason);
  const before = observed(repository);
  remountReadOnly(mount);
  for (const argv of [
    ['save', 'demo', 'build'],
    ['promote', 'demo@v1'],
    ['annotate', 'demo@v1', '--tag', 'a=b'],
  ]) {
    const outcome = await run(repository, argv);
    expect(outcome).toMatchObject({ code: 6 });
    expect(errorOf(outcome).message).toContain('EROFS');
    await expectUntouched(repository, before, outcome);
  }
  expect(errorOf(await run(repository, ['save', 'demo', 'build'])).message).toContain(
    'nothing was read or stored',
  );
  expect(await run(repository, ['list', 'demo'])).toMatchObject({ code: 0 });
});

interface Injected extends Traced {
  repository: FaultRepository;
  before: RepositoryState;
  argv: readonly string[];
}

/** Injects into the asynchronous writes; `place` picks the call by what it works on, `when` by number. */
async function inject(
  argv: readonly string[],
  {
    call,
    fault,
    ...which
  }: { call: string; fault: Fault } & ({ place: RegExp; span?: '' | '+' | '+3' } | { when: string }),
): Promise<Injected> {
  const points = 'place' in which ? await findPoints(shared(), { argv }) : [];
  const point = points.find(
    (each) =>
      each.call === call && each.thread === 'pool' && 'place' in which && which.place.test(each.place),
  );
  const first = point?.index ?? 0;
  const spans = { '': `${first}`, '+': `${first}+`, '+3': `${first}..${first + 2}` };
  const when = 'when' in which ? which.when : spans[which.span ?? ''];
  const repository = await copyRepository(shared());
  const before = observed(repository);
  const { root, env, scratch } = repository;
  const traced = await traceMlops(['--json', ...argv], {
    thread: 'pool',
    scratch,
    cwd: root,
    env,
    inject: { call, when, fault },
  });
  expect(traced.calls.some(({ injected }) => injected)).toBe(true);
  return { ...traced, repository, before, argv };
}

describe('a disk that reports errors', () => {
  const save = ['save', 'demo', 'build', '--version', 'v3'];

  test('EIO from the fsync of a pack: not registered, and no second fsync that would lie (A8)', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const run1 = await inject(save, { call: 'fsync', place: /packs\/.*\.tmp$/, fault: { error: 'EIO' } });
    expect(run1).toMatchObject({ code: 6 });
    expect(errorOf(run1).message).toMatch(/packs\/.*EIO/);
    const failed = run1.calls.find(({ injected }) => injected)?.path;
    expect(run1.calls.filter(({ name, path }) => name === 'fsync' && path === failed)).toHaveLength(1);
    await expectUntouched(run1.repository, run1.before, run1);
  });

  test('EIO from the fsync of the directory of a pointer: exit 6 says what is not known, the state is valid (A9)', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const promote = ['promote', 'demo@v1'];
    const outcome = await inject(promote, {
      call: 'fsync',
      place: /models\/demo\/stages$/,
      fault: { error: 'EIO' },
    });
    expect(outcome).toMatchObject({ code: 6 });
    expect(errorOf(outcome).message).toMatch(/is written, but whether it survives a power loss is unknown/);
    const { repository, before } = outcome;
    expect(violations(observed(repository), { before, pointers: { [PRODUCTION]: ['v1', 'v2'] } })).toEqual(
      [],
    );
    expect(await run(repository, ['verify', '--deep'])).toMatchObject({ code: 0 });
    expect(await run(repository, promote)).toMatchObject({ code: 0 });
    expect(inProduction(observed(repository))).toBe('v1');
  });

  test.for(['save', 'promote', 'doctor'])(
    'a file system without fsync: %s succeeds with one warning (A10)',
    async (command, ctx) => {
      const problem = straceProblem();
      if (problem !== undefined) return ctx.skip(problem);
      const argv = { save, promote: ['promote', 'demo@v1'], doctor: ['doctor'] }[command] ?? [];
      const outcome = await inject(argv, { call: 'fsync', when: '1+', fault: { error: 'EINVAL' } });
      expect(outcome).toMatchObject({ code: 0 });
      expect(outcome.stderr.match(/can't promise that data survives a power loss/g)).toHaveLength(1);
      const pointers = { [PRODUCTION]: ['v1', 'v2'] };
      expect(violations(observed(outcome.repository), { before: outcome.before, pointers })).toEqual([]);
    },
  );

  test.for([
    { error: 'EXDEV', span: '', code: 6, tries: 1 },
    { error: 'EACCES', span: '', code: 0, tries: 1 },
    { error: 'EBUSY', span: '+3', code: 0, tries: 3 },
    { error: 'EPERM', span: '+', code: 6, tries: 10 },
  ] as const)(
    '$error from the rename of a pack: exit $code after $tries failed tries (A11)',
    async ({ error, span, code, tries }, ctx) => {
      const problem = straceProblem();
      if (problem !== undefined) return ctx.skip(problem);
      const outcome = await inject(save, { call: 'rename', place: /packs/, span, fault: { error } });
      expect(outcome).toMatchObject({ code });
      expect(outcome.calls.filter(({ injected }) => injected)).toHaveLength(tries);
      if (code === 0)
        expect(violations(observed(outcome.repository), { before: outcome.before })).toEqual([]);
      else await expectUntouched(outcome.repository, outcome.before, outcome);
      expect(await run(outcome.repository, save)).toMatchObject({ code: 0 });
    },
  );
});
