import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noise } from '../support/fault-repository.ts';
import { flip, objectsOf, shared } from '../support/shared-remote.ts';

describe('commands that need bytes', () => {
  test('load fetches what is missing, of the wanted files only, and refuses offline', async () => {
    const { here, remote, there } = await shared();
    for (const [seed, name] of ['a', 'b', 'c', 'd'].entries())
      await here.write(`build/${name}.bin`, noise(200_000, seed + 1));
    await here.json('save', 'fraud', 'build', '--version', 'v1');
    await here.json('push');
    const other = await there();
    const refused = await other.failure('load', 'fraud@v1', '-o', 'out', '--offline');
    expect(refused).toMatchObject({ code: 'OBJECT_MISSING', exitCode: 3 });
    expect(refused.hint).toContain('--offline');
    await other.json('load', 'fraud@v1', '-o', 'one', '--file', 'c.bin');
    expect(await readdir(join(other.root, 'one'))).toEqual(['c.bin']);
    const partly = await other.json<{ present: { local: boolean; remote: boolean | null } }>(
      'show',
      'fraud@v1',
    );
    expect(partly.present).toEqual({ local: false, remote: null });
    const shown = await other.json<{ present: { local: boolean; remote: boolean | null } }>(
      'show',
      'fraud@v1',
      '--remote',
    );
    expect(shown.present).toEqual({ local: false, remote: true });
    await other.json('load', 'fraud@v1', '-o', 'all');
    expect((await readdir(join(other.root, 'all'))).toSorted()).toEqual(['a.bin', 'b.bin', 'c.bin', 'd.bin']);
    for (const path of await objectsOf(remote, 'packs')) await rm(path);
    expect(
      (await here.json<{ present: { remote: boolean | null } }>('show', 'fraud@v1', '--remote')).present
        .remote,
    ).toBe(false);
  });

  test('load and checkout replace what rotted here while something else was missing', async () => {
    for (const restoring of [
      ['load', 'fraud@v2', '-o', 'data'],
      ['checkout', 'data'],
    ]) {
      const { here, there } = await shared();
      await here.write('data/a.bin', noise(200_000, 1));
      await here.json('save', 'fraud', 'data', '--version', 'v1');
      await here.write('data/b.bin', noise(200_000, 2));
      await here.json('save', 'fraud', 'data', '--version', 'v2');
      await here.json('data', 'add', 'data');
      await here.git('add', '.mlops', '.gitignore');
      await here.git('commit', '--quiet', '-m', 'more');
      await here.json('push');
      const other = await there();
      await other.json('fetch', 'fraud@v1');
      const [pack = ''] = await objectsOf(join(other.root, '.mlops/cache'), 'packs');
      await flip(pack, 1000);
      await other.json(...restoring);
      expect((await readFile(join(other.root, 'data/a.bin'))).equals(noise(200_000, 1))).toBe(true);
      expect((await readFile(join(other.root, 'data/b.bin'))).equals(noise(200_000, 2))).toBe(true);
      expect((await other.run('verify', '--deep')).code).toBe(0);
    }
  });

  test('load without a remote says that none is configured', async () => {
    const { here, there } = await shared();
    await here.save('fraud', 'v1');
    const other = await there();
    await rm(join(other.root, '.mlops/local.json'));
    expect(await other.failure('load', 'fraud@v1', '-o', 'x')).toMatchObject({
      code: 'OBJECT_MISSING',
      exitCode: 3,
      message: expect.stringContaining('no remote is configured'),
    });
  });

  test('a stage moves to a version whose bytes are on the remote only, and to none that are nowhere', async () => {
    const { here, remote, there } = await shared();
    await here.save('fraud', 'v1');
    await here.save('fraud', 'v2');
    await here.json('push');
    const other = await there();
    await other.json('promote', 'fraud@v1');
    await other.json('promote', 'fraud@v2');
    const back = await other.json<{ version: string }>('rollback', 'fraud', '--reason', 'worse');
    expect(back.version).toBe('v1');
    const packs = await objectsOf(remote, 'packs');
    for (const path of packs) await flip(path, 10);
    expect(await other.failure('promote', 'fraud@v2')).toMatchObject({ exitCode: 3 });
    for (const path of packs) await rm(path);
    expect(await other.failure('rollback', 'fraud', '--to', 'v2', '--reason', 'x')).toMatchObject({
      code: 'OBJECT_MISSING',
      exitCode: 3,
    });
  });

  test('verify --repair fetches what is damaged here again, and keeps the damaged bytes', async () => {
    const { here } = await shared();
    await here.write('build/a.txt', 'one file');
    await here.json('save', 'fraud', 'build', '--version', 'v1');
    await here.json('push');
    const [pack = ''] = await objectsOf(join(here.root, '.mlops/cache'), 'packs');
    await flip(pack, 9);
    expect((await here.run('verify', '--deep')).code).toBe(3);
    const { code, stdout, stderr } = await here.run('verify', '--repair');
    expect([code, stdout]).toEqual([0, expect.stringContaining('no damage found')]);
    expect(stderr).toContain('quarantine');
    expect((await readdir(join(here.root, '.mlops/cache/quarantine'))).length).toBe(2);
    await here.json('load', 'fraud@v1', '-o', 'back');
    expect(await here.read('back/a.txt')).toBe('one file');
  });

  test('verify says for each place how to mend what is damaged there', async () => {
    const { here, remote } = await shared();
    await here.save('fraud', 'v1');
    await here.json('push');
    for (const [at, fix, other] of [
      [remote, 'mlops push --repair', 'mlops verify --repair'],
      [join(here.root, '.mlops/cache'), 'mlops verify --repair', 'mlops push --repair'],
    ] as const) {
      const [pack = ''] = await objectsOf(at, 'packs');
      await flip(pack, 10);
      const { code, stderr } = await here.run('verify', '--deep', '--remote');
      expect(code).toBe(3);
      expect(stderr).toContain(fix);
      expect(stderr).not.toContain(other);
      await flip(pack, 10);
    }
  });

  test('verify names each blob that is missing here', async () => {
    const { here } = await shared();
    await here.write('two.bin', noise(3_000_000, 9));
    await here.json('save', 'fraud', 'two.bin', '--version', 'v1');
    for (const path of await objectsOf(join(here.root, '.mlops/cache'), 'packs')) await rm(path);
    const lines = (await here.run('verify')).stdout.split('\n').filter((line) => line.startsWith('blob'));
    expect(lines.length).toBeGreaterThan(1);
    expect(new Set(lines).size).toBe(lines.length);
  });

  test('a damaged manifest that the remote lacks stays damage, also after it was moved away', async () => {
    const { here, remote } = await shared();
    await here.save('fraud', 'v1');
    const cache = join(here.root, '.mlops/cache');
    const [manifest = ''] = await objectsOf(cache, 'manifests');
    const name = basename(manifest);
    const good = await readFile(manifest);
    await flip(manifest, 9);
    expect((await here.run('verify')).code).toBe(3);
    const first = await here.run('verify', '--repair');
    expect(first.code).toBe(3);
    expect(first.stderr).toContain('quarantine');
    expect(first.stdout).toContain(`.mlops/cache/manifests/${name.slice(0, 2)}/${name}`);
    expect(first.stdout).toMatch(/artifact +origin: +.*the remote does not have it/);
    for (const argv of [['verify'], ['verify', '--deep'], ['verify', '--repair'], ['verify', '--remote']]) {
      const { code, stdout } = await here.run(...argv);
      expect([argv, code]).toEqual([argv, 3]);
      expect(stdout).toContain(`.mlops/cache/manifests/${name.slice(0, 2)}/${name}`);
    }
    // Once somebody has pushed it, it is repaired.
    const there = join(remote, 'manifests', name.slice(0, 2));
    await writeFile(manifest, good);
    await here.json('push');
    expect(await readFile(join(there, name))).toEqual(good);
    await rm(manifest);
    expect((await here.run('verify')).code).toBe(3);
    expect((await here.run('verify', '--repair')).code).toBe(0);
    expect((await here.run('verify', '--deep')).code).toBe(0);
  });

  test('what is neither here nor on the remote is damage as soon as the remote is asked', async () => {
    const { here } = await shared();
    await here.save('fraud', 'v1');
    await here.json('push');
    await here.save('fraud', 'v2');
    await rm(join(here.root, '.mlops/cache/manifests'), { recursive: true });
    const quiet = await here.run('verify');
    expect(quiet.code).toBe(0);
    expect(quiet.stderr).toContain('2 of 2 artifacts are not in this clone');
    expect(quiet.stderr).toContain('whether the remote holds them was not asked: `mlops status --remote`');
    for (const argv of [
      ['verify', '--deep', '--repair'],
      ['verify', '--remote'],
    ]) {
      const asked = await here.run(...argv, '--json');
      expect([argv, asked.code]).toEqual([argv, 3]);
      const { data } = JSON.parse(asked.stdout) as {
        data: { damage: { path: string }[]; notices: string[] };
      };
      expect(data.damage.map(({ path }) => path)).toEqual([expect.stringMatching(/^origin:/)]);
      expect(data.notices.join()).not.toContain('not asked');
    }
    // An artifact that is on the remote only is none.
    await here.json('delete', 'fraud@v2', '--reason', 'its bytes are gone');
    const { code, stdout } = await here.run('verify', '--repair');
    expect([code, stdout]).toEqual([0, expect.stringContaining('no damage found')]);
  });
});
