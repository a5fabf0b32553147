import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf, mlops, mustRun, type Finished } from '../support/binary.ts';
import {
  copyRepository,
  inProduction,
  observed,
  PRODUCTION,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';
import { violations } from '../support/invariants.ts';
import { openTempRepo, tempDirectory, type TempGitRepo } from '../support/temp-repo.ts';

const shared = sharedRepository();

interface Broken extends FaultRepository {
  repo: TempGitRepo;
}

async function copy(): Promise<Broken> {
  const repository = await copyRepository(shared());
  const repo = openTempRepo(repository.root, repository.env);
  await repo.git('commit', '--quiet', '-am', 'third');
  return { ...repository, repo };
}

function run({ root, env }: FaultRepository, ...argv: string[]): Promise<Finished> {
  return mlops(['--json', ...argv], { cwd: root, env });
}

async function dataOf<T>(outcome: Promise<Finished>): Promise<T> {
  const { code, stdout, stderr } = await outcome;
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { data: T }).data;
}

interface Shown {
  version: string;
  lineage: { git?: { commit?: string; branch?: string } };
}

describe('settings of Git that change bytes', () => {
  test('core.autocrlf and a strange .gitattributes of the project leave documents as they are (D11)', async () => {
    const { repo, env, scratch, root } = await copy();
    await repo.write('.gitattributes', '* text=auto eol=crlf\n');
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '-m', 'line ends');
    const clone = join(scratch, 'clone');
    await repo.git(
      '-c',
      'core.autocrlf=true',
      '-c',
      'core.eol=crlf',
      'clone',
      '--quiet',
      '-c',
      'core.autocrlf=true',
      root,
      clone,
    );
    const files = (await readdir(join(clone, '.mlops'), { recursive: true })).filter((name) =>
      name.endsWith('.json'),
    );
    expect(files.length).toBeGreaterThan(5);
    for (const name of files) {
      expect(await readFile(join(clone, '.mlops', name)), name).toEqual(
        await readFile(join(root, '.mlops', name)),
      );
    }
    expect(await run({ root: clone, env, scratch }, 'verify', '--metadata-only')).toMatchObject({ code: 0 });
  });

  test('documents that were changed to CRLF all the same are named as damaged, and Git brings them back (D11)', async () => {
    const repository = await copy();
    const path = join(repository.root, '.mlops', PRODUCTION);
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll('\n', '\r\n'));
    const outcome = await run(repository, 'show', 'demo@production');
    expect(outcome).toMatchObject({ code: 3 });
    const { message, hint } = errorOf(outcome);
    expect(message).toContain(`.mlops/${PRODUCTION}`);
    expect(hint).toContain('git checkout HEAD --');
    await repository.repo.git('checkout', 'HEAD', '--', `.mlops/${PRODUCTION}`);
    expect(await run(repository, 'verify', '--deep')).toMatchObject({ code: 0 });
  });
});

