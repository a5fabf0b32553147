import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Git } from '../../src/git/git.ts';
import { createGit } from '../../src/git/simple-git-adapter.ts';
import { openTempRepo, tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

const open = (repo: TempGitRepo): Git => createGit({ directory: repo.root, env: repo.env });

async function commitFile(repo: TempGitRepo, path: string, content: string): Promise<string> {
  await repo.write(path, content);
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '-m', path);
  return repo.git('rev-parse', 'HEAD');
}

describe('advertised', () => {
  it('lists branches and tags that the remote has now, and tells those whose commits are not here', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const first = await repo.git('rev-parse', 'HEAD');
    const path = join(repo.root, '..', 'clone');
    await repo.git('clone', '--quiet', repo.root, path);
    const clone = openTempRepo(path, repo.env);
    await repo.git('tag', '-a', '-m', 'one', 'v1');
    await repo.git('tag', 'of-a-blob', await repo.git('rev-parse', 'HEAD:x'));
    await repo.git('branch', 'feature');
    await repo.git('update-ref', 'refs/other/x', first);
    expect(await open(clone).remotes()).toEqual(['origin']);
    // The tag itself was never fetched, what it names was.
    expect(await open(clone).advertised('origin')).toEqual({
      known: [
        { kind: 'remote-branch', name: 'origin/feature', commit: first },
        { kind: 'remote-branch', name: 'origin/main', commit: first },
        { kind: 'tag', name: 'v1', commit: first },
      ],
      unknown: [],
    });
    await commitFile(repo, 'y', '2');
    await repo.git('tag', '-a', '-m', 'two', 'v2');
    expect((await open(clone).advertised('origin')).unknown).toEqual(['main', 'v2']);
    await clone.git('fetch', '--quiet', '--all', '--tags');
    expect((await open(clone).advertised('origin')).unknown).toEqual([]);
  });

  it('fails where the remote can not be reached or has no address, and starts no program that its address names', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const git = open(repo);
    expect(await git.remotes()).toEqual([]);
    await repo.git('remote', 'add', 'gone', join(repo.root, '..', 'gone'));
    await repo.git('config', 'remote.none.fetch', '+refs/heads/*:refs/remotes/none/*');
    await repo.git('config', 'protocol.ext.allow', 'always');
    await repo.git('remote', 'add', 'program', `ext::touch ${join(repo.root, 'started')}`);
    expect(await git.remotes()).toEqual(['gone', 'none', 'program']);
    for (const name of ['gone', 'none', 'program', '--upload-pack=touch started']) {
      await expect(git.advertised(name)).rejects.toMatchObject({ code: 'GIT_REMOTE_FAILED', exitCode: 7 });
    }
    expect(await repo.git('status', '--porcelain')).toBe('');
  });

  it('of an empty remote is nothing', async () => {
    const repo = await tempGitRepo({ files: { x: '1' } });
    const hub = join(repo.root, '..', 'hub.git');
    await repo.git('init', '--quiet', '--bare', hub);
    await repo.git('remote', 'add', 'origin', hub);
    expect(await open(repo).advertised('origin')).toEqual({ known: [], unknown: [] });
  });
});

describe('filesEver', () => {
  it('finds what was removed, undone, stashed or lost in a merge, below the directory only', async () => {
    const repo = await tempGitRepo();
    const git = open(repo);
    expect(await git.filesEver('.mlops')).toEqual([]);
    await commitFile(repo, '.mlops/events/removed', '1');
    await repo.git('rm', '--quiet', '.mlops/events/removed');
    await commitFile(repo, 'src/.mlops/elsewhere', '2');
    await repo.git('switch', '--quiet', '-c', 'side');
    await commitFile(repo, '.mlops/side', '3');
    await repo.git('switch', '--quiet', 'main');
    await commitFile(repo, '.mlops/here', '4');
    await repo.git('merge', '--quiet', '--strategy=ours', '-m', 'merge', 'side');
    await repo.git('branch', '-D', 'side');
    await commitFile(repo, '.mlops/undone', '5');
    await repo.git('reset', '--quiet', '--hard', 'HEAD~1');
    for (const stashed of ['6', '7']) {
      await repo.write('.mlops/stashed', stashed);
      await repo.git('add', '--all');
      await repo.git('stash', '--quiet');
    }
    const found = await git.filesEver('.mlops');
    const texts: string[] = [];
    await git.readBlobs(
      found.map(({ id }) => id),
      (id, bytes) => {
        const path = found.find((each) => each.id === id)?.path ?? '';
        texts.push(`${path} ${Buffer.from(bytes).toString()}`);
      },
    );
    expect(texts.toSorted()).toEqual([
      '.mlops/events/removed 1',
      '.mlops/here 4',
      '.mlops/side 3',
      '.mlops/stashed 6',
      '.mlops/stashed 7',
      '.mlops/undone 5',
    ]);
  });
});
