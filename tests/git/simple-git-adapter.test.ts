import { createHash } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createGit } from '../../src/git/simple-git-adapter.ts';
import { openTempRepo, tempDirectory, tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

const open = (repo: TempGitRepo, directory = repo.root) => createGit({ directory, env: repo.env });
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('findRoot', () => {
  it('finds the root from a subdirectory, also with spaces and other letters in its name', async () => {
    const repo = await tempGitRepo({ files: { 'a b/ü/x': '1' } });
    expect(await open(repo).findRoot(join(repo.root, 'a b', 'ü'))).toBe(repo.root);
    expect(await open(repo).findRoot(repo.root)).toBe(repo.root);
  });

  it('is undefined outside of Git, in a bare repository and inside .git', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const bare = join(repo.root, '..', 'bare.git');
    await repo.git('clone', '--quiet', '--bare', repo.root, bare);
    const git = open(repo);
    expect(await git.findRoot(join(repo.root, '..', 'home'))).toBeUndefined();
    expect(await git.findRoot(bare)).toBeUndefined();
    expect(await git.findRoot(join(repo.root, '.git'))).toBeUndefined();
  });

  it('names a missing directory', async () => {
    const repo = await tempGitRepo();
    await expect(open(repo).findRoot(join(repo.root, 'nowhere'))).rejects.toMatchObject({ exitCode: 2 });
  });

  it('ignores GIT_DIR of the surroundings, except inside a hook', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const other = await tempGitRepo();
    const env = { ...repo.env, GIT_DIR: join(other.root, '.git'), GIT_WORK_TREE: other.root };
    expect(await createGit({ directory: repo.root, env }).findRoot(repo.root)).toBe(repo.root);
    const hook = createGit({ directory: repo.root, env, insideHook: true });
    expect(await hook.findRoot(repo.root)).toBe(other.root);
  });
});