describe('a merge that Git could not finish (D12, D13)', () => {
  async function conflicted(): Promise<Broken> {
    const repository = await copy();
    const { repo } = repository;
    await repo.git('checkout', '--quiet', '-b', 'side');
    await mustRun(['promote', 'demo@v1', '--commit'], { cwd: repository.root, env: repository.env });
    await repo.git('checkout', '--quiet', 'main');
    await mustRun(['save', 'demo', 'build', '--version', 'v3', '--commit'], {
      cwd: repository.root,
      env: repository.env,
    });
    await mustRun(['promote', 'demo@v3', '--commit'], { cwd: repository.root, env: repository.env });
    await expect(repo.git('merge', '--quiet', 'side')).rejects.toThrow(/git merge/);
    return repository;
  }

  test('every reader says so with exit 5 or goes on, and none of them crashes', async () => {
    const repository = await conflicted();
    const before = await readFile(join(repository.root, '.mlops', PRODUCTION), 'utf8');
    expect(before).toContain('<<<<<<<');
    for (const argv of [
      ['show', 'demo@production'],
      ['show', 'demo@v1'],
      ['show', 'demo@v3'],
      ['load', 'demo@production', '-o', 'out'],
      ['promote', 'demo@v1'],
      ['rollback', 'demo', '--reason', 'x'],
      ['verify'],
    ]) {
      const { code, stderr, stdout } = await run(repository, ...argv);
      expect(code, argv.join(' ')).toBe(5);
      expect(stderr + stdout).toMatch(/production\.json/);
    }
    // What neither side moved the stage to is in no doubt.
    expect(await run(repository, 'show', 'demo@v2')).toMatchObject({ code: 0 });
    expect(await readFile(join(repository.root, '.mlops', PRODUCTION), 'utf8')).toBe(before);
    expect(await run(repository, 'promote', 'demo@v3', '--resolve')).toMatchObject({ code: 0 });
    expect(violations(observed(repository), { pointers: { [PRODUCTION]: ['v3'] } })).toEqual([]);
    expect(await run(repository, 'verify', '--deep')).toMatchObject({ code: 0 });
  });

  test('markers in a record, an event or the settings are named with their file, never a crash', async () => {
    for (const directory of ['versions', 'events']) {
      const repository = await copy();
      const folder = join(repository.root, '.mlops/models/demo', directory);
      const name =
        (await readdir(folder)).find((each) => each.includes('v1') || each.includes('-saved-')) ?? '';
      const text = await readFile(join(folder, name), 'utf8');
      await writeFile(join(folder, name), `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> side\n`);
      for (const argv of [['verify'], ['show', 'demo@v1'], ['list', 'demo']]) {
        const { code, stderr, stdout } = await run(repository, ...argv);
        expect([0, 2, 3, 5], `${directory} ${argv.join(' ')}: ${stderr}`).toContain(code);
        if (argv[0] === 'verify') expect(stdout + stderr).toContain(name);
      }
    }
    const repository = await copy();
    await writeFile(
      join(repository.root, '.mlops/config.json'),
      '<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> side\n',
    );
    const outcome = await run(repository, 'list');
    expect([2, 3, 5]).toContain(outcome.code);
    expect(errorOf(outcome).message).toContain('config.json');
  });
});

