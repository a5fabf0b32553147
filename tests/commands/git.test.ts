import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asRegistry, cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { tempDirectory, tempGitRepo } from '../support/temp-repo.ts';

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const staged = async (repo: RegistryRepo): Promise<string[]> =>
  lines(await repo.git('diff', '--cached', '--name-only'));
const committed = async (repo: RegistryRepo): Promise<string[]> =>
  lines(await repo.git('show', '--format=', '--name-only', 'HEAD'));
const generic = (paths: readonly string[]): string[] =>
  paths.map((path) => path.replace(/\/\d{8}T\d{9}Z-([a-z-]+)-[0-9a-f]{16}\.json$/, '/<$1>')).toSorted();

const MODEL = '.mlops/models/fraud';

/** Each writing command, what it writes, and how to get where it can run. */
const COMMANDS: [string, string[], string[]][] = [
  [
    'save',
    ['save', 'fraud', 'README.md', '--version', 'v3'],
    [`${MODEL}/events/<saved>`, `${MODEL}/versions/v3.json`],
  ],
  ['promote', ['promote', 'fraud@v2'], [`${MODEL}/events/<promoted>`, `${MODEL}/stages/production.json`]],
  [
    'rollback',
    ['rollback', 'fraud', '--stage', 'staging', '--reason', 'x'],
    [`${MODEL}/events/<rolled-back>`, `${MODEL}/stages/staging.json`],
  ],
  ['annotate', ['annotate', 'fraud@v1', '--tag', 'a=b'], [`${MODEL}/events/<annotated>`]],
  ['deprecate', ['deprecate', 'fraud@v1', '--reason', 'x'], [`${MODEL}/events/<deprecated>`]],
  ['delete', ['delete', 'fraud@v0', '--reason', 'x'], [`${MODEL}/events/<deleted>`]],
];

async function prepared(): Promise<RegistryRepo> {
  const repo = await registryRepo();
  for (const label of ['v0', 'v1', 'v2']) await repo.save('fraud', label);
  for (const label of ['v1', 'v2']) await repo.json('promote', `fraud@${label}`, '--to', 'staging');
  await repo.git('add', 'models');
  await repo.git('commit', '--quiet', '-m', 'Prepare');
  return repo;
}

describe.each(COMMANDS)('%s', (_name, argv, paths) => {
  test('adds exactly what it wrote to the index', async () => {
    const repo = await prepared();
    await repo.write('README.md', 'changed, and not staged\n');
    await repo.write('new.txt', 'untracked\n');
    await repo.json(...argv);
    expect(generic(await staged(repo))).toEqual(paths);
    expect(
      lines(await repo.git('status', '--porcelain', '--', '.mlops')).every((line) => /^[AM] {2}/.test(line)),
    ).toBe(true);
    expect(await repo.git('rev-list', '--count', 'HEAD')).toBe('3');
  });

  test('commits with --commit exactly what it wrote, and leaves what else is staged', async () => {
    const repo = await prepared();
    await repo.write('mine.txt', 'staged by hand\n');
    await repo.git('add', 'mine.txt');
    const { commit, git } = await repo.json<{ commit?: string; git?: { commit: string } }>(
      ...argv,
      '--commit',
    );
    expect(commit ?? git?.commit).toBe(await repo.git('rev-parse', 'HEAD'));
    expect(generic(await committed(repo))).toEqual(paths);
    expect(await staged(repo)).toEqual(['mine.txt']);
  });

  test.each([
    ['the setting', ['config', 'set', 'git.stage', 'false'], {}],
    ['the environment', undefined, { MLOPS_GIT_STAGE: 'false' }],
  ])('stages nothing when %s says so', async (_what, setting, env) => {
    const repo = await prepared();
    if (setting !== undefined) {
      await repo.json(...setting);
      await repo.git('commit', '--quiet', '-am', 'Do not stage');
    }
    expect((await repo.runWith({ env }, ...argv)).code).toBe(0);
    expect(await staged(repo)).toEqual([]);
    expect(
      generic(lines(await repo.git('ls-files', '--others', '--modified', '--exclude-standard', '.mlops'))),
    ).toEqual(paths);
  });
});

test('init stages its four files, once', async () => {
  const repo = await registryRepo();
  expect((await committed(repo)).toSorted()).toEqual([
    '.mlops/.gitattributes',
    '.mlops/.gitignore',
    '.mlops/config.json',
    '.mlops/format.json',
  ]);
  expect(await repo.json('init')).toMatchObject({ created: false, written: [] });
  expect(await repo.git('status', '--porcelain')).toBe('');
});

