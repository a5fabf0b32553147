import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gitDone, hooked, withStore, type Hooked } from '../support/hooked-repo.ts';
import { asRegistry, cloneOf, registryRepo } from '../support/registry-repo.ts';
import { tempGitRepo } from '../support/temp-repo.ts';

describe('hooks install, status and uninstall', () => {
  test('say what is active, and by their exit code whether all are', async () => {
    const repo = await registryRepo();
    const before = await repo.run('hooks', 'status');
    expect(before.code).toBe(1);
    expect(before.stdout).toMatch(/pre-push +not installed/);
    expect(before.stderr).toContain('hint: mlops hooks install');
    const installed = await repo.run('hooks', 'install');
    expect(installed.code).toBe(0);
    expect(installed.stdout).toContain('pre-push: installed\n');
    const status = await repo.json<{ active: boolean; hooks: { state: string }[] }>('hooks', 'status');
    expect(status.active).toBe(true);
    expect(status.hooks.map(({ state }) => state)).toEqual(['active', 'active', 'active', 'active']);
    const gone = await repo.json<{ changes: unknown[] }>('hooks', 'uninstall');
    expect(gone.changes).toHaveLength(4);
    expect((await repo.run('hooks', 'status')).code).toBe(1);
  });

  test('print the lines for a tool that manages the hooks, and exit 1 until they are there', async () => {
    const repo = await registryRepo();
    await repo.git('config', 'core.hooksPath', '.husky/_');
    await repo.write('.husky/_/h', '');
    const { code, stdout } = await repo.run('hooks', 'install');
    expect(code).toBe(1);
    expect(stdout).toContain('add to .husky/pre-push:\n  mlops hooks run pre-push "$@"\n');
    for (const hook of ['pre-commit', 'pre-push', 'post-checkout', 'post-merge'])
      await repo.write(`.husky/${hook}`, `mlops hooks run ${hook} "$@"\n`);
    expect((await repo.run('hooks', 'install')).code).toBe(0);
  });

  test('warn of paths of this machine among the files of the repository, unless they are portable', async () => {
    const repo = await registryRepo();
    await repo.git('config', 'core.hooksPath', '.githooks');
    const { code, stderr } = await repo.run('hooks', 'install');
    expect(code).toBe(0);
    expect(stderr).toContain('to commit them, use --portable');
    expect((await repo.run('hooks', 'install', '--portable')).stderr).toBe('');
    expect(await repo.read('.githooks/pre-push')).not.toContain(process.execPath);
    expect((await repo.run('hooks', 'status')).code).toBe(0);
  });

  test('init --hooks writes them at once', async () => {
    const repo = asRegistry(await tempGitRepo());
    const { hooks } = await repo.json<{ hooks: { active: boolean } }>('init', '--hooks');
    expect(hooks.active).toBe(true);
    expect(readFileSync(join(repo.root, '.git/hooks/pre-commit'), 'utf8')).toContain('mlops-hook');
  });

  test('need a registry to install, and none to uninstall', async () => {
    const repo = asRegistry(await tempGitRepo());
    expect(await repo.failure('hooks', 'install')).toMatchObject({ code: 'NOT_A_REPOSITORY', exitCode: 2 });
    expect((await repo.run('hooks', 'uninstall')).code).toBe(0);
  });

  test('refuse a hook that there is not', async () => {
    const repo = await registryRepo();
    expect((await repo.failure('hooks', 'run', 'post-commit')).message).toContain('pre-commit, pre-push');
  });
});

describe('post-checkout and post-merge', () => {
  async function tracked(): Promise<Hooked> {
    const repo = await hooked();
    await repo.write('data/a b.csv', 'one\n');
    await repo.json('data', 'add', 'data/a b.csv');
    await repo.git('commit', '--quiet', '-m', 'one');
    await repo.git('checkout', '--quiet', '-b', 'side');
    await repo.write('data/a b.csv', 'two\n');
    await repo.json('data', 'add', 'data/a b.csv');
    await repo.git('commit', '--quiet', '-m', 'two');
    return repo;
  }

  test('restore the data of the commit, and say so in one line', async () => {
    const repo = await tracked();
    const back = await gitDone(repo, 'checkout', '--quiet', 'main');
    expect(back).toEqual({ code: 0, stdout: '', stderr: 'mlops: restored data/a b.csv\n' });
    expect(await repo.read('data/a b.csv')).toBe('one\n');
    const merged = await gitDone(repo, 'merge', '--quiet', 'side');
    expect(merged).toMatchObject({ code: 0, stderr: 'mlops: restored data/a b.csv\n' });
    expect(await repo.read('data/a b.csv')).toBe('two\n');
    expect(await gitDone(repo, 'checkout', '--quiet', '-b', 'same')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('never touch local changes nor fail the command', async () => {
    const repo = await tracked();
    await repo.write('data/a b.csv', 'mine, saved nowhere\n');
    const done = await gitDone(repo, 'checkout', '--quiet', 'main');
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/^warning: data\/a b\.csv was left as it is: /);
    expect(await repo.read('data/a b.csv')).toBe('mine, saved nowhere\n');
  });

  test('do nothing when files are checked out', async () => {
    const repo = await tracked();
    await repo.write('data/a b.csv', 'mine\n');
    expect(await gitDone(repo, 'checkout', '--quiet', '--', 'README.md')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('say what to pull, or fetch it when that is wanted and the remote is trusted', async () => {
    const repo = await tracked();
    await withStore(repo);
    await repo.git('push', '--quiet', 'origin', 'main', 'side');
    const clone = await cloneOf({ ...repo, root: repo.bare }, join(dirname(repo.root), 'clone'));
    await clone.json('hooks', 'install');
    const lacking = await gitDone(clone, 'checkout', '--quiet', 'side');
    expect(lacking).toMatchObject({ code: 0 });
    expect(lacking.stderr).toBe('warning: data/a b.csv not in this clone yet; to restore: mlops pull\n');
    await clone.json('config', 'set', 'hooks.fetch', 'true', '--local');
    await clone.json('remote', 'trust', 'store');
    const fetched = await gitDone(clone, 'checkout', '--quiet', '--detach', 'side');
    expect(fetched).toMatchObject({ code: 0, stderr: 'mlops: restored data/a b.csv\n' });
    expect(await clone.read('data/a b.csv')).toBe('two\n');
  });

  test('warn and let Git succeed when the registry can not be read', async () => {
    const repo = await tracked();
    await repo.write('.mlops/local.json', 'nonsense');
    const done = await gitDone(repo, 'checkout', '--quiet', 'main');
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/^warning: tracked data was not restored: \.mlops\/local\.json:1:1/);
  });

  test('wait until a rebase is over', async () => {
    const repo = await tracked();
    await repo.git('checkout', '--quiet', 'main');
    await repo.write('README.md', 'other\n');
    await repo.git('commit', '--quiet', '-am', 'other');
    await repo.git('checkout', '--quiet', 'side');
    const done = await gitDone(repo, 'rebase', '--quiet', 'main');
    expect(done).toMatchObject({ code: 0 });
    expect(done.stderr).not.toContain('restored');
    expect(await repo.read('data/a b.csv')).toBe('two\n');
    expect((await repo.run('status')).code).toBe(0);
  });
});