describe('every kind of work tree (D14)', () => {
  test('a linked work tree records its own branch and commit', async () => {
    const { repo, env, scratch } = await copy();
    const linked = join(scratch, 'linked');
    await repo.git('worktree', 'add', '--quiet', '-b', 'linked', linked);
    await writeFile(join(linked, 'extra.txt'), 'x');
    const tree = openTempRepo(linked, env);
    await tree.git('add', 'extra.txt');
    await tree.git('commit', '--quiet', '-m', 'only here');
    const there = { root: linked, env, scratch };
    expect(await run(there, 'save', 'demo', 'build', '--version', 'w1')).toMatchObject({ code: 0 });
    const shown = await dataOf<Shown>(run(there, 'show', 'demo@w1'));
    expect(shown.lineage.git).toMatchObject({
      branch: 'linked',
      commit: await tree.git('rev-parse', 'HEAD'),
    });
    expect(await tree.git('diff', '--cached', '--name-only')).toContain('versions/w1.json');
    expect(await repo.git('status', '--porcelain')).toBe('');
  });

  test('a submodule has a registry of its own, and the one around it is left alone', async () => {
    const outer = await copy();
    const inner = await copy();
    await outer.repo.git(
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      inner.root,
      'sub',
    );
    const sub = { ...inner, root: join(outer.root, 'sub') };
    const before = observed(outer);
    expect(await run(sub, 'save', 'demo', 'build', '--version', 's1')).toMatchObject({ code: 0 });
    const subTree = openTempRepo(sub.root, sub.env);
    const shown = await dataOf<Shown>(run(sub, 'show', 'demo@s1'));
    expect(shown.lineage.git?.commit).toBe(await subTree.git('rev-parse', 'HEAD'));
    expect([...observed(outer).documents]).toEqual([...before.documents]);
    expect(existsSync(join(sub.root, '.mlops/models/demo/versions/s1.json'))).toBe(true);
  });

  test('a detached HEAD records the commit and no branch', async () => {
    const repository = await copy();
    await repository.repo.git('checkout', '--quiet', '--detach', 'HEAD~1');
    expect(await run(repository, 'save', 'demo', 'README.md', '--version', 'd1')).toMatchObject({ code: 0 });
    const { lineage } = await dataOf<Shown>(run(repository, 'show', 'demo@d1'));
    expect(lineage.git?.commit).toBe(await repository.repo.git('rev-parse', 'HEAD'));
    expect(lineage.git?.branch ?? null).toBeNull();
  });

  test('a shallow clone records its commit, and reads what is there', async () => {
    const { repo, env, scratch, root } = await copy();
    const clone = join(scratch, 'clone');
    await repo.git('clone', '--quiet', '--depth', '1', `file://${root}`, clone);
    const there = { root: clone, env, scratch };
    expect(await run(there, 'verify', '--metadata-only')).toMatchObject({ code: 0 });
    expect(await run(there, 'save', 'demo', 'README.md', '--version', 'c1')).toMatchObject({ code: 0 });
    const { lineage } = await dataOf<Shown>(run(there, 'show', 'demo@c1'));
    expect(lineage.git?.commit).toBe(await repo.git('rev-parse', 'HEAD'));
  });

  test('a clone without bytes says what is missing, with exit 3, and promotes nothing', async () => {
    const { repo, env, scratch, root } = await copy();
    const clone = join(scratch, 'clone');
    await repo.git('clone', '--quiet', root, clone);
    const there = { root: clone, env, scratch };
    for (const argv of [['load', 'demo@v1', '-o', 'out'], ['promote', 'demo@v1'], ['verify']]) {
      expect(await run(there, ...argv)).toMatchObject({ code: 3 });
    }
    expect(inProduction(observed(there))).toBe('v2');
    expect(observed(there).leftovers).toEqual([]);
  });

  test('a bare repository has no work tree: exit 2 and nothing written', async () => {
    const { repo, env, scratch, root } = await copy();
    const bare = join(scratch, 'bare.git');
    await repo.git('clone', '--quiet', '--bare', root, bare);
    for (const argv of [['init'], ['list'], ['save', 'demo', 'config']]) {
      expect(await run({ root: bare, env, scratch }, ...argv)).toMatchObject({ code: 2 });
    }
    expect(existsSync(join(bare, '.mlops'))).toBe(false);
  });

  test('before the first commit there is none to record, and everything else works', async () => {
    const directory = await tempDirectory();
    const { env } = shared();
    const root = join(directory, 'fresh');
    await mkdir(root);
    const repo = openTempRepo(root, env);
    await repo.git('init', '--quiet', '-b', 'main');
    await repo.write('model.txt', 'first');
    const fresh = { root, env, scratch: directory };
    for (const argv of [
      ['init'],
      ['save', 'm', 'model.txt', '--version', 'v1'],
      ['promote', 'm@v1'],
      ['verify', '--deep'],
    ]) {
      expect(await run(fresh, ...argv), argv.join(' ')).toMatchObject({ code: 0 });
    }
    const { lineage } = await dataOf<Shown>(run(fresh, 'show', 'm@production'));
    expect(lineage.git?.commit ?? null).toBeNull();
    expect(violations(observed(fresh))).toEqual([]);
    await rm(join(root, '.mlops/cache/index'), { recursive: true, force: true });
    expect(await run(fresh, 'verify')).toMatchObject({ code: 0 });
  });
});