describe('what `init` wrote and nobody committed', () => {
  const FILES = ['.gitattributes', '.gitignore', 'config.json', 'format.json'].map(
    (name) => `.mlops/${name}`,
  );

  test.each([
    ['in an empty repository', {}],
    ['after commits of other things', { files: { 'README.md': 'x\n' } }],
  ])('goes with the first --commit %s, so that a clone works', async (_name, options) => {
    const repo = asRegistry(await tempGitRepo(options));
    await repo.json('init');
    await repo.save('fraud', 'v1', '--commit');
    expect(await committed(repo)).toEqual(expect.arrayContaining(FILES));
    const clone = await cloneOf(repo, join(await tempDirectory(), 'clone'));
    expect(await clone.json('list')).toMatchObject({ models: [{ model: 'fraud' }] });
    await repo.save('fraud', 'v2', '--commit');
    expect((await committed(repo)).filter((path) => FILES.includes(path))).toEqual([]);
  });

  test('is found also where nothing is staged, and what is gone from the work tree is left out', async () => {
    const repo = asRegistry(await tempGitRepo());
    await repo.json('init');
    await repo.git('rm', '--quiet', '--cached', '-r', '.mlops');
    await rm(join(repo.root, '.mlops/.gitattributes'));
    await repo.write('data.csv', 'a\n');
    await repo.json('data', 'add', 'data.csv', '--commit');
    expect((await committed(repo)).filter((path) => FILES.includes(path))).toEqual(FILES.slice(1));
  });

  test('goes with no commit once it was committed, however it is changed or staged', async () => {
    const repo = await prepared();
    await repo.write('.mlops/.gitignore', `${await repo.read('.mlops/.gitignore')}# mine\n`);
    await repo.git('add', '.mlops/.gitignore');
    await repo.save('fraud', 'v9', '--commit');
    expect((await committed(repo)).filter((path) => FILES.includes(path))).toEqual([]);
    expect(await staged(repo)).toContain('.mlops/.gitignore');
  });
});

test('a command that finds everything as it should be stages what an interrupted one left, and commits it when asked', async () => {
  const repo = await prepared();
  await repo.json('promote', 'fraud@v2');
  await repo.git('reset', '--quiet');
  expect(await repo.json('promote', 'fraud@v2')).toMatchObject({ moved: false });
  const paths = [`${MODEL}/events/<promoted>`, `${MODEL}/stages/production.json`];
  expect(generic(await staged(repo))).toEqual(paths);
  expect(await repo.json('promote', 'fraud@v2', '--commit')).toMatchObject({ moved: false });
  expect(generic(await committed(repo))).toEqual(paths);
  const head = await repo.git('rev-parse', 'HEAD');
  await repo.json('promote', 'fraud@v2', '--commit');
  expect(await repo.git('rev-parse', 'HEAD')).toBe(head);
});

test('objects, locks and indexes never reach the index of Git', async () => {
  const repo = await prepared();
  await repo.git('add', '--all');
  expect(
    lines(await repo.git('ls-files', '.mlops')).filter((path) => /\/(?:cache|tmp)\//.test(path)),
  ).toEqual([]);
});

test('where .mlops is ignored, what was written is safe and a warning says what is missing', async () => {
  const repo = await prepared();
  await repo.write('.gitignore', '.mlops/\n');
  const { code, stderr } = await repo.run('save', 'churn', 'README.md', '--version', 'v1');
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: saved, but not added to Git: .* is ignored by Git/);
  expect(await repo.json('show', 'churn')).toMatchObject({ version: 'v1' });
});

test('rules of the project hide nothing of the registry', async () => {
  const repo = await prepared();
  await repo.write('.gitignore', 'models/\ndata/\nevents\n*.json\ncache/\n');
  const { code, stderr } = await repo.run('save', 'churn', 'README.md', '--version', 'v1', '--commit');
  expect([code, stderr.includes('warning')]).toEqual([0, false]);
  expect(lines(await repo.git('ls-files', '.mlops/models/churn'))).toHaveLength(3);
  expect(await repo.git('status', '--porcelain', '.mlops')).toBe('');
});

describe('a commit that Git refuses', () => {
  async function withHook(body: string): Promise<RegistryRepo> {
    const repo = await prepared();
    await repo.write('.git/hooks/pre-commit', `#!/bin/sh\n${body}\n`);
    await chmod(join(repo.root, '.git/hooks/pre-commit'), 0o755);
    return repo;
  }

  test.each(COMMANDS)(
    'after %s says that the work is done, what Git said, and how to commit',
    async (_name, argv) => {
      const repo = await withHook('echo "the linter found $((1 + 1)) faults" >&2; exit 1');
      const before = await repo.git('rev-parse', 'HEAD');
      const failure = await repo.failure(...argv, '--commit');
      expect(failure).toMatchObject({ code: 'GIT_FAILED', exitCode: 6, retryable: false });
      expect(failure.message).toMatch(
        /done and on disk \(\d files?\), but Git did not commit it: .*found 2 faults/,
      );
      expect(failure.hint).toMatch(/^git add :\/\.mlops && git commit -m "[A-Z][^"]+" -- :\/\.mlops$/);
      expect(await repo.git('rev-parse', 'HEAD')).toBe(before);
      await rm(join(repo.root, '.git/hooks/pre-commit'));
      await repo.git('add', ':/.mlops');
      await repo.git('commit', '--quiet', '-m', 'by hand', '--', ':/.mlops');
      expect(await repo.git('status', '--porcelain', '--', '.mlops')).toBe('');
    },
  );

  test('without a word of the hook still says what is done', async () => {
    const repo = await withHook('exit 1');
    const { message } = await repo.failure('promote', 'fraud@v2', '--commit');
    expect(message).toContain('is done and on disk (2 files)');
    const { stages } =
      (await repo.json<{ models: { stages: Record<string, string> }[] }>('list')).models[0] ?? {};
    expect(stages).toMatchObject({ production: 'v2' });
  });

  test('because of a merge in progress is exit 5', async () => {
    const repo = await prepared();
    await repo.write('.git/MERGE_HEAD', `${await repo.git('rev-parse', 'HEAD')}\n`);
    const failure = await repo.failure('promote', 'fraud@v2', '--commit');
    expect(failure).toMatchObject({ code: 'MERGE_IN_PROGRESS', exitCode: 5 });
    expect(failure.message).toContain('is done and on disk');
    expect(failure.hint).toMatch(/^finish it with `git merge --continue`, then: git add/);
  });
});
