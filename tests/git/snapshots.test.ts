import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Git } from '../../src/git/git.ts';
import { createGit } from '../../src/git/simple-git-adapter.ts';
import { openTempRepo, tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

const open = (repo: TempGitRepo, directory = repo.root): Git => createGit({ directory, env: repo.env });

/** The names of the references that lead to a commit, `kind name`, sorted. */
async function namesOf(repo: TempGitRepo, commit: string, reflogSince?: number): Promise<string[]> {
  const found = await open(repo).references(reflogSince === undefined ? {} : { reflogSince });
  return [
    ...new Set(found.filter((each) => each.commit === commit).map(({ kind, name }) => `${kind} ${name}`)),
  ].toSorted();
}

async function commitFile(repo: TempGitRepo, path: string, content: string): Promise<string> {
  await repo.write(path, content);
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '-m', path);
  return repo.git('rev-parse', 'HEAD');
}

async function blobs(git: Git, ids: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  await git.readBlobs(ids, (_id, bytes) => texts.push(Buffer.from(bytes).toString()));
  return texts;
}

describe('references', () => {
  it('knows of none before the first commit', async () => {
    const repo = await tempGitRepo();
    expect(await open(repo).references({ reflogSince: 0 })).toEqual([]);
  });

  it('names branches, remote branches, tags (also of tags and of trees) and other refs', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const first = await repo.git('rev-parse', 'HEAD');
    const tree = await repo.git('rev-parse', 'HEAD^{tree}');
    await repo.git('tag', 'light');
    await repo.git('tag', '-a', 'inner', '-m', 'x');
    await repo.git('tag', '-a', 'outer', '-m', 'x', 'inner');
    await repo.git('tag', 'tree', tree);
    await repo.git('tag', 'blob', 'HEAD:x');
    await repo.git('update-ref', 'refs/remotes/origin/feature/a', first);
    await repo.git('update-ref', 'refs/pull/1/head', first);
    await commitFile(repo, 'y', '2');
    expect(await namesOf(repo, first)).toEqual([
      'other refs/pull/1/head',
      'remote-branch origin/feature/a',
      'tag inner',
      'tag light',
      'tag outer',
    ]);
    expect(await namesOf(repo, tree)).toEqual(['tag tree']);
    const all = await open(repo).references();
    expect(all.map(({ name }) => name)).not.toContain('blob');
    expect(all).toContainEqual(expect.objectContaining({ kind: 'branch', name: 'main' }));
  });

  it('names each entry of the stash with its index and its untracked files', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    for (const content of ['2', '3']) {
      await repo.write('x', content);
      await repo.git('add', 'x');
      await repo.write(`new-${content}`, content);
      await repo.git('stash', '--quiet', '--include-untracked');
    }
    for (const at of [0, 1]) {
      for (const part of ['', '^2', '^3']) {
        const commit = await repo.git('rev-parse', `stash@{${at}}${part}`);
        expect(await namesOf(repo, commit)).toEqual([`stash stash@{${at}}`]);
      }
    }
  });

  it('names the detached HEAD of this and of another work tree, and of one in an odd place', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const other = join(repo.root, '..', 'other tree\u00e4');
    await repo.git('worktree', 'add', '--quiet', '--detach', other);
    const there = openTempRepo(other, repo.env);
    const commit = await commitFile(there, 'y', '2');
    expect(await namesOf(repo, commit)).toEqual([`worktree ${other}`]);
    await repo.git('checkout', '--quiet', '--detach');
    const here = await commitFile(repo, 'z', '3');
    expect(await namesOf(repo, here)).toEqual([`worktree ${repo.root}`, 'worktree HEAD'].toSorted());
    expect(await namesOf(there, here)).toEqual([`worktree ${repo.root}`]);
  });

  it('names what a merge in progress and the stashed changes of a rebase hold', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.git('checkout', '--quiet', '-b', 'side');
    const side = await commitFile(repo, 'x', 'side');
    await repo.git('checkout', '--quiet', 'main');
    await commitFile(repo, 'x', 'main');
    await repo.write('unrelated', '1');
    await repo.git('add', 'unrelated');
    await expect(repo.git('rebase', '--autostash', 'side')).rejects.toThrow(/Command failed/);
    const saved = (await repo.read('.git/rebase-merge/autostash')).trim();
    expect(await namesOf(repo, saved)).toEqual(['worktree rebase-merge/autostash']);
    await repo.git('rebase', '--abort');
    await repo.git('reset', '--quiet', '--hard');
    await expect(repo.git('merge', 'side')).rejects.toThrow(/Command failed/);
    await repo.git('branch', '-D', 'side');
    expect(await namesOf(repo, side)).toEqual(['worktree MERGE_HEAD']);
  });

  it('follows the reflog back to where a ref stood within the time', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const at = (seconds: number): TempGitRepo =>
      openTempRepo(repo.root, { ...repo.env, GIT_COMMITTER_DATE: `${1_700_000_000 + seconds} +0000` });
    const [old, lost] = [await commitFile(at(1_000), 'a', '1'), await commitFile(at(2_000), 'b', '1')];
    await at(3_000).git('reset', '--quiet', '--hard', 'HEAD~2');
    await at(4_000).git('reset', '--quiet', '--hard', 'HEAD');
    expect(await namesOf(repo, lost)).toEqual([]);
    // Until the second 3000 the branch stood at the lost commit, so that is when it was lost.
    expect(await namesOf(repo, lost, 1_700_002_500_000)).toEqual(['reflog HEAD', 'reflog main']);
    expect(await namesOf(repo, old, 1_700_002_500_000)).toEqual([]);
    expect(await namesOf(repo, old, 1_700_001_500_000)).toEqual(['reflog HEAD', 'reflog main']);
    expect(await namesOf(repo, lost, 1_700_004_500_000)).toEqual([]);
  });

  it('is not confused by settings of log', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.write('x', '2');
    await repo.git('stash', '--quiet');
    await repo.git('config', 'log.showSignature', 'true');
    await repo.git('config', 'log.decorate', 'full');
    await repo.git('config', 'color.ui', 'always');
    await repo.git('config', 'format.pretty', 'oneline');
    const commit = await repo.git('rev-parse', 'stash@{0}');
    expect(await namesOf(repo, commit, 0)).toEqual(['reflog refs/stash', 'stash stash@{0}']);
  });
});