describe('history that was rewritten (D15)', () => {
  test('a rebase, a squash and a lost commit take nothing from the registry, which is bound to digests', async () => {
    const repository = await copy();
    const { repo, root, env } = repository;
    await repo.git('checkout', '--quiet', '-b', 'work');
    await mustRun(['save', 'demo', 'build', '--version', 'v3', '--commit'], { cwd: root, env });
    await mustRun(['promote', 'demo@v3', '--commit'], { cwd: root, env });
    await repo.write('note.txt', 'later');
    await repo.git('add', 'note.txt');
    await repo.git('commit', '--quiet', '-m', 'note');
    const recorded = (await dataOf<Shown>(run(repository, 'show', 'demo@v3'))).lineage.git?.commit ?? '';
    const before = observed(repository);
    await repo.git('checkout', '--quiet', 'main');
    await repo.git('commit', '--quiet', '--amend', '-m', 'another third');
    await repo.git('merge', '--quiet', '--squash', 'work');
    await repo.git('commit', '--quiet', '-m', 'squashed');
    await repo.git('branch', '--quiet', '-D', 'work');
    await repo.git('reflog', 'expire', '--expire=now', '--all');
    await repo.git('gc', '--quiet', '--prune=now');
    await expect(repo.git('cat-file', '-e', recorded)).rejects.toThrow(/cat-file/);
    const after = observed(repository);
    expect(violations(after, { before, outputs: ['note.txt'], pointers: { [PRODUCTION]: ['v3'] } })).toEqual(
      [],
    );
    expect([...after.documents]).toEqual([...before.documents]);
    expect(await run(repository, 'verify', '--deep')).toMatchObject({ code: 0 });
    expect((await dataOf<Shown>(run(repository, 'show', 'demo@production'))).lineage.git?.commit).toBe(
      recorded,
    );
  });

  test('an event that a rebase dropped is an error that names it', async () => {
    const repository = await copy();
    const events = join(repository.root, '.mlops/models/demo/events');
    const [first = ''] = (await readdir(events)).toSorted();
    await rm(join(events, first));
    const outcome = await run(repository, 'verify');
    expect(outcome).toMatchObject({ code: 3 });
    expect(outcome.stdout).toMatch(/names it as a parent|is missing/);
  });
});

/** Loaded before the program: its clock is off by so many days. No right to set the machine's own is needed. */
const CLOCK = `
  const days = Number(process.env.CLOCK_OFF_BY_DAYS);
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...parts) {
      if (parts.length === 0) super(Date.now());
      else super(...parts);
    }
    static now() {
      return Right.now() + days * 86_400_000;
    }
  };
`;

interface Event {
  type: string;
  version: string;
  time: string;
}

test('clocks that jump (D10) change neither the order of events nor what a stage holds', async () => {
  const repository = await copy();
  const { root, env, repo, scratch } = repository;
  const clock = join(scratch, 'clock.cjs');
  await writeFile(clock, CLOCK);
  const at = async (days: number, ...argv: string[]): Promise<Finished> => {
    const nodeOptions = ['--require', clock];
    const cwd = { cwd: root, env: { ...env, CLOCK_OFF_BY_DAYS: String(days) } };
    const outcome = await mlops(['--json', ...argv], { ...cwd, nodeOptions });
    expect(outcome.code, `${argv.join(' ')}: ${outcome.stderr}`).toBe(0);
    return outcome;
  };
  await at(4000, 'save', 'demo', 'build', '--version', 'v3');
  await at(-4000, 'promote', 'demo@v3');
  await repo.write('build/config.json', '{"trained": "v4"}\n');
  await at(-3000, 'save', 'demo', 'build', '--version', 'v4');
  await at(2000, 'promote', 'demo@v4');
  await at(-5000, 'rollback', 'demo', '--reason', 'it misbehaves');
  const { events } = await dataOf<{ events: Event[] }>(run(repository, 'history', 'demo'));
  const newest = events.slice(0, 5);
  expect(newest.map(({ type, version }) => `${type} ${version}`)).toEqual([
    'rolled-back v3',
    'promoted v4',
    'saved v4',
    'promoted v3',
    'saved v3',
  ]);
  const times = newest.map(({ time }) => time.slice(0, 4));
  expect(times, 'the clock did not jump').not.toEqual(times.toSorted().toReversed());
  expect(inProduction(observed(repository))).toBe('v3');
  // Only what is ranked by the time in the records goes by the clock, the same in every clone.
  const { versions } = await dataOf<{ versions: Shown[] }>(run(repository, 'list', 'demo'));
  expect(versions.map(({ version }) => version)).toEqual(['v3', 'v2', 'v1', 'v4']);
  // What is needed stays, however old or young a clock makes it look.
  for (const days of [4000, -4000]) await at(days, 'gc', '--yes');
  expect(violations(observed(repository))).toEqual([]);
  const verified = await mlops(['verify', '--deep'], { cwd: root, env });
  expect([verified.code, verified.stderr]).toEqual([0, expect.stringContaining('a clock was wrong')]);
});