describe('codeState', () => {
  it('describes a clean commit on a branch', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.git('remote', 'add', 'origin', 'https://user:secret@host.example/team/repo.git?token=secret');
    expect(await open(repo).codeState()).toEqual({
      commit: await repo.git('rev-parse', 'HEAD'),
      tree: await repo.git('rev-parse', 'HEAD^{tree}'),
      branch: 'main',
      dirty: false,
      untracked: 0,
      remote: 'https://host.example/team/repo.git',
    });
  });

  it('takes the only remote when there is no origin, and none of several', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.git('remote', 'add', 'upstream.eu', 'user:secret@host.example:team/repo.git');
    expect((await open(repo).codeState()).remote).toBe('host.example:team/repo.git');
    await repo.git('remote', 'add', 'second', 'https://host.example/other');
    expect((await open(repo).codeState()).remote).toBeUndefined();
    await repo.git('remote', 'add', 'origin', 'https://host.example/third');
    expect((await open(repo).codeState()).remote).toBe('https://host.example/third');
  });

  it.each([['/srv/home/repo'], ['file:///srv/home/repo'], ['../repo']])(
    'has no remote where it is %s',
    async (url) => {
      const repo = await tempGitRepo({ files: { x: '1' } });
      await repo.git('remote', 'add', 'origin', url);
      expect((await open(repo).codeState()).remote).toBeUndefined();
      await repo.git('remote', 'add', 'upstream', 'git@host.example:team/repo.git');
      expect((await open(repo).codeState()).remote).toBe('git@host.example:team/repo.git');
    },
  );

  it('works before the first commit, with and without staged files', async () => {
    const repo = await tempGitRepo();
    await repo.write('x', '1');
    expect(await open(repo).codeState()).toEqual({ branch: 'main', dirty: false, untracked: 1 });
    await repo.git('add', 'x');
    const state = await open(repo).codeState();
    expect(state).toMatchObject({ branch: 'main', dirty: true, untracked: 0 });
    expect(state.diff).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(state.commit).toBeUndefined();
  });

  it('has no branch when HEAD is detached', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.git('checkout', '--quiet', '--detach');
    const state = await open(repo).codeState();
    expect(state).not.toHaveProperty('branch');
    expect(state.commit).toBe(await repo.git('rev-parse', 'HEAD'));
  });

  it('hashes the diff of tracked files, staged or not, and counts untracked ones apart', async () => {
    const repo = await tempGitRepo({ files: { x: '1\n', y: '1\n', '.gitignore': 'ignored\n' } });
    await repo.write('x', '2\n');
    await repo.write('y', '2\n');
    await repo.write('ignored', '');
    await repo.write('new/a', '');
    await repo.write('new/b\nc', '');
    await repo.git('add', 'y');
    const state = await open(repo).codeState();
    const diff = await repo.git('diff', 'HEAD', '--binary', '--full-index');
    const expected = createHash('sha256').update(`${diff}\n`).digest('hex');
    expect(state).toMatchObject({ dirty: true, untracked: 2, diff: `sha256:${expected}` });
  });

  it('leaves out whatever happens in .mlops', async () => {
    const repo = await tempGitRepo({ files: { x: '1', '.mlops/config.json': '{}', '.mlopsy': '1' } });
    await repo.write('.mlops/config.json', '{ }');
    await repo.write('.mlops/new.json', '{}');
    expect(await open(repo).codeState()).toMatchObject({ dirty: false, untracked: 0 });
    await repo.write('x', '2');
    const before = (await open(repo).codeState()).diff;
    await repo.write('.mlops/config.json', '{"a":1}');
    expect((await open(repo).codeState()).diff).toBe(before);
    await repo.write('.mlopsy', '2');
    expect((await open(repo).codeState()).diff).not.toBe(before);
  });

  it('gives the same hash whatever the user configured, from any directory', async () => {
    const repo = await tempGitRepo({
      files: { 'é.txt': 'a\n\nb\nc\n', bin: Buffer.from([0, 1, 2]), 'sub/x': '1' },
    });
    await repo.write('é.txt', 'a\n\nB\nc\n');
    await repo.write('bin', Buffer.from([0, 255, 254]));
    await repo.write('latin1', 'x');
    const plain = (await open(repo).codeState()).diff;
    const settings = {
      'diff.noprefix': 'true',
      'diff.mnemonicPrefix': 'true',
      'diff.context': '9',
      'diff.algorithm': 'patience',
      'diff.suppressBlankEmpty': 'true',
      'diff.relative': 'true',
      'color.ui': 'always',
      'core.quotePath': 'false',
      'core.abbrev': '40',
      'diff.external': 'false',
    };
    for (const [key, value] of Object.entries(settings)) await repo.git('config', key, value);
    expect((await open(repo, join(repo.root, 'sub')).codeState()).diff).toBe(plain);
  });

  it('tells diffs apart that differ only in bytes that are not UTF-8', async () => {
    const repo = await tempGitRepo({ files: { x: Buffer.from('caf\u00e9\n', 'latin1') } });
    await repo.write('x', Buffer.from('caf\u00e8\n', 'latin1'));
    const first = (await open(repo).codeState()).diff;
    await repo.write('x', Buffer.from('caf\u00ea\n', 'latin1'));
    expect((await open(repo).codeState()).diff).not.toBe(first);
  });

  it('describes a linked work tree by its own HEAD', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const linked = join(repo.root, '..', 'linked');
    await repo.git('worktree', 'add', '--quiet', '-b', 'topic', linked);
    const inside = openTempRepo(linked, repo.env);
    await inside.write('x', '2');
    expect(await open(inside).codeState()).toMatchObject({ branch: 'topic', dirty: true });
    expect(await open(inside).findRoot(linked)).toBe(linked);
    expect(await open(repo).codeState()).toMatchObject({ branch: 'main', dirty: false });
  });

  it('describes a submodule by itself, and sees in the outer repository that it moved', async () => {
    const library = await tempGitRepo({ files: { lib: '1' } });
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.git('submodule', '--quiet', 'add', library.root, 'vendor');
    await repo.git('commit', '--quiet', '-m', 'with submodule');
    const inner = openTempRepo(join(repo.root, 'vendor'), repo.env);
    expect(await open(repo).findRoot(inner.root)).toBe(inner.root);
    await inner.write('untracked', '');
    expect(await open(repo).codeState()).toMatchObject({ dirty: false, untracked: 0 });
    await inner.write('lib', '2');
    await inner.git('commit', '--quiet', '-am', 'moved');
    expect(await open(repo).codeState()).toMatchObject({ dirty: true });
    expect((await open(inner).codeState()).commit).toBe(await inner.git('rev-parse', 'HEAD'));
  });

  it('works in a shallow clone and knows which commits are missing there', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const old = await repo.git('rev-parse', 'HEAD');
    await repo.write('x', '2');
    await repo.git('commit', '--quiet', '-am', 'second');
    const path = join(repo.root, '..', 'shallow');
    await repo.git('clone', '--quiet', '--depth=1', `file://${repo.root}`, path);
    const git = open(openTempRepo(path, repo.env));
    const head = await repo.git('rev-parse', 'HEAD');
    expect(await git.codeState()).toMatchObject({ commit: head, dirty: false });
    expect(await git.hasCommit(head)).toBe(true);
    expect(await git.hasCommit(old)).toBe(false);
  });

  it('runs no program that the repository names', async () => {
    const repo = await tempGitRepo({ files: { x: '1', '.gitattributes': '* diff=evil\n' } });
    const witness = join(repo.root, '..', 'witness');
    const script = join(repo.root, '..', 'evil.sh');
    await writeFile(script, `#!/bin/sh\ntouch '${witness}'\n`);
    await chmod(script, 0o755);
    for (const key of [
      'core.fsmonitor',
      'diff.external',
      'diff.evil.command',
      'diff.evil.textconv',
      'core.pager',
    ]) {
      await repo.git('config', key, script);
    }
    await repo.write('x', '2');
    expect(await open(repo).codeState()).toMatchObject({ dirty: true });
    await expect(repo.read('../witness')).rejects.toThrow(/ENOENT/);
  });
});

