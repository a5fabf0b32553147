import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commitAll, gc, objects, withGarbage } from '../support/collected.ts';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

describe('gc stops with nothing removed', () => {
  async function expectStopped(repo: RegistryRepo, exitCode: number, message: RegExp): Promise<void> {
    const before = await objects(repo);
    const error = await repo.failure('gc', '--grace', '0', '--yes');
    expect(error).toMatchObject({ exitCode, message: expect.stringMatching(message) as string });
    expect(await objects(repo)).toEqual(before);
  }

  it('when a record of the work tree, of the index or of any commit can not be read', async () => {
    const repo = await withGarbage();
    const record = '.mlops/models/fraud/versions/v1.json';
    const good = await repo.read(record);
    await repo.write(record, good.replace('"size"', '"sise"'));
    await expectStopped(repo, 3, /versions\/v1\.json/);
    await repo.git('add', record);
    await repo.write(record, good);
    await expectStopped(repo, 3, /versions\/v1\.json.*as Git has it in the object/);
    await repo.git('commit', '--quiet', '-m', 'damaged');
    await repo.git('branch', 'damaged');
    await repo.git('reset', '--quiet', '--hard', 'HEAD~1');
    await expectStopped(repo, 3, /versions\/v1\.json.*as Git has it in the object/);
  });

  it('when a commit was written by a newer version, or has a link among the documents', async () => {
    const repo = await withGarbage();
    await repo.git('checkout', '--quiet', '-b', 'newer');
    const format = (await repo.read('.mlops/format.json')).replace(
      '"requiredFeatures": []',
      '"requiredFeatures": ["x"]',
    );
    await repo.write('.mlops/format.json', format);
    await commitAll(repo, 'newer');
    await repo.git('checkout', '--quiet', 'main');
    await expectStopped(repo, 2, /needs features/);
    await repo.git('branch', '--quiet', '-D', 'newer');
    await repo.git('checkout', '--quiet', '-b', 'link');
    const id = await repo.git('hash-object', '-w', '.mlops/format.json');
    const path = '.mlops/models/fraud/versions/v9.json';
    await repo.git('update-index', '--add', '--cacheinfo', `120000,${id},${path}`);
    await repo.git('commit', '--quiet', '-m', 'link');
    await repo.git('checkout', '--quiet', '--force', 'main');
    await rm(join(repo.root, path), { force: true });
    await expectStopped(repo, 4, /v9\.json is a symbolic link/);
  });

  it('when a stage pointer holds a merge conflict', async () => {
    const repo = await withGarbage();
    await repo.json('promote', 'fraud@v1');
    await repo.write(
      '.mlops/models/fraud/stages/production.json',
      '<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> b\n',
    );
    await expectStopped(repo, 5, /production\.json/);
  });

  it('when a data pointer holds a merge conflict, with what settles it', async () => {
    const repo = await withGarbage();
    await repo.write('data/a.csv', 'a\n');
    await repo.json('data', 'add', 'data/a.csv');
    await repo.write('.mlops/data/data/a.csv.json', '<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> b\n');
    await expectStopped(repo, 5, /a\.csv\.json/);
    const hinted = await repo.failure('gc');
    expect(hinted.hint).toContain('git checkout --ours -- .mlops/data/data/a.csv.json (or --theirs)');
    expect(hinted.hint).not.toContain('stage');
  });

  it('when a manifest or a pack that is needed is damaged', async () => {
    for (const kind of ['manifests', 'packs']) {
      const repo = await withGarbage();
      const dead = await gc(repo);
      const gone = new Set([
        ...dead.manifests.map(({ digest }) => digest.slice(7)),
        ...dead.packs.map(({ name }) => name),
      ]);
      const path =
        (await objects(repo)).find((each) => each.includes(kind) && !gone.has(each.slice(-64))) ?? '';
      await chmod(path, 0o644);
      await writeFile(path, 'rubbish');
      await expectStopped(repo, 3, new RegExp(`${kind}/`));
    }
  });

  it('when the manifest of a version went to quarantine', async () => {
    const repo = await registryRepo();
    await repo.save('fraud', 'v1');
    const manifest = (await objects(repo)).find((each) => each.includes('/manifests/')) ?? '';
    await chmod(manifest, 0o644);
    await writeFile(manifest, 'rubbish');
    await repo.run('load', 'fraud@v1', '-o', 'x');
    const kept = join(repo.root, '.mlops/cache/quarantine', `manifests-${manifest.slice(-64)}.tmp-1`);
    await repo.write('.mlops/cache/quarantine/note', '');
    await writeFile(kept, 'rubbish');
    await rm(manifest);
    await expectStopped(repo, 3, /was damaged and is not replaced/);
  });

  it('when somebody else holds the lock', async () => {
    const repo = await withGarbage();
    await repo.write(
      '.mlops/tmp/lock',
      JSON.stringify({
        pid: 1,
        host: 'elsewhere',
        bootId: 'x',
        processStart: '1',
        startedAt: '2026-01-01T00:00:00.000Z',
        command: 'save x',
        nonce: 'n',
      }),
    );
    const before = await objects(repo);
    const { code } = await repo.runWith({ env: { MLOPS_LOCK_TIMEOUT: '0' } }, 'gc', '--grace', '0', '--yes');
    expect([code, await objects(repo)]).toEqual([5, before]);
    // Looking takes no lock.
    expect((await gc(repo)).manifests).toHaveLength(1);
  });

  it('when Git does not govern the whole of it', async () => {
    const repo = await withGarbage();
    await rm(join(repo.root, '.git'), { recursive: true });
    await expectStopped(repo, 2, /no Git work tree/);
  });

  it('in a shallow clone it keeps what it sees, and reads no more', async () => {
    const repo = await withGarbage();
    const path = join(repo.root, '..', 'shallow');
    await repo.git('clone', '--quiet', '--depth', '1', `file://${repo.root}`, path);
    const clone = await cloneOf(repo, join(repo.root, '..', 'full'));
    expect((await gc(clone, '--yes')).removed).toMatchObject({ manifests: 0, packs: 0 });
  });
});
