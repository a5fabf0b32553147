import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { tempDirectory } from '../support/temp-repo.ts';

interface RemoteStatus {
  clean: boolean;
  remote: { name: string; checked: number; missing: { names: string[]; state: string }[] } | null;
}

/** Tracked data and a version, and a remote that is an empty directory. */
async function withRemote(): Promise<{
  repo: RegistryRepo;
  remote: string;
  clone: () => Promise<RegistryRepo>;
}> {
  const repo = await registryRepo();
  const remote = await tempDirectory();
  await repo.json('remote', 'add', 'origin', remote, '--default');
  await repo.git('add', '.mlops');
  await repo.git('commit', '--quiet', '-m', 'Name the remote');
  await repo.write('data/train.csv', 'first\n');
  await repo.write('data/images/a.png', 'a');
  await repo.write('data/images/b.png', 'b');
  await repo.json('data', 'add', 'data/train.csv', 'data/images', '--commit');
  return { repo, remote, clone: async () => cloneOf(repo, join(await tempDirectory(), 'clone')) };
}

async function statusOf(repo: RegistryRepo): Promise<RemoteStatus & { code: number }> {
  const { code, stdout, stderr } = await repo.run('status', '--remote', '--json');
  if (stdout === '') throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as { data: RemoteStatus }).data };
}

test('status --remote asks the remote for every version and all tracked data', async () => {
  const { repo, remote } = await withRemote();
  await repo.save('fraud', 'v1', '--commit');
  const before = await statusOf(repo);
  expect([before.code, before.clean, before.remote?.checked]).toEqual([1, false, 3]);
  expect(before.remote?.missing.flatMap(({ names }) => names).toSorted()).toEqual([
    'data/images',
    'data/train.csv',
    'fraud@v1',
  ]);
  const { stdout, stderr } = await repo.run('status', '--remote');
  expect(stdout).toMatch(/NOT ON THE REMOTE +STATE +SIZE\n/);
  expect(stdout).toContain('lacks 3 of 3 artifacts\n');
  expect(stderr).toContain('mlops push');

  await repo.json('push', '--all', '--yes');
  expect(await statusOf(repo)).toMatchObject({
    code: 0,
    clean: true,
    remote: { name: 'origin', missing: [] },
  });

  // Nothing on this machine is taken as proof of what is there.
  await rm(join(remote, 'packs'), { recursive: true });
  const after = await statusOf(repo);
  expect([after.code, new Set(after.remote?.missing.map(({ state }) => state))]).toEqual([
    1,
    new Set(['incomplete']),
  ]);
});

test('checkout fetches what this clone does not have, and --cached does not', async () => {
  const { repo, clone } = await withRemote();
  await repo.json('push', '--all', '--yes');
  const other = await clone();
  expect(await other.failure('checkout', '--cached')).toMatchObject({ code: 'OBJECT_MISSING', exitCode: 3 });
  await expect(readdir(join(other.root, 'data/images'))).rejects.toThrow(/ENOENT/);
  const { paths } = await other.json<{ paths: { path: string; outcome: string }[] }>('checkout');
  expect(paths.map(({ path, outcome }) => [path, outcome])).toEqual([
    ['data/images', 'restored'],
    ['data/train.csv', 'restored'],
  ]);
  expect(await other.read('data/train.csv')).toBe('first\n');
  expect((await other.run('status')).code).toBe(0);
  expect(await other.git('status', '--porcelain')).toBe('');
});

test('checkout restores what the remote has, and names what it lacks', async () => {
  const { repo, clone } = await withRemote();
  await repo.json('push', 'data/train.csv', '--yes');
  const other = await clone();
  const error = await other.failure('checkout');
  expect([error.code, error.exitCode]).toEqual(['REMOTE_OBJECT_MISSING', 3]);
  expect(error.message).toContain('data/images');
  expect(await other.read('data/train.csv')).toBe('first\n');
});

test('checkout of bytes that nobody pushed says who can bring them', async () => {
  const { repo, clone } = await withRemote();
  const other = await clone();
  for (const words of [['checkout'], ['checkout', '--cached']]) {
    const error = await other.failure(...words);
    expect(error).toMatchObject({ exitCode: 3 });
    expect(error.hint).toBe('run `mlops pull`, or ask whoever saved it to `mlops push` and run it then');
  }
  await repo.json('push', '--all', '--yes');
  await other.json('pull');
  expect(await other.read('data/train.csv')).toBe('first\n');
});