describe('identity and version', () => {
  it('reads the identity, with author settings and the environment before it', async () => {
    const repo = await tempGitRepo();
    expect(await open(repo).identity()).toBe('Test User <test@example.org>');
    await repo.git('config', 'user.name', 'Local <User>');
    expect(await open(repo).identity()).toBe('Local User <test@example.org>');
    const env = { ...repo.env, GIT_AUTHOR_NAME: 'Env User', GIT_AUTHOR_EMAIL: 'env@example.org' };
    expect(await createGit({ directory: repo.root, env }).identity()).toBe('Env User <env@example.org>');
  });

  it('has no identity when none is configured', async () => {
    const repo = await tempGitRepo();
    await writeFile(join(repo.root, '..', 'home', 'gitconfig'), '');
    expect(await open(repo).identity()).toBeUndefined();
  });

  it('knows the version of git', async () => {
    const repo = await tempGitRepo();
    expect(await repo.git('version')).toContain(await open(repo).version());
    expect(await open(repo).version()).toMatch(/^\d+\.\d+/);
  });

  it('says so when git is not installed', async () => {
    const directory = await tempDirectory();
    const git = createGit({ directory, env: { PATH: directory } });
    const missing = { code: 'GIT_MISSING', exitCode: 2, hint: expect.stringContaining('PATH') as string };
    await expect(git.version()).rejects.toMatchObject(missing);
    await expect(git.codeState()).rejects.toMatchObject(missing);
    await expect(git.findRoot(directory)).rejects.toMatchObject(missing);
  });

  it.each(['HEAD', '--help', 'main', '', 'a'.repeat(40), `${'a'.repeat(39)}\n`])(
    'knows no commit %j',
    async (id) => {
      const repo = await tempGitRepo({ files: { x: '1' } });
      expect(await open(repo).hasCommit(id)).toBe(false);
    },
  );

  it('does not take a tree for a commit', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    expect(await open(repo).hasCommit(await repo.git('rev-parse', 'HEAD^{tree}'))).toBe(false);
  });
});