describe('trees, index and blobs', () => {
  it('lists a directory of a commit with modes, links included, from anywhere', async () => {
    const repo = await tempGitRepo({
      files: { '.mlops/a.json': '1', '.mlops/models/m n/\u00fc.json': '2', x: '3' },
    });
    await symlink('a.json', join(repo.root, '.mlops/link'));
    await chmod(join(repo.root, '.mlops/a.json'), 0o755);
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '-m', 'more');
    const head = await repo.git('rev-parse', 'HEAD');
    const listed = await open(repo, join(repo.root, '.mlops')).listTree(head, '.mlops');
    expect(listed.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
      '100755 .mlops/a.json',
      '120000 .mlops/link',
      '100644 .mlops/models/m n/\u00fc.json',
    ]);
    expect(await blobs(open(repo), [listed[2]?.id ?? '', listed[0]?.id ?? ''])).toEqual(['2', '1']);
    expect(await open(repo).listTree(head, 'nowhere')).toEqual([]);
  });

  it('gives the tree of a directory in many commits at once, and the entries of trees', async () => {
    const repo = await tempGitRepo({ files: { '.mlops/a.json': '1' } });
    const first = await repo.git('rev-parse', 'HEAD');
    const second = await commitFile(repo, '.mlops/b/c.json', '2');
    await repo.git('rm', '--quiet', '-r', '.mlops');
    await repo.git('commit', '--quiet', '-m', 'none');
    const none = await repo.git('rev-parse', 'HEAD');
    const git = open(repo);
    const trees = await git.directoriesAt([first, second, none, first], '.mlops');
    expect([...trees.keys()]).toEqual([first, second]);
    const id = trees.get(second) ?? '';
    const entries = (await git.readTrees([id, id])).get(id) ?? [];
    expect(entries.map(({ path, mode }) => `${mode} ${path}`)).toEqual(['100644 a.json', '040000 b']);
  });

  it('refuses a commit whose directory is a link', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await symlink('elsewhere', join(repo.root, '.mlops'));
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '-m', 'link');
    const head = await repo.git('rev-parse', 'HEAD');
    await expect(open(repo).directoriesAt([head], '.mlops')).rejects.toMatchObject({
      code: 'UNSAFE_PATH',
      exitCode: 4,
    });
  });

  it('lists what is staged, and each side of a conflict', async () => {
    const repo = await tempGitRepo({ files: { '.mlops/s.json': '1' } });
    await repo.git('checkout', '--quiet', '-b', 'side');
    await commitFile(repo, '.mlops/s.json', 'side');
    await repo.git('checkout', '--quiet', 'main');
    await commitFile(repo, '.mlops/s.json', 'main');
    await expect(repo.git('merge', 'side')).rejects.toThrow(/Command failed/);
    await mkdir(join(repo.root, '.mlops/models'));
    await writeFile(join(repo.root, '.mlops/models/staged'), 'staged');
    await repo.git('add', '.mlops/models/staged');
    const entries = await open(repo).listIndex('.mlops');
    const texts = await blobs(
      open(repo),
      entries.map(({ id }) => id),
    );
    expect(texts.toSorted()).toEqual(['1', 'main', 'side', 'staged']);
  });

  it('reads thousands of blobs, empty and large ones, byte for byte', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024);
    const files = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`d/${at}`, `${at}\n`]));
    const repo = await tempGitRepo({ files: { ...files, 'd/empty': '', 'd/large': large } });
    const head = await repo.git('rev-parse', 'HEAD');
    const entries = await open(repo).listTree(head, 'd');
    const expected = entries.map(({ path }) =>
      path === 'd/empty' ? '' : path === 'd/large' ? large : `${path.slice(2)}\n`,
    );
    expect(
      await blobs(
        open(repo),
        entries.map(({ id }) => id),
      ),
    ).toEqual(expected);
  });

  it('says which object is missing, of another type, or no object at all; what the visitor throws is thrown', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const git = open(repo);
    const missing = 'ab'.repeat(20);
    await expect(blobs(git, [missing])).rejects.toMatchObject({ code: 'GIT_OBJECT_MISSING', exitCode: 3 });
    await expect(git.readTrees([missing])).rejects.toMatchObject({ code: 'GIT_OBJECT_MISSING' });
    await expect(blobs(git, [await repo.git('rev-parse', 'HEAD')])).rejects.toMatchObject({
      code: 'GIT_FAILED',
    });
    await expect(blobs(git, ['--textconv'])).rejects.toMatchObject({ code: 'GIT_FAILED' });
    const id = await repo.git('rev-parse', 'HEAD:x');
    const refuse = (): void => {
      throw new RangeError('enough');
    };
    await expect(git.readBlobs([id, id], refuse)).rejects.toThrow('enough');
  });

  it('does not take a ref to a commit that is gone for no ref', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    await repo.write('.git/refs/heads/broken', `${'ab'.repeat(20)}\n`);
    await expect(open(repo).references()).rejects.toMatchObject({ name: expect.stringContaining('Error') });
  });
});

