import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { openTempRepo } from '../support/temp-repo.ts';

interface Gc {
  dryRun: boolean;
  reclaimable: number;
  manifests: { digest: string }[];
  packs: { name: string; size: number }[];
  sparse: { name: string; size: number; neededBytes: number }[];
  removed: { manifests: number; packs: number; repacked: number; bytes: number } | null;
  young: string[];
  elsewhere: {
    digest: string;
    keepers: { kind: string; name: string; from: { kind: string; name: string }[] }[];
  }[];
}

const gc = (repo: RegistryRepo, ...options: string[]): Promise<Gc> =>
  repo.json<Gc>('gc', '--grace', '0', ...options);

async function commitAll(repo: RegistryRepo, message: string): Promise<void> {
  await repo.git('add', '--all', '--', '.mlops');
  await repo.git('commit', '--quiet', '--allow-empty', '-m', message);
}

/** Paths of all objects, sorted. */
async function objects(repo: RegistryRepo): Promise<string[]> {
  const found: string[] = [];
  for (const kind of ['packs', 'manifests']) {
    const top = join(repo.root, '.mlops/cache', kind);
    if (!existsSync(top)) continue;
    for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) found.push(join(entry.parentPath, entry.name));
    }
  }
  return found.toSorted();
}

/** A repository with fraud@v1 committed, and v2 saved and deleted again, which only the reflog still knows. */
async function withGarbage(): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.save('fraud', 'v1');
  await commitAll(repo, 'v1');
  await repo.save('fraud', 'v2');
  await repo.json('delete', 'fraud@v2', '--reason', 'wrong');
  await commitAll(repo, 'v2 came and went');
  return repo;
}

async function loads(repo: RegistryRepo, reference: string, text: string): Promise<void> {
  await repo.json('load', reference, '-o', 'restored', '--force');
  expect(await repo.read('restored')).toBe(text);
}

/** The names of what keeps the only artifact that is needed elsewhere. */
function keptBy({ elsewhere }: Gc): string[] {
  expect(elsewhere).toHaveLength(1);
  return (elsewhere[0]?.keepers ?? []).flatMap(({ kind, name, from }) =>
    from.map((source) => `${kind} ${name}: ${source.kind} ${source.name}`.trim()),
  );
}

