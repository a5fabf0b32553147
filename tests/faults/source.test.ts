import {
  appendFileSync,
  openSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { chmod, readFile, readdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf, mlops, startMlops, type Finished } from '../support/binary.ts';
import { hasOpen } from '../support/fault-machine.ts';
import {
  copyRepository,
  noise,
  observed,
  PRODUCTION,
  SECRETS,
  secretSource,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';
import { leakedTo } from '../support/fault-sweep.ts';
import { sha256, violations, type RepositoryState } from '../support/invariants.ts';
import { straceProblem, traceMlops, until, type Fault, type Traced } from '../support/strace.ts';

const MIB = 1024 * 1024;
const shared = sharedRepository();

/** Nothing new counts, nothing is left over; declared outputs are sources that the test itself changed. */
async function expectNothingStored(
  { root, env }: FaultRepository,
  { before, outcome, outputs = [] }: { before: RepositoryState; outcome: Finished; outputs?: string[] },
): Promise<void> {
  const after = observed({ root, env, scratch: '' });
  const expectation = {
    before,
    outputs,
    pointers: { [PRODUCTION]: ['v2'] },
    secrets: Object.values(SECRETS),
  };
  expect([...violations(after, expectation), ...leakedTo(outcome)]).toEqual([]);
  expect([...after.documents.keys()]).toEqual([...before.documents.keys()]);
  expect(await mlops(['verify', '--deep'], { cwd: root, env })).toMatchObject({ code: 0 });
}

describe('a source that changes while it is read is an error and registers nothing (A13)', () => {
  const SIZE = 250 * MIB;

  test.for([
    { how: 'grows', change: (path: string) => appendFileSync(path, 'more') },
    { how: 'shrinks', change: (path: string) => truncateSync(path, 1000) },
    { how: 'is replaced', change: (path: string) => replaceFile(path) },
    { how: 'is written to', change: (path: string) => overwrite(path) },
  ])('it $how', async ({ change }, ctx) => {
    if (process.platform !== 'linux') ctx.skip('needs /proc to see when the source is being read');
    const repository = await copyRepository(shared());
    const { root, env } = repository;
    const source = join(root, 'large.bin');
    await writeFile(source, '');
    await truncate(source, SIZE);
    const before = observed(repository);
    const running = startMlops(['--json', 'save', 'demo', source], { cwd: root, env });
    await until(() => hasOpen(running.pid, source), 'the source is being read');
    running.child.kill('SIGSTOP');
    change(source);
    running.child.kill('SIGCONT');
    const outcome = await running.finished;
    expect(outcome).toMatchObject({ code: 3 });
    expect(errorOf(outcome)).toMatchObject({
      code: 'SOURCE_CHANGED',
      message: expect.stringContaining(source),
    });
    await expectNothingStored(repository, { before, outcome, outputs: ['large.bin'] });
  });
});

function replaceFile(path: string): void {
  writeFileSync(`${path}.new`, '');
  truncateSync(`${path}.new`, 250 * MIB);
  renameSync(`${path}.new`, path);
}

function overwrite(path: string): void {
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, 'altered', 5);
  closeSync(descriptor);
}

/** Saves a source of 12 MiB and injects into one of its reads, or of the reads that check a pack. */
async function saveWith(
  which: RegExp,
  number: number,
  fault: Fault,
): Promise<{
  repository: FaultRepository;
  before: RepositoryState;
  source: string;
  outcome: Traced;
}> {
  const trace = ['pread64'];
  const repository = await copyRepository(shared());
  const { root, env, scratch } = repository;
  const source = await secretSource(join(root, '..'), noise(12 * MIB, 7));
  const argv = ['--json', 'save', 'demo', source, '--version', 'v3'];
  const dry = await copyRepository(shared());
  const baseline = await traceMlops(argv, { thread: 'pool', scratch, cwd: dry.root, env, trace });
  const call = baseline.calls.filter(({ path }) => which.test(path ?? ''))[number - 1];
  const before = observed(repository);
  const inject = { call: 'pread64', when: String(call?.index), fault };
  const outcome = await traceMlops(argv, { thread: 'pool', scratch, cwd: root, env, trace, inject });
  expect(outcome.calls.filter(({ injected }) => injected)).toMatchObject([
    { path: expect.stringMatching(which) },
  ]);
  return { repository, before, source, outcome };
}

describe('a source that can not be read', () => {
  test('EIO in the middle: exit 6 names the path and the byte (A14)', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const { repository, before, source, outcome } = await saveWith(/model\.bin$/, 2, { error: 'EIO' });
    expect(outcome).toMatchObject({ code: 6 });
    expect(errorOf(outcome).message).toContain(`${source} at byte ${4 * MIB}: EIO`);
    // The message names the path as it was given, and only the message.
    await expectNothingStored(repository, { before, outcome: { ...outcome, stderr: '' } });
  });

  test('an end before the end: exit 3 says how far it came (A15)', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const { repository, before, outcome } = await saveWith(/model\.bin$/, 2, { retval: 0 });
    expect(outcome).toMatchObject({ code: 3 });
    expect(errorOf(outcome).message).toContain(`it ends after ${4 * MIB} of ${12 * MIB} bytes`);
    await expectNothingStored(repository, { before, outcome: { ...outcome, stderr: '' } });
  });

  test('a bit that flips on the way to the disk is seen when the pack is read back (A16)', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const { repository, before, outcome } = await saveWith(/packs\/.*\.tmp/, 1, { poke: 'deadbeef' });
    expect(outcome).toMatchObject({ code: 3 });
    await expectNothingStored(repository, { before, outcome });
  });
});