describe('stage', () => {
  it('adds exactly the given paths, new, changed and removed, from any directory', async () => {
    const repo = await tempGitRepo({ files: { changed: '1', removed: '1', other: '1', 'sub/x': '1' } });
    await repo.write('changed', '2');
    await repo.write('new', '1');
    await repo.write('other', '2');
    await rm(join(repo.root, 'removed'));
    await open(repo, join(repo.root, 'sub')).stage(['changed', 'new', 'removed']);
    expect(lines(await repo.git('diff', '--cached', '--no-renames', '--name-only'))).toEqual([
      'changed',
      'new',
      'removed',
    ]);
    await open(repo).stage([]);
  });

  it('takes names literally', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    for (const path of ['*', 'a', '[a]', ':(top)b', 'b', 'with\nnewline', 'é']) await repo.write(path, '1');
    await open(repo).stage(['*', '[a]', ':(top)b', 'with\nnewline', 'é']);
    const staged = (await repo.git('diff', '--cached', '--name-only', '-z')).split('\0').filter(Boolean);
    expect(staged.toSorted()).toEqual(['*', ':(top)b', '[a]', 'with\nnewline', 'é']);
  });

  it('fails for an ignored path and adds none of the others', async () => {
    const repo = await tempGitRepo({ files: { '.gitignore': '*.log\n!keep.log\n' } });
    await repo.write('a.json', '1');
    await repo.write('b.log', '1');
    await repo.write('keep.log', '1');
    await mkdir(join(repo.root, 'sub'));
    for (const directory of [repo.root, join(repo.root, 'sub')]) {
      const failure = open(repo, directory).stage(['a.json', 'b.log']);
      await expect(failure).rejects.toMatchObject({ code: 'PATH_IGNORED', exitCode: 2 });
      await expect(failure).rejects.toThrow(/^b\.log is ignored/);
    }
    expect(await repo.git('diff', '--cached', '--name-only')).toBe('');
    await open(repo).stage(['keep.log']);
    expect(await repo.git('diff', '--cached', '--name-only')).toBe('keep.log');
  });

  it('passes a tracked file although a rule would ignore it', async () => {
    const repo = await tempGitRepo({ files: { 'a.log': '1' } });
    await repo.write('.gitignore', '*.log\n');
    await repo.write('a.log', '2');
    await open(repo).stage(['a.log']);
    expect(await repo.git('diff', '--cached', '--name-only')).toBe('a.log');
  });

  it.each(['--all', '-A', '../x', '/etc/passwd', '.git/config', ''])('refuses the path %j', async (path) => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await expect(open(repo).stage([path])).rejects.toMatchObject({ code: 'UNSAFE_PATH', exitCode: 4 });
  });

  it('adds thousands of paths at once', async () => {
    const repo = await tempGitRepo();
    const paths = Array.from({ length: 3000 }, (_, index) => `dir/${'n'.repeat(60)}${index}`);
    await mkdir(join(repo.root, 'dir'));
    await Promise.all(paths.map((path) => writeFile(join(repo.root, path), '')));
    await open(repo).stage(paths);
    expect(lines(await repo.git('ls-files'))).toHaveLength(3000);
  });

  it('says that another git command holds the index', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.write('x', '2');
    await repo.write('.git/index.lock', '');
    const impatient = createGit({ directory: repo.root, env: repo.env, indexWaitMs: 50 });
    await expect(impatient.stage(['x'])).rejects.toMatchObject({
      code: 'GIT_LOCKED',
      exitCode: 5,
      retryable: true,
    });
  });

  it('waits for another git command to give the index back', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.write('x', '2');
    await repo.write('.git/index.lock', '');
    const staged = createGit({ directory: repo.root, env: repo.env, indexWaitMs: 60_000 }).stage(['x']);
    const release = delay(100).then(() => rm(join(repo.root, '.git/index.lock')));
    await Promise.all([staged, release]);
    expect(lines(await repo.git('diff', '--cached', '--name-only'))).toEqual(['x']);
  });

  it('adds from many processes at once, and nothing is left out', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `file-${index}`);
    const repo = await tempGitRepo({ files: Object.fromEntries(names.map((name) => [name, '1'])) });
    await Promise.all(names.map((name) => repo.write(name, '2')));
    await Promise.all(names.map((name) => open(repo).stage([name])));
    expect(lines(await repo.git('diff', '--cached', '--name-only'))).toEqual(names);
  });
});
