import { cp, mkdtemp, readdir, readFile, realpath, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOf, mlops, mustRun } from '../support/binary.ts';
import { noise } from '../support/fault-repository.ts';
import { straceProblem, traceMlops, type Call, type Fault, type Thread } from '../support/strace.ts';
import { listFiles } from '../storage/support/scratch.ts';
import { gitEnvironment, openTempRepo, tempDirectory, type TempGitRepo } from '../support/temp-repo.ts';

type Tree = Readonly<Record<string, Buffer>>;

/** What the pointer names, and what lies there before. */
const WANTED: Tree = {
  'big.bin': noise(5_000_000, 1),
  'changed.csv': Buffer.from('as it was'),
  'deep/gone.csv': Buffer.from('comes back'),
  'same.csv': Buffer.from('same'),
};
const PRESENT: Tree = {
  'big.bin': noise(5_000_000, 2),
  'changed.csv': Buffer.from('as it is now'),
  'extra/new.csv': Buffer.from('has to go'),
  'same.csv': Buffer.from('same'),
};

let base: string | undefined;
let fixture: TempGitRepo;

beforeAll(async () => {
  if (straceProblem() !== undefined) return;
  base = await realpath(await mkdtemp(join(tmpdir(), 'mlops-test-')));
  const home = join(base, 'home');
  fixture = openTempRepo(join(base, 'repo'), {
    ...gitEnvironment(home),
    MLOPS_ACTOR: 'Ada <ada@example.org>',
  });
  await fixture.write('.keep', '');
  await fixture.git('init', '--quiet', '-b', 'main');
  const place = { cwd: fixture.root, env: fixture.env };
  await mustRun(['init'], place);
  for (const tree of [WANTED, PRESENT]) {
    await rm(join(fixture.root, 'data'), { recursive: true, force: true });
    for (const [path, bytes] of Object.entries(tree)) await fixture.write(`data/${path}`, bytes);
    await mustRun(['data', 'add', 'data'], place);
    if (tree === WANTED)
      await cp(join(fixture.root, '.mlops/data'), join(base, 'pointer'), { recursive: true });
  }
  await cp(join(base, 'pointer'), join(fixture.root, '.mlops/data'), { recursive: true, force: true });
}, 60_000);

afterAll(async () => {
  if (base !== undefined) await rm(base, { recursive: true, force: true, maxRetries: 3 });
});

interface Copy {
  root: string;
  scratch: string;
  env: TempGitRepo['env'];
}

async function copy(): Promise<Copy> {
  const directory = await tempDirectory();
  const root = join(directory, 'repo');
  await cp(fixture.root, root, { recursive: true });
  return { root, scratch: directory, env: fixture.env };
}

/** What is wrong with the files: each has to be as it was or as it is wanted, byte for byte. */
async function halfWritten({ root }: Copy): Promise<string[]> {
  const problems: string[] = [];
  for (const path of listFiles(join(root, 'data'))) {
    const bytes = await readFile(join(root, 'data', path));
    const allowed = [WANTED[path], PRESENT[path]].some((tree) => tree?.equals(bytes) === true);
    if (!allowed) problems.push(`${path}: ${bytes.length} bytes that nobody wrote`);
  }
  const names = await readdir(root);
  return [...problems, ...names.filter((name) => name.startsWith('.tmp-'))];
}

async function expectFinishes(at: Copy): Promise<void> {
  const again = await mlops(['checkout'], { cwd: at.root, env: at.env });
  expect([again.code, again.stderr]).toEqual([0, '']);
  expect(listFiles(join(at.root, 'data'))).toEqual(Object.keys(WANTED).toSorted());
  for (const [path, bytes] of Object.entries(WANTED)) {
    expect((await readFile(join(at.root, 'data', path))).equals(bytes)).toBe(true);
  }
  expect(await mlops(['status'], { cwd: at.root, env: at.env })).toMatchObject({ code: 0 });
  expect(await mlops(['verify', '--deep', '--metadata-only'], { cwd: at.root, env: at.env })).toMatchObject({
    code: 0,
  });
}

