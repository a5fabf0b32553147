import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asRegistry, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { openTempRepo } from '../support/temp-repo.ts';

const DAY_SECONDS = 86_400;

interface RemoteGc {
  layouts: unknown[];
  sparse: { name: string; size: number; neededBytes: number }[];
  removed: { layouts: number; manifests: number; packs: number; repacked: number } | null;
  foreign: string[];
}

const gc = (repo: RegistryRepo, ...options: string[]): Promise<RemoteGc> =>
  repo.json<RemoteGc>('gc', '--remote', ...options);

async function commitAll(repo: RegistryRepo, message: string): Promise<void> {
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '--allow-empty', '-m', message);
}

/** Below the new directory, the objects of a remote that was not asked of mlops. */
async function objectsIn(bucket: string): Promise<string[]> {
  const names = await readdir(bucket, { recursive: true });
  return names.filter((name) => /[0-9a-f]{64}/.test(name)).toSorted();
}

async function makeOld(bucket: string): Promise<void> {
  const then = Date.now() / 1000 - 40 * DAY_SECONDS;
  for (const name of await objectsIn(bucket)) await utimes(join(bucket, name), then, then);
}

async function bucketBeside(repo: RegistryRepo): Promise<string> {
  const bucket = join(repo.root, '..', 'bucket');
  await mkdir(bucket);
  return bucket;
}

/** Two clones of one Git repository that share a directory for objects; the first knows what is in Git now. */
async function twoClones(): Promise<{ a: RegistryRepo; b: RegistryRepo; bucket: string; hub: string }> {
  const a = await registryRepo();
  const bucket = await bucketBeside(a);
  const hub = join(a.root, '..', 'hub.git');
  await a.git('clone', '--quiet', '--bare', a.root, hub);
  await a.git('remote', 'add', 'origin', hub);
  await a.git('fetch', '--quiet', 'origin');
  const path = join(a.root, '..', 'b');
  await a.git('clone', '--quiet', hub, path);
  const b = asRegistry(openTempRepo(path, a.env));
  for (const repo of [a, b]) await repo.json('remote', 'add', 'share', bucket, '--local');
  return { a, b, bucket, hub };
}

/** The bytes of a path come back from the remote alone. */
async function expectFetchable(repo: RegistryRepo, from: string, text: string): Promise<void> {
  const path = join(repo.root, '..', 'fresh');
  await repo.git('clone', '--quiet', from, path);
  const fresh = asRegistry(openTempRepo(path, repo.env));
  await fresh.json('remote', 'add', 'share', join(repo.root, '..', 'bucket'), '--local');
  await fresh.json('pull');
  expect(await fresh.read('data/new.csv')).toBe(text);
}

