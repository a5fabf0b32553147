import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gitDone, gitWith, hooked, saved, withStore, type Hooked } from '../support/hooked-repo.ts';
import { cloneOf } from '../support/registry-repo.ts';
import { shellWords } from '../support/shell-words.ts';

/** Paths of the objects of a kind on the remote. */
function stored(repo: Hooked, kind: 'layouts' | 'manifests' | 'packs'): string[] {
  const directory = join(repo.store, kind);
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 60);
}

describe('pre-push', () => {
  test('pushes what the commits need before Git sends them, and only then', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', '--quiet', 'origin', 'main');
    expect(done).toMatchObject({ code: 0, stdout: '' });
    expect(done.stderr).toMatch(/^mlops: pushed 3 objects \(\S+ \w+\) to \S/);
    expect(stored(repo, 'layouts')).toHaveLength(1);
    const clone = await cloneOf({ ...repo, root: repo.bare }, join(dirname(repo.root), 'clone'));
    await clone.json('pull');
    await clone.json('load', 'fraud@v1', '-o', 'out.bin');
    expect(await clone.read('out.bin')).toBe('bytes of fraud v1');
  });

  test('does not touch the remote when the commits need nothing new', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    await repo.git('push', '--quiet', 'origin', 'main');
    await rm(repo.store, { recursive: true });
    await repo.write('code.py', 'print(2)\n');
    await repo.git('add', 'code.py');
    await repo.git('commit', '--quiet', '-m', 'code');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    await repo.json('promote', 'fraud@v1', '--to', 'staging', '--commit');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(existsSync(repo.store)).toBe(false);
  });

  test('refuses the push when the objects can not be pushed, and nothing reaches Git', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main');
    await saved(repo, 'fraud', 'v1');
    await rm(repo.store, { recursive: true });
    await writeFile(repo.store, 'no directory');
    const before = await repo.git('ls-remote', 'origin');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('error: ');
    expect(await repo.git('ls-remote', 'origin')).toBe(before);
    expect((await gitDone(repo, 'push', '--quiet', '--no-verify', 'origin', 'main')).code).toBe(0);
  });

  test('refuses what is neither here nor there, naming it, and takes what another clone brought', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    await rename(join(repo.root, '.mlops/cache'), join(repo.root, '.mlops/tmp/away'));
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('the bytes of fraud@v1, neither complete in this clone nor on');
    await rename(join(repo.root, '.mlops/tmp/away'), join(repo.root, '.mlops/cache'));
    await repo.json('push', '--all');
    await rm(join(repo.root, '.mlops/cache'), { recursive: true });
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
  });

  test('without a remote for objects passes what needs none and refuses the rest, with the way out', async () => {
    const repo = await hooked();
    await repo.git('commit', '--quiet', '--allow-empty', '-m', 'x');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain(
      'error: the pushed commits need the bytes of fraud@v1, and no remote is configured',
    );
    expect(done.stderr).toContain('mlops remote add');
    expect(
      (await gitWith(repo, { ...repo.env, MLOPS_PRE_PUSH: 'off' }, 'push', '--quiet', 'origin', 'main')).code,
    ).toBe(0);
  });

  test('pushes nothing to a remote that only the committed configuration names', async () => {
    const repo = await hooked();
    await mkdir(repo.store);
    await repo.json('remote', 'add', 'theirs', repo.store);
    await rm(join(repo.root, '.mlops/local.json'));
    const untouched = readdirSync(repo.store);
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('mlops remote trust theirs');
    expect(readdirSync(repo.store)).toEqual(untouched);
    await repo.json('remote', 'trust', 'theirs');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(stored(repo, 'layouts')).toHaveLength(1);
  });

  test('refuses commits whose clones would have no registry, until format.json is committed', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('rm', '--quiet', '--cached', '.mlops/format.json');
    await repo.git('commit', '--quiet', '--no-verify', '-m', 'Forget the format');
    await repo.save('fraud', 'v1');
    await repo.git('commit', '--quiet', '--no-verify', '-m', 'Save', '--', '.mlops/models');
    const refused = await gitDone(repo, 'push', 'origin', 'main');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('not .mlops/format.json, so its clones would have no registry');
    expect(stored(repo, 'layouts')).toEqual([]);
    const hint = /push again: (git add .*?);/.exec(refused.stderr)?.[1] ?? '';
    const commands = shellWords(hint);
    expect(commands).toHaveLength(2);
    for (const [, ...args] of commands) await repo.git(...args);
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(stored(repo, 'layouts')).toHaveLength(1);
  });

  test('only asks the remote when it is told so', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.json('config', 'set', 'hooks.prePush', 'check', '--local');
    await saved(repo, 'fraud', 'v1');
    const done = await gitDone(repo, 'push', 'origin', 'main');
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('error: the pushed commits need the bytes of fraud@v1, not complete on');
    expect(stored(repo, 'packs')).toEqual([]);
    await repo.json('push', '--all');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('takes new branches, tags, forced pushes, deleted refs and several at once', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('checkout', '--quiet', '-b', 'one');
    await saved(repo, 'one', 'v1');
    await repo.git('tag', '-a', '-m', 'tagged', 'v1');
    await repo.git('checkout', '--quiet', '-b', 'two', 'main');
    await saved(repo, 'two', 'v1');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'v1')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(1);
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'one', 'two')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(2);
    await repo.git('reset', '--quiet', '--hard', 'main');
    await saved(repo, 'three', 'v1');
    expect((await gitDone(repo, 'push', '--quiet', '--force', 'origin', 'two')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(3);
    expect(await gitDone(repo, 'push', '--quiet', 'origin', '--delete', 'two', 'v1')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('compares with what it knows when the remote is somewhere it has never seen', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main');
    const other = await cloneOf({ ...repo, root: repo.bare }, join(dirname(repo.root), 'other'));
    await other.git('commit', '--quiet', '--allow-empty', '-m', 'theirs');
    await other.git('push', '--quiet', 'origin', 'main');
    await saved(repo, 'fraud', 'v1');
    // Git itself refuses after the hook; what was pushed does no harm.
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).stderr).toContain('rejected');
    const forced = await gitDone(repo, 'push', '--quiet', '--force', 'origin', 'main');
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    expect(stored(repo, 'layouts')).toHaveLength(1);
    // By its URL the remote has no branches here, so everything is new to it, and on the other remote already.
    expect(await gitDone(repo, 'push', '--quiet', repo.bare, 'main:copy')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('pushes what a branch needs that is not checked out, unless nothing says where to', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('checkout', '--quiet', '-b', 'side');
    await saved(repo, 'fraud', 'v1');
    await repo.git('checkout', '--quiet', 'main');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'side')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(1);

    await repo.git('checkout', '--quiet', 'side');
    await saved(repo, 'fraud', 'v2');
    await repo.git('checkout', '--quiet', '--orphan', 'empty');
    await repo.git('rm', '--quiet', '-r', '--force', '.');
    const refused = await gitDone(repo, 'push', 'origin', 'side');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(
      'the pushed commits need the bytes of fraud@v2, and what is checked out has no .mlops',
    );
  });

  test('pushes what commits in between need, and does not mind when it is gone', async () => {
    const repo = await hooked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main');
    for (const text of ['1', '2', '3']) {
      await repo.write('data.csv', text);
      await repo.json('data', 'add', 'data.csv');
      await repo.git('commit', '--quiet', '-am', text);
    }
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(stored(repo, 'manifests')).toHaveLength(3);
  });

  test('does not ask for versions that were deleted', async () => {
    const repo = await hooked();
    await saved(repo, 'fraud', 'v1');
    await repo.json('delete', 'fraud@v1', '--reason', 'a mistake', '--commit');
    expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('hears from the environment what the tool pre-commit does not say on stdin', async () => {
    const repo = await hooked();
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    const said = {
      PRE_COMMIT: '1',
      PRE_COMMIT_REMOTE_NAME: 'origin',
      PRE_COMMIT_LOCAL_BRANCH: 'refs/heads/main',
    };
    const run = (env: Record<string, string>): Promise<{ code: number; stderr: string }> =>
      repo.runWith({ env: { ...said, ...env }, input: '' }, 'hooks', 'run', 'pre-push');
    const tip = await repo.git('rev-parse', 'HEAD');
    expect((await run({ PRE_COMMIT_TO_REF: tip, PRE_COMMIT_FROM_REF: `${tip}~1` })).stderr).toContain(
      'pushed 3 objects',
    );
    await saved(repo, 'fraud', 'v2');
    expect((await run({})).stderr).toContain('pushed');
    expect(stored(repo, 'layouts')).toHaveLength(2);
  });

  test('refuses input that Git does not give', async () => {
    const repo = await hooked();
    const { code, stderr } = await repo.runWith(
      { input: 'what is this\n' },
      'hooks',
      'run',
      'pre-push',
      'origin',
      'x',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('is no line of a pre-push hook');
  });

  test('leaves the input to a hook that was there before as well', async () => {
    const repo = await hooked();
    await repo.json('hooks', 'uninstall');
    const file = join(repo.root, '.git/hooks/pre-push');
    await writeFile(file, '#!/bin/sh\ncat > .git/seen\n');
    await chmod(file, 0o755);
    await repo.json('hooks', 'install');
    await withStore(repo);
    await saved(repo, 'fraud', 'v1');
    expect((await gitDone(repo, 'push', '--quiet', 'origin', 'main')).code).toBe(0);
    expect(await repo.read('.git/seen')).toMatch(
      /^refs\/heads\/main [0-9a-f]{40} refs\/heads\/main [0-9a-f]{40}\n$/,
    );
    expect(stored(repo, 'layouts')).toHaveLength(1);
  });
});
