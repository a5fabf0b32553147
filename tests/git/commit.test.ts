import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGit } from '../../src/git/simple-git-adapter.ts';
import { tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

const open = (repo: TempGitRepo) => createGit({ directory: repo.root, env: repo.env });
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const filesOf = async (repo: TempGitRepo, commit: string): Promise<string[]> =>
  lines(await repo.git('show', '--format=', '--name-only', commit));

async function addHook(repo: TempGitRepo, name: string, body: string): Promise<void> {
  await repo.write(`.git/hooks/${name}`, `#!/bin/sh\n${body}\n`);
  await chmod(join(repo.root, '.git', 'hooks', name), 0o755);
}

/** Two branches that both changed `x`, in the middle of merging `topic` into `main`. */
async function conflicted(files: { base?: string; ours?: string; theirs?: string }): Promise<TempGitRepo> {
  const repo = await tempGitRepo({
    files: { other: '1', ...(files.base === undefined ? {} : { x: files.base }) },
  });
  const put = async (content: string | undefined): Promise<void> => {
    if (content === undefined) await rm(join(repo.root, 'x'));
    else await repo.write('x', content);
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '-m', 'side');
  };
  await repo.git('checkout', '--quiet', '-b', 'topic');
  await put(files.theirs);
  await repo.git('checkout', '--quiet', 'main');
  await put(files.ours);
  await expect(repo.git('merge', 'topic')).rejects.toMatchObject({
    stdout: expect.stringContaining('CONFLICT') as string,
  });
  return repo;
}

describe('commit', () => {
  it('commits exactly the given paths and leaves staged and unstaged changes as they are', async () => {
    const repo = await tempGitRepo({ files: { mine: '1', staged: '1', unstaged: '1' } });
    await repo.write('mine', '2');
    await repo.write('new', '1');
    await repo.write('staged', '2');
    await repo.git('add', 'staged');
    await repo.write('staged-new', '1');
    await repo.git('add', 'staged-new');
    await repo.write('unstaged', '2');
    const id = await open(repo).commit(['mine', 'new'], '-m looks like an option\n\nbody');
    expect(id).toBe(await repo.git('rev-parse', 'HEAD'));
    expect(await filesOf(repo, id)).toEqual(['mine', 'new']);
    expect(await repo.git('log', '-1', '--format=%s')).toBe('-m looks like an option');
    expect(lines(await repo.git('diff', '--cached', '--name-only'))).toEqual(['staged', 'staged-new']);
    expect(lines(await repo.git('diff', '--name-only'))).toEqual(['unstaged']);
  });

  it('makes the first commit and leaves other staged files out of it', async () => {
    const repo = await tempGitRepo();
    await repo.write('mine', '1');
    await repo.write('theirs', '1');
    await repo.git('add', 'theirs');
    const id = await open(repo).commit(['mine'], 'first');
    expect(await filesOf(repo, id)).toEqual(['mine']);
    expect(await repo.git('diff', '--cached', '--name-only')).toBe('theirs');
  });

  it('commits a removal', async () => {
    const repo = await tempGitRepo({ files: { gone: '1', kept: '1' } });
    await rm(join(repo.root, 'gone'));
    const id = await open(repo).commit(['gone'], 'remove');
    expect(lines(await repo.git('ls-tree', '--name-only', id))).toEqual(['kept']);
  });

  it('makes no empty commit when the paths are committed already', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const head = await repo.git('rev-parse', 'HEAD');
    expect(await open(repo).commit(['x'], 'again')).toBe(head);
    expect(await repo.git('rev-list', '--count', 'HEAD')).toBe('1');
  });

  it('refuses during a merge, and changes nothing', async () => {
    const repo = await conflicted({ base: '1\n', ours: '2\n', theirs: '3\n' });
    await repo.write('mine', '1');
    const before = await repo.git('status', '--porcelain');
    await expect(open(repo).commit(['mine'], 'x')).rejects.toMatchObject({
      code: 'MERGE_IN_PROGRESS',
      exitCode: 5,
    });
    expect(await repo.git('status', '--porcelain')).toBe(before);
  });

  it('refuses an ignored path and an unsafe one, before anything is added', async () => {
    const repo = await tempGitRepo({ files: { '.gitignore': 'ignored\n' } });
    await repo.write('a', '1');
    await repo.write('ignored', '1');
    await expect(open(repo).commit(['a', 'ignored'], 'x')).rejects.toMatchObject({ code: 'PATH_IGNORED' });
    await expect(open(repo).commit(['a', '--amend'], 'x')).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
    await expect(open(repo).commit([], 'x')).rejects.toMatchObject({ code: 'NOTHING_TO_COMMIT' });
    expect(await repo.git('status', '--porcelain')).toBe('?? a');
  });

  it("runs the user's own hooks and passes on what they say", async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.write('x', '2');
    await addHook(repo, 'pre-commit', 'echo "x is not allowed \u001b[31mhere" >&2; exit 1');
    const failure = open(repo).commit(['x'], 'second');
    await expect(failure).rejects.toMatchObject({ code: 'GIT_FAILED', exitCode: 2 });
    await expect(failure).rejects.toThrow('x is not allowed \\x1b[31mhere');
    expect(await repo.git('rev-list', '--count', 'HEAD')).toBe('1');
    await addHook(repo, 'pre-commit', 'exit 0');
    await open(repo).commit(['x'], 'second');
    expect(await repo.git('rev-list', '--count', 'HEAD')).toBe('2');
  });

  it('reports a hook that fails without a word', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.write('x', '2');
    await addHook(repo, 'pre-commit', 'exit 1');
    await expect(open(repo).commit(['x'], 'second')).rejects.toThrow(/git commit failed: exit code 1/);
  });

  it('runs no hook of the repository when it only reads or stages', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await addHook(repo, 'post-index-change', 'touch "$(git rev-parse --git-dir)/witness"');
    await repo.write('x', '2');
    await open(repo).codeState();
    await open(repo).stage(['x']);
    await expect(repo.read('.git/witness')).rejects.toThrow(/ENOENT/);
  });

  it('says how to set an identity when there is none', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.write('x', '2');
    await repo.write('../home/gitconfig', '[user]\n\tuseConfigOnly = true\n');
    await expect(open(repo).commit(['x'], 'second')).rejects.toMatchObject({
      code: 'GIT_FAILED',
      hint: expect.stringContaining('git config user.name') as string,
    });
  });
});

describe('conflictSides', () => {
  it('gives both sides of a path that two branches changed', async () => {
    const repo = await conflicted({ base: '1\n', ours: 'our é\n', theirs: 'their\n' });
    expect(await open(repo).conflictSides('x')).toEqual({ ours: 'our é\n', theirs: 'their\n' });
  });

  it('gives both sides of a path that two branches added', async () => {
    const repo = await conflicted({ ours: '2', theirs: '3' });
    expect(await open(repo).conflictSides('x')).toEqual({ ours: '2', theirs: '3' });
  });

  it('has no text for the side that removed the path', async () => {
    const repo = await conflicted({ base: '1', theirs: '3' });
    expect(await open(repo).conflictSides('x')).toEqual({ ours: undefined, theirs: '3' });
  });

  it('has neither for a path without a conflict, or that is unknown', async () => {
    const repo = await conflicted({ base: '1', ours: '2', theirs: '3' });
    const nothing = { ours: undefined, theirs: undefined };
    expect(await open(repo).conflictSides('other')).toEqual(nothing);
    expect(await open(repo).conflictSides('unknown')).toEqual(nothing);
    await expect(open(repo).conflictSides('-x')).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
  });
});