/** The calls that write to the work tree or to the staging directory, in a run without faults. */
async function pointsOf(thread: Thread): Promise<Call[]> {
  const at = await copy();
  const { root, scratch, env } = at;
  const { code, stderr, calls } = await traceMlops(['checkout'], { thread, scratch, cwd: root, env });
  expect([code, stderr]).toEqual([0, '']);
  await expectFinishes(at);
  return calls.filter(
    ({ name, args, paths }) =>
      paths.some((path) => path.startsWith(`${root}/data`) || path.includes('/.mlops/tmp/.tmp-')) &&
      (!name.startsWith('open') || args.includes('O_CREAT')),
  );
}

/** @returns whether the fault met its call; a run may make a call more or less than the one that was counted */
async function strike(thread: Thread, { name, index }: Call, fault: Fault): Promise<boolean> {
  const at = await copy();
  const { root, scratch, env } = at;
  const inject = { call: name, when: String(index), fault };
  const { code, signal, stderr } = await traceMlops(['--json', 'checkout'], {
    thread,
    scratch,
    cwd: root,
    env,
    inject,
  });
  const where = `${name} ${index}`;
  expect([where, await halfWritten(at)]).toEqual([where, []]);
  if ('error' in fault && code !== 0) {
    expect([where, code, errorOf({ code, signal: null, stdout: '', stderr }).exitCode]).toEqual([
      where,
      6,
      6,
    ]);
    expect([
      where,
      (await readdir(join(root, '.mlops/tmp'))).filter((each) => each.startsWith('.tmp-')),
    ]).toEqual([where, []]);
  }
  await expectFinishes(at);
  return 'error' in fault ? code !== 0 : signal === 'SIGKILL';
}

describe('a checkout', () => {
  test('that is killed at any change of a name leaves whole files, and the next one finishes', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const points = (await pointsOf('main')).filter(({ name }) => /^(?:rename|unlink|rmdir|mkdir)/.test(name));
    expect(points.filter(({ name }) => name.startsWith('rename')).length).toBeGreaterThanOrEqual(3);
    expect(points.some(({ name }) => name.startsWith('unlink'))).toBe(true);
    let met = 0;
    for (const point of points) met += Number(await strike('main', point, { signal: 'SIGKILL' }));
    expect(met).toBeGreaterThanOrEqual(points.length - 2);
  }, 300_000);

  test('that is killed or refused a file while it builds leaves every file as it was', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    let met = 0;
    for (const thread of ['main', 'pool'] as const) {
      const [point] = (await pointsOf(thread)).filter(({ name }) => name === 'openat');
      if (point === undefined) throw new Error(`no file was opened on the ${thread} thread`);
      met += Number(await strike(thread, point, { signal: 'SIGKILL' }));
      met += Number(await strike(thread, point, { error: 'EACCES' }));
    }
    expect(met).toBeGreaterThanOrEqual(2);
  }, 300_000);

  test('that meets the end of the space leaves every file as it was, and says so', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const at = await copy();
    const { root, env } = at;
    const through = ['prlimit', '--fsize=2000000'];
    const failed = await mlops(['--json', 'checkout'], { cwd: root, env, through });
    expect([failed.code, errorOf(failed).exitCode]).toEqual([6, 6]);
    expect(listFiles(join(root, 'data'))).toEqual(Object.keys(PRESENT).toSorted());
    for (const [path, bytes] of Object.entries(PRESENT)) {
      expect((await readFile(join(root, 'data', path))).equals(bytes)).toBe(true);
    }
    expect((await readdir(join(root, '.mlops/tmp'))).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
    await expectFinishes(at);
  });

  test('removes what killed ones of this machine left an hour ago, and nothing of others', async (ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) return ctx.skip(problem);
    const at = await copy();
    const tmp = join(at.root, '.mlops/tmp');
    const dead = `.tmp-${2 ** 22 + 1}-0123456789abcdef`;
    const alive = `.tmp-${process.pid}-0123456789abcdef`;
    const young = `.tmp-${2 ** 22 + 1}-fedcba9876543210`;
    for (const name of [dead, alive, young])
      await cp(join(at.root, 'data'), join(tmp, name), { recursive: true });
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const name of [dead, alive]) await utimes(join(tmp, name), old, old);
    await mustRun(['checkout'], { cwd: at.root, env: at.env });
    await expect(stat(join(tmp, dead))).rejects.toThrow(/ENOENT/);
    expect((await readdir(tmp)).filter((name) => name.startsWith('.tmp-')).toSorted()).toEqual(
      [alive, young].toSorted(),
    );
  });
});