describe('gc of a remote with real Git', () => {
  it('is refused in a clone that lacks what another one pushed to Git, until it has fetched that', async () => {
    const { a, b, bucket, hub } = await twoClones();
    await a.save('fraud', 'v1');
    await a.json('push');
    await a.json('delete', 'fraud@v1', '--reason', 'wrong');
    await b.write('data/new.csv', 'bytes of b\n');
    await b.json('data', 'add', 'data/new.csv');
    await commitAll(b, 'data of b');
    await b.git('push', '--quiet', 'origin', 'HEAD:main', 'HEAD:refs/heads/feature');
    await b.json('push');
    await makeOld(bucket);
    const before = await objectsIn(bucket);
    const refused = await a.failure('gc', '--remote', '--yes', '--sole-clone');
    expect(refused).toMatchObject({ code: 'REFS_NOT_FETCHED', exitCode: 5, retryable: false });
    expect(refused.message).toContain('feature, main');
    expect(refused.hint).toContain('git fetch --all --prune --tags');
    const dry = await a.run('gc', '--remote');
    expect(dry.stderr).toContain('with --yes it would stop: the Git remote origin has what');
    expect(await objectsIn(bucket)).toEqual(before);
    await a.git('fetch', '--quiet', '--all', '--prune', '--tags');
    expect((await gc(a, '--yes')).removed).toMatchObject({ layouts: 1, manifests: 1, packs: 1 });
    await expectFetchable(b, hub, 'bytes of b\n');
  });

  it('keeps what only a branch needs whose commit is here under no ref', async () => {
    const { a, bucket, hub } = await twoClones();
    await a.git('switch', '--quiet', '-c', 'feature');
    await a.write('data/new.csv', 'of a branch\n');
    await a.json('data', 'add', 'data/new.csv');
    await commitAll(a, 'data');
    await a.json('push');
    await a.git('push', '--quiet', 'origin', 'feature');
    await a.git('switch', '--quiet', 'main');
    // Another `git fetch` would bring the branch back.
    await a.git('branch', '--quiet', '-D', 'feature');
    await a.git('update-ref', '-d', 'refs/remotes/origin/feature');
    await makeOld(bucket);
    await a.git('reflog', 'expire', '--expire=now', '--all');
    const kept = await objectsIn(bucket);
    expect((await gc(a, '--yes')).removed).toMatchObject({ layouts: 0, manifests: 0, packs: 0 });
    expect(await objectsIn(bucket)).toEqual(kept);
    const path = join(a.root, '..', 'at-feature');
    await a.git('clone', '--quiet', '--branch', 'feature', hub, path);
    const there = asRegistry(openTempRepo(path, a.env));
    await there.json('remote', 'add', 'share', bucket, '--local');
    await there.json('pull');
    expect(await there.read('data/new.csv')).toBe('of a branch\n');
  });

  it('rewrites a pack of which little is needed; a fresh clone gets every byte of what stays', async () => {
    const { a, b, bucket, hub } = await twoClones();
    const little = 'little, and needed\n'.repeat(30);
    await a.write('data/new.csv', little);
    await a.write('data/large.csv', randomBytes(30_000).toString('base64'));
    await a.json('data', 'add', 'data');
    await commitAll(a, 'both');
    await a.json('push');
    await rm(join(a.root, 'data/large.csv'));
    await a.json('data', 'add', 'data');
    await commitAll(a, 'the little one');
    await a.git('reflog', 'expire', '--expire=now', '--all');
    await a.json('push');
    await a.git('push', '--quiet', 'origin', 'HEAD:main');
    await b.git('pull', '--quiet', 'origin', 'main');
    // Another clone knows the layout that will be replaced.
    await b.json('fetch', '--dry-run');
    await makeOld(bucket);
    const dry = await gc(a);
    expect([dry.sparse.length, dry.removed]).toEqual([1, null]);
    const text = await a.run('gc', '--remote');
    expect(text.stdout).toMatch(/^Would remove .* and rewrite 1 pack: /m);
    const done = await a.run('gc', '--remote', '--yes');
    expect(done.stdout).toMatch(/^Removed .* and rewrote 1 pack: /m);
    expect(await objectsIn(bucket)).not.toContainEqual(expect.stringContaining(dry.sparse[0]?.name ?? ''));
    expect((await gc(a)).sparse).toEqual([]);
    await expectFetchable(b, hub, little);
    await b.json('pull');
    expect(await b.read('data/new.csv')).toBe(little);
    expect((await b.run('verify', '--remote')).code).toBe(0);
  });

  it('is refused when a Git remote can not be asked, without the secret in its address', async () => {
    const { a, bucket } = await twoClones();
    await a.save('fraud', 'v1');
    await a.json('push');
    await a.json('delete', 'fraud@v1', '--reason', 'wrong');
    await makeOld(bucket);
    const before = await objectsIn(bucket);
    await a.git('remote', 'add', 'gone', 'http://ann:hunter2@127.0.0.1:1/gone.git');
    const refused = await a.failure('gc', '--remote', '--yes');
    expect(refused).toMatchObject({ code: 'GIT_REMOTE_FAILED', exitCode: 7 });
    expect(refused.message).toMatch(/the Git remote gone could not be asked: git ls-remote failed: /);
    expect(refused.message).not.toContain('hunter2');
    expect(await objectsIn(bucket)).toEqual(before);
  });

  it('of a directory that two repositories share leaves each the objects of the other', async () => {
    const [first, second] = [await registryRepo(), await registryRepo()];
    const bucket = await bucketBeside(first);
    for (const [repo, name] of [
      [first, 'fraud'],
      [second, 'churn'],
    ] as const) {
      await repo.json('remote', 'add', 'share', bucket, '--local');
      for (const label of ['v1', 'v2']) await repo.save(name, label);
      await commitAll(repo, 'two versions');
      await repo.json('push', '--all');
      await repo.json('delete', `${name}@v2`, '--reason', 'wrong');
      await commitAll(repo, 'one version');
      // What the history alone knows: nothing of it is in the reflog of a clone any more.
      await repo.git('reflog', 'expire', '--expire=now', '--all');
    }
    await makeOld(bucket);
    const dry = await first.run('gc', '--remote', '--sole-clone');
    expect(dry.stdout).toContain('2 artifacts only because this repository never saved or tracked them');
    for (const [repo, foreign] of [
      [first, 2],
      [second, 1],
    ] as const) {
      const { removed, foreign: kept } = await gc(repo, '--yes', '--sole-clone');
      expect([removed, kept.length]).toMatchObject([{ layouts: 1, manifests: 1, packs: 1 }, foreign]);
    }
    expect(await objectsIn(bucket)).toHaveLength(6);
    for (const repo of [first, second]) expect((await repo.run('verify', '--remote')).code).toBe(0);
  });
});