describe('newCommits', () => {
  it('are those that neither the known ids nor the remote-tracking branches lead to', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const first = await repo.git('rev-parse', 'HEAD');
    const second = await commitFile(repo, 'y', '2');
    const third = await commitFile(repo, 'z', '3');
    const git = open(repo);
    expect(await git.newCommits([third], {})).toEqual([third, second, first]);
    expect(await git.newCommits([third], { known: [first, 'ab'.repeat(20)] })).toEqual([third, second]);
    await repo.git('update-ref', 'refs/remotes/origin/main', second);
    await repo.git('update-ref', 'refs/remotes/origin2/main', third);
    expect(await git.newCommits([third], { remote: 'origin' })).toEqual([third]);
    expect(await git.newCommits([second], { remote: 'origin' })).toEqual([]);
    expect(await git.newCommits([third], { remote: 'orig*' })).toEqual([third, second, first]);
    expect(await git.newCommits([], {})).toEqual([]);
  });
});

describe('partiallyFetched', () => {
  it('names the remotes of which not every branch is fetched', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    expect(await open(repo).partiallyFetched()).toEqual([]);
    await repo.git('remote', 'add', 'origin', 'https://example.org/a.git');
    await repo.git('remote', 'add', '-t', 'main', 'some.thing', 'https://example.org/b.git');
    await repo.git('config', 'remote.none.url', 'https://example.org/c.git');
    expect(await open(repo).partiallyFetched()).toEqual(['some.thing', 'none']);
    await repo.git('remote', 'set-branches', 'some.thing', '*');
    expect(await open(repo).partiallyFetched()).toEqual(['none']);
  });

  it('knows a single-branch and a shallow clone', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    for (const how of ['--single-branch', '--depth=1']) {
      const path = join(repo.root, '..', `clone${how}`);
      await repo.git('clone', '--quiet', how, `file://${repo.root}`, path);
      expect(await open(openTempRepo(path, repo.env)).partiallyFetched()).toEqual(['origin']);
    }
  });
});
