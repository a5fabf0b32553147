import { expect, test } from 'vitest';
import { createGit } from '../../src/git/simple-git-adapter.ts';
import { tempGitRepo } from '../support/temp-repo.ts';

const ID = /^[0-9a-f]{40}$/;

test('staged changes are those of the index below the directory, not of the work tree', async () => {
  const repo = await tempGitRepo({
    files: { 'd/old.json': '1', 'd/gone.json': '2', 'd/same.json': '3', 'other/x.json': '4' },
  });
  await repo.write('d/old.json', '5');
  await repo.write('d/sub dir/ü\n.json', '6');
  await repo.write('other/x.json', '7');
  await repo.git('rm', '--quiet', '--cached', 'd/gone.json');
  await repo.git('add', '--all', '--', 'd/old.json', 'd/sub dir', 'other');
  await repo.write('d/same.json', 'only in the work tree');
  const git = createGit({ directory: repo.root, env: repo.env });
  const changes = await git.stagedChanges('d');
  expect(changes.map(({ path, change }) => [path, change])).toEqual([
    ['d/gone.json', 'deleted'],
    ['d/old.json', 'modified'],
    ['d/sub dir/ü\n.json', 'added'],
  ]);
  expect(changes.map(({ entry }) => entry?.id)).toEqual([
    undefined,
    expect.stringMatching(ID),
    expect.stringMatching(ID),
  ]);
  const read: string[] = [];
  await git.readBlobs(
    [changes[1]?.entry?.id ?? ''],
    (_id, bytes) => void read.push(Buffer.from(bytes).toString()),
  );
  expect(read).toEqual(['5']);
});

test('before the first commit everything is staged anew', async () => {
  const repo = await tempGitRepo();
  await repo.write('d/a.json', '1');
  await repo.git('add', '--all');
  const git = createGit({ directory: repo.root, env: repo.env });
  expect((await git.stagedChanges('d')).map(({ change }) => change)).toEqual(['added']);
  expect(await git.stagedChanges('nothing')).toEqual([]);
});

test('the index that Git names in a hook is the one that is compared', async () => {
  const repo = await tempGitRepo({ files: { 'd/a.json': '1' } });
  await repo.write('d/b.json', '2');
  const other = { ...repo.env, GIT_INDEX_FILE: `${repo.root}/.git/other-index` };
  await repo.git('read-tree', 'HEAD', `--index-output=.git/other-index`);
  await repo.git('add', 'd/b.json');
  const changes = (insideHook: boolean): Promise<unknown[]> =>
    createGit({ directory: repo.root, env: other, insideHook }).stagedChanges('d');
  expect(await changes(true)).toEqual([]);
  expect(await changes(false)).toHaveLength(1);
});

test('an unmerged path is told apart', async () => {
  const repo = await tempGitRepo({ files: { 'd/a.json': '1' } });
  await repo.git('checkout', '--quiet', '-b', 'side');
  await repo.write('d/a.json', '2');
  await repo.git('commit', '--quiet', '-am', 'two');
  await repo.git('checkout', '--quiet', 'main');
  await repo.write('d/a.json', '3');
  await repo.git('commit', '--quiet', '-am', 'three');
  await repo.git('merge', 'side').catch(() => undefined);
  const git = createGit({ directory: repo.root, env: repo.env });
  expect((await git.stagedChanges('d'))[0]).toMatchObject({ path: 'd/a.json', change: 'unmerged' });
});

test('a rebase that stopped is seen', async () => {
  const repo = await tempGitRepo({ files: { 'a.txt': '1' } });
  const git = createGit({ directory: repo.root, env: repo.env });
  expect(await git.isRebasing()).toBe(false);
  await repo.git('checkout', '--quiet', '-b', 'side');
  await repo.write('a.txt', '2');
  await repo.git('commit', '--quiet', '-am', 'two');
  await repo.git('checkout', '--quiet', 'main');
  await repo.write('a.txt', '3');
  await repo.git('commit', '--quiet', '-am', 'three');
  await repo.git('rebase', 'side').catch(() => undefined);
  expect(await git.isRebasing()).toBe(true);
  await repo.git('rebase', '--abort');
  expect(await git.isRebasing()).toBe(false);
});