describe('the same content again, over a damaged object (A17, B3 without a remote)', () => {
  test.for(['packs', 'manifests'] as const)(
    '%s: quarantined and replaced, never "already present"',
    async (kind) => {
      const repository = await copyRepository(shared());
      const { root, env } = repository;
      const before = observed(repository);
      const [damaged = ''] = await flipOne(join(root, '.mlops/cache', kind));
      expect(violations(observed(repository)).join()).toContain('I1');
      // As it is in v1, but read anew.
      await writeFile(join(root, 'build/config.json'), '{"trained": "v1"}\n');
      const now = new Date();
      await utimes(join(root, 'build/weights.bin'), now, now);
      const outcome = await mlops(['save', 'demo', 'build', '--version', 'v3'], { cwd: root, env });
      expect(outcome).toMatchObject({ code: 0 });
      expect(outcome.stderr).toMatch(/warning: .*quarantine/);
      const after = observed(repository);
      expect(violations(after, { before, outputs: ['build'] })).toEqual([]);
      expect(await readdir(join(root, '.mlops/cache/quarantine'))).toEqual(
        expect.arrayContaining([expect.stringContaining(damaged), expect.stringMatching(/reason\.json$/)]),
      );
      expect(await mlops(['verify', '--deep'], { cwd: root, env })).toMatchObject({ code: 0 });
    },
  );
});

/** Flips a bit in the first bytes of the object that v1 needs most: the largest pack, or its manifest. */
async function flipOne(directory: string): Promise<string[]> {
  const files = (await readdir(directory, { recursive: true })).filter((name) => /[0-9a-f]{64}$/.test(name));
  const loaded = await Promise.all(
    files.map(async (name) => ({ name, bytes: await readFile(join(directory, name)) })),
  );
  const wanted = directory.endsWith('packs')
    ? loaded.toSorted((first, second) => second.bytes.length - first.bytes.length)[0]
    : loaded.find(({ bytes }) => bytes.includes(sha256('{"trained": "v1"}\n')));
  if (wanted === undefined) throw new Error(`nothing to damage in ${directory}`);
  const path = join(directory, wanted.name);
  wanted.bytes[20] = (wanted.bytes[20] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, wanted.bytes);
  await chmod(path, 0o444);
  return [wanted.name.slice(-64)];
}
