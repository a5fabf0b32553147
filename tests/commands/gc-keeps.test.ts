import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commitAll, gc, loads, objects, withGarbage, type Gc } from '../support/collected.ts';
import { cloneOf, registryRepo } from '../support/registry-repo.ts';
import { openTempRepo } from '../support/temp-repo.ts';

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
    // With the options that decided what would go: without them it might be something else, or nothing.
    expect(stderr).toContain('mlops gc --yes --grace 0\n');
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