describe('gc', () => {
  it('says what it would remove, writes nothing, and removes it with --yes', async () => {
    const repo = await withGarbage();
    const before = await objects(repo);
    const dry = await gc(repo);
    expect(dry).toMatchObject({ dryRun: true, removed: null, elsewhere: [] });
    expect([dry.manifests.length, dry.packs.length]).toEqual([1, 1]);
    expect(await objects(repo)).toEqual(before);
    const done = await gc(repo, '--yes');
    expect(done.removed).toMatchObject({ manifests: 1, packs: 1, repacked: 0, bytes: dry.reclaimable });
    expect(await objects(repo)).toHaveLength(2);
    expect((await gc(repo, '--yes')).removed).toMatchObject({
      manifests: 0,
      packs: 0,
      repacked: 0,
      bytes: 0,
    });
    await loads(repo, 'fraud@v1', 'bytes of fraud v1');
    expect((await repo.run('verify', '--deep')).code).toBe(0);
  });

  it('tells people in words, and names the next command', async () => {
    const repo = await withGarbage();
    const { stdout, stderr } = await repo.run('gc', '--grace', '0');
    expect(stdout).toMatch(/^Would remove 1 artifact and 1 pack: .*\nKeeps 1 artifact in 1 pack: /);
    expect(stderr).toContain('mlops gc --yes');
    expect((await repo.run('gc', '--grace', '0', '--yes')).stdout).toMatch(
      /^Removed 1 artifact and 1 pack: /,
    );
    const explained = (await repo.run('gc', '--grace', '0', '--explain')).stdout;
    expect(explained).toMatch(
      /Nothing to remove[\s\S]*version fraud@v1 \(this work tree, staged changes, branch main/,
    );
  });

  it('leaves alone what is young, and what the reflog knew within the grace period', async () => {
    const repo = await withGarbage();
    const young = await repo.json<Gc>('gc', '--yes');
    expect([young.removed?.manifests, young.young.length]).toEqual([0, 1]);
    const old = new Date(Date.now() - 30 * 86_400_000);
    for (const path of await objects(repo)) await utimes(path, old, old);
    // v2 was never committed without its deletion, so no commit needs it, and it is old enough now.
    expect((await repo.json<Gc>('gc', '--yes')).removed).toMatchObject({ manifests: 1, packs: 1 });
    await repo.save('fraud', 'v3');
    await commitAll(repo, 'v3');
    await repo.git('reset', '--quiet', '--hard', 'HEAD~1');
    for (const path of await objects(repo)) await utimes(path, old, old);
    const kept = await repo.json<Gc>('gc', '--yes');
    expect(kept.removed?.manifests).toBe(0);
    expect(keptBy(kept)).toEqual([
      'version fraud@v3: worktree ORIG_HEAD',
      'version fraud@v3: reflog main',
      'version fraud@v3: reflog HEAD',
    ]);
  });

  it('keeps what another branch, a remote branch, a tag or any other ref needs', async () => {
    for (const ref of ['refs/heads/feature', 'refs/remotes/origin/x', 'refs/tags/v3', 'refs/pull/1/head']) {
      const repo = await registryRepo();
      await repo.git('checkout', '--quiet', '-b', 'side');
      await repo.save('fraud', 'v3');
      await commitAll(repo, 'v3');
      await repo.git('update-ref', ref, 'side');
      await repo.git('checkout', '--quiet', 'main');
      await repo.git('branch', '--quiet', '-D', 'side');
      const done = await gc(repo, '--yes');
      expect(done.removed?.manifests, ref).toBe(0);
      expect(keptBy(done)[0], ref).toContain(ref.split('/').at(-1));
      await repo.git('update-ref', '-d', ref);
      expect((await gc(repo, '--yes')).removed?.manifests, ref).toBe(1);
    }
  });

  it('keeps what any stash entry needs, also of what was only staged or untracked', async () => {
    for (const how of ['staged', 'untracked']) {
      const repo = await registryRepo();
      await repo.save('fraud', 'v3');
      if (how === 'untracked') await repo.git('reset', '--quiet');
      await repo.git('stash', '--quiet', '--include-untracked');
      await repo.write('README.md', 'changed');
      await repo.git('stash', '--quiet');
      expect(existsSync(join(repo.root, '.mlops/models')), how).toBe(false);
      const done = await gc(repo, '--yes');
      expect(done.removed?.manifests, how).toBe(0);
      expect(keptBy(done), how).toEqual(['version fraud@v3: stash stash@{1}']);
      await repo.git('stash', 'drop', '--quiet', 'stash@{1}');
      expect((await gc(repo, '--yes')).removed?.manifests, how).toBe(1);
    }
  });

  it('keeps what the detached HEAD of another work tree needs', async () => {
    const repo = await registryRepo();
    await repo.save('fraud', 'v3');
    const other = join(repo.root, '..', 'other');
    await repo.git('worktree', 'add', '--quiet', '--detach', other);
    const there = openTempRepo(other, repo.env);
    await repo.git('checkout', '--quiet', '-b', 'side');
    await commitAll(repo, 'v3');
    const commit = await repo.git('rev-parse', 'HEAD');
    await there.git('checkout', '--quiet', '--detach', commit);
    await repo.git('checkout', '--quiet', 'main');
    await repo.git('branch', '--quiet', '-D', 'side');
    const done = await gc(repo, '--yes');
    expect(done.removed?.manifests).toBe(0);
    expect(keptBy(done)).toEqual([`version fraud@v3: worktree ${other}`]);
  });

  it('keeps what is only staged, or only in the work tree', async () => {
    const repo = await registryRepo();
    await repo.save('fraud', 'v1');
    await rm(join(repo.root, '.mlops/models'), { recursive: true });
    expect((await gc(repo, '--yes')).removed?.manifests).toBe(0);
    await repo.git('checkout', '--quiet', '--', '.mlops');
    await repo.git('rm', '--quiet', '-r', '--cached', '.mlops/models');
    expect((await gc(repo, '--yes')).removed?.manifests).toBe(0);
    await rm(join(repo.root, '.mlops/models'), { recursive: true });
    expect((await gc(repo, '--yes')).removed?.manifests).toBe(1);
  });

  it('keeps a deleted version that a stage of another branch points to', async () => {
    const repo = await registryRepo();
    await repo.save('fraud', 'v1');
    await repo.json('promote', 'fraud@v1');
    await commitAll(repo, 'v1');
    await repo.git('branch', 'old');
    await repo.save('fraud', 'v2');
    await repo.json('promote', 'fraud@v2');
    await repo.json('delete', 'fraud@v1', '--reason', 'old');
    await commitAll(repo, 'v2');
    const done = await gc(repo, '--yes');
    expect(done.removed?.manifests).toBe(0);
    expect(keptBy(done)).toEqual(['stage fraud@production: branch old', 'version fraud@v1: branch old']);
  });

  it('rewrites a pack of which little is needed, and what was in it still loads', async () => {
    const repo = await registryRepo();
    const keep = Buffer.alloc(400_000, 'keep'.repeat(7));
    const [small, large] = [Array.from({ length: 2 }), Array.from({ length: 20 })];
    const random = (seed: number): Buffer =>
      Buffer.from(
        Array.from({ length: 100_000 }, (_, at) => (at * at * (seed + 3) + (at >> 3) * 31 * seed) & 255),
      );
    for (const [at] of large.entries()) await repo.write(`all/${at}`, random(at));
    await repo.write('all/keep', keep);
    await repo.json('save', 'big', 'all', '--version', 'v1');
    for (const [at] of small.entries()) await repo.write(`few/${at}`, random(at));
    await repo.write('few/keep', keep);
    await repo.json('save', 'big', 'few', '--version', 'v2');
    await repo.json('delete', 'big@v1', '--reason', 'too big');
    await commitAll(repo, 'big');
    const dry = await gc(repo);
    expect([dry.sparse.length, dry.manifests.length]).toEqual([1, 1]);
    const done = await gc(repo, '--yes');
    expect(done.removed).toMatchObject({ manifests: 1, repacked: 1 });
    expect(await gc(repo)).toMatchObject({ reclaimable: 0, sparse: [] });
    await repo.json('load', 'big@v2', '-o', 'again');
    expect(await readFile(join(repo.root, 'again/keep'))).toEqual(keep);
    expect(await readFile(join(repo.root, 'again/1'))).toEqual(random(1));
    expect((await repo.run('verify', '--deep')).code).toBe(0);
    // What was removed is stored again when it is saved again: nothing leans on an index that knows it.
    await repo.json('save', 'big', 'all', '--version', 'v3');
    await repo.json('load', 'big@v3', '-o', 'whole');
    expect(await readFile(join(repo.root, 'whole/19'))).toEqual(random(19));
  });

  it('finishes what an interrupted run copied without copying it again', async () => {
    const repo = await registryRepo();
    for (const at of [1, 2, 3, 4]) await repo.write(`all/${at}`, String(at).repeat(50_000 + at));
    await repo.json('save', 'big', 'all', '--version', 'v1');
    await repo.json('save', 'big', 'all/4', '--version', 'v2');
    const packs = (await objects(repo)).filter((path) => path.includes('/packs/'));
    await repo.json('delete', 'big@v1', '--reason', 'x');
    await commitAll(repo, 'big');
    const [pack = ''] = packs;
    const bytes = await readFile(pack);
    expect((await gc(repo, '--yes')).removed).toMatchObject({ repacked: 1 });
    // As after a kill between writing the new pack and removing the old one.
    await writeFile(pack, bytes);
    const before = await objects(repo);
    expect((await gc(repo, '--yes')).removed).toMatchObject({ repacked: 1, manifests: 0 });
    expect(await objects(repo)).toEqual(before.filter((path) => path !== pack));
    expect((await repo.run('verify', '--deep')).code).toBe(0);
  });

  it('keeps what is held, and says by whom', async () => {
    const repo = await withGarbage();
    const { digest } = (await gc(repo)).manifests[0] ?? { digest: '' };
    await repo.json('hold', 'add', digest.slice(0, 20), '--reason', 'audit of March');
    expect(await repo.json('hold', 'list')).toMatchObject({ holds: [{ digest, reason: 'audit of March' }] });
    const done = await gc(repo, '--yes');
    expect([done.removed?.manifests, keptBy(done)]).toEqual([0, ['hold hold: hold audit of March']]);
    await repo.json('hold', 'remove', digest.slice(0, 20));
    expect((await gc(repo, '--yes')).removed?.manifests).toBe(1);
    expect(await repo.failure('hold', 'remove', digest)).toMatchObject({
      code: 'ARTIFACT_NOT_FOUND',
      exitCode: 2,
    });
  });
});

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

describe('why', () => {
  it('explains a version, its manifest, its pack and its blob', async () => {
    const repo = await withGarbage();
    await repo.json('promote', 'fraud@v1');
    await repo.git('tag', 'release');
    const { digest } = await repo.json<{ digest: string }>('show', 'fraud@v1');
    for (const reference of ['fraud@v1', digest, digest.slice(7, 19)]) {
      const found = await repo.json<{
        kind: string;
        kept: boolean;
        artifacts: { keepers: { kind: string }[] }[];
      }>('why', reference);
      expect(found).toMatchObject({ kind: 'manifest', name: digest.slice(7), kept: true });
      expect(found.artifacts[0]?.keepers.map(({ kind }) => kind).toSorted()).toContain('stage');
    }
    const { stdout } = await repo.run('why', 'fraud@v1');
    expect(stdout).toMatch(/version fraud@v1 \(.*tag release/);
    const packs = (await objects(repo))
      .filter((each) => each.includes('/packs/'))
      .map((each) => each.slice(-64));
    const kept: (boolean | undefined)[] = [];
    await repo.json('config', 'set', 'gc.graceDays', '0');
    for (const pack of packs) {
      const found = await repo.json<{ kind: string; kept: boolean }>('why', pack);
      expect(found.kind).toBe('pack');
      kept.push(found.kept);
    }
    expect(kept.filter((each) => each === true)).toHaveLength(1);
    expect(kept).toHaveLength(2);
    const blob = await repo.json<{ kind: string; packs: string[]; kept: boolean }>(
      'why',
      sha256('bytes of fraud v1'),
    );
    expect(blob).toMatchObject({ kind: 'blob', kept: true });
    expect(packs).toContain(blob.packs[0]);
  });

  it('says that nothing keeps what was deleted, and until when its age does', async () => {
    const repo = await withGarbage();
    const { digest } = (await gc(repo)).manifests[0] ?? { digest: '' };
    const found = await repo.json<{ kept: boolean; graceUntil: string | null }>('why', digest);
    expect(found.kept).toBe(true);
    expect(new Date(found.graceUntil ?? 0).getTime()).toBeGreaterThan(Date.now() + 13 * 86_400_000);
    await repo.json('config', 'set', 'gc.graceDays', '0');
    expect((await repo.run('why', digest)).stdout).toContain('Nothing keeps it');
    expect(await repo.failure('why', '0123456789')).toMatchObject({ code: 'OBJECT_NOT_FOUND', exitCode: 2 });
  });

  it('knows what is needed and not here', async () => {
    const repo = await registryRepo();
    await repo.save('fraud', 'v1');
    await commitAll(repo, 'v1');
    const clone = await cloneOf(repo, join(repo.root, '..', 'clone'));
    expect(await clone.json('why', 'fraud@v1')).toMatchObject({ kind: 'absent', kept: true });
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
