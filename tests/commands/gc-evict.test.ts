import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commitAll, gc, loads, objects } from '../support/collected.ts';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

describe('gc and a remote', () => {
  /** v1 in production and v2, both pushed to a directory. */
  async function withRemote(): Promise<{ repo: RegistryRepo; bucket: string }> {
    const repo = await registryRepo();
    const bucket = join(repo.root, '..', 'bucket');
    await mkdir(bucket);
    await repo.json('remote', 'add', 'share', bucket, '--local');
    for (const label of ['v1', 'v2']) await repo.save('fraud', label);
    await repo.json('promote', 'fraud@v1');
    await commitAll(repo, 'two');
    await repo.json('push', '--all');
    return { repo, bucket };
  }

  it('cleans up the remote, once what nothing needs is old there', async () => {
    const { repo, bucket } = await withRemote();
    await repo.json('delete', 'fraud@v2', '--reason', 'wrong');
    await commitAll(repo, 'deleted');
    const names = async (): Promise<string[]> =>
      (await readdir(bucket, { recursive: true })).filter((name) => /[0-9a-f]{64}/.test(name));
    const before = await names();
    expect(await repo.json('gc', '--remote')).toMatchObject({ remote: 'share', layouts: [], packs: [] });
    expect(await repo.failure('gc', '--remote', '--yes')).toMatchObject({
      code: 'NO_GIT_REMOTE',
      exitCode: 4,
    });
    expect(await repo.failure('gc', '--sole-clone')).toMatchObject({ exitCode: 2 });
    const dry = await gc(repo, '--remote', 'share');
    expect([dry.manifests.length, dry.packs.length, (await names()).length]).toEqual([1, 1, before.length]);
    const warned = await repo.run('gc', '--remote', '--grace', '0');
    expect(warned.stderr).toContain('with --yes it would stop: this clone has no Git remote');
    const done = await gc(repo, '--remote', '--sole-clone', '--yes');
    expect(done.removed).toMatchObject({ layouts: 1, manifests: 1, packs: 1, bytes: dry.reclaimable });
    expect(await names()).toHaveLength(before.length - 3);
    expect((await repo.run('gc', '--remote')).stdout).toMatch(
      /^Nothing to remove\nKeeps 1 artifact in 1 pack/,
    );
    const clone = await cloneOf(repo, join(repo.root, '..', 'clone'));
    await clone.json('remote', 'add', 'share', bucket, '--local');
    await loads(clone, 'fraud@production', 'bytes of fraud v1');
  });

  it('makes room here, and load brings the bytes back', async () => {
    const { repo } = await withRemote();
    const before = await objects(repo);
    const dry = await repo.run('gc', '--grace', '0', '--evict');
    expect(dry.stdout).toContain('Among them 1 artifact needed, and would be read from the remote first');
    expect(await objects(repo)).toEqual(before);
    const done = await gc(repo, '--evict', 'share', '--yes');
    expect(done).toMatchObject({ removed: { manifests: 1, packs: 1 }, evicted: [expect.any(String)] });
    await loads(repo, 'fraud@v2', 'bytes of fraud v2');
    expect(await objects(repo)).toHaveLength(before.length);
    expect(await repo.failure('gc', '--evict', '--remote')).toMatchObject({ exitCode: 2 });
  });

  it('refuses to make room when the remote lost a pack', async () => {
    const { repo, bucket } = await withRemote();
    await rm(join(bucket, 'packs'), { recursive: true });
    const before = await objects(repo);
    const error = await repo.failure('gc', '--grace', '0', '--evict', '--yes');
    expect(error).toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    expect(await objects(repo)).toEqual(before);
  });
});
