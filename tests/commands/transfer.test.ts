import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prepareDirectory } from '../../src/storage/directory/object-store.ts';
import { noise } from '../support/fault-repository.ts';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { tempDirectory } from '../support/temp-repo.ts';

interface Report {
  remote: { name: string; url: string };
  dryRun: boolean;
  artifacts: { total: number; transferred: number };
  objects: { total: number; transferred: number; skipped: number };
  bytes: { total: number; transferred: number };
  versions: { model: string; version: string; digest: string; transferred: boolean }[];
  data: { path: string; transferred: boolean }[];
  absent: { digest: string; names: string[] }[];
  restored?: string[];
}

/** Two clones of one repository and a directory that is the remote of both. */
async function shared(): Promise<{ here: RegistryRepo; remote: string; there: () => Promise<RegistryRepo> }> {
  const here = await registryRepo();
  const base = await tempDirectory();
  const remote = join(base, 'remote');
  await prepareDirectory(remote);
  await useRemote(here, remote);
  let clones = 0;
  const there = async (): Promise<RegistryRepo> => {
    await here.git('add', '--all');
    await here.git('commit', '--quiet', '--allow-empty', '-m', 'share');
    const clone = await cloneOf(here, join(base, `clone${(clones += 1)}`));
    await useRemote(clone, remote);
    return clone;
  };
  return { here, remote, there };
}

/** As `mlops remote add --local` does. */
async function useRemote(repo: RegistryRepo, url: string): Promise<void> {
  const settings = { schema: 'mlops.config/1', remotes: { origin: { url } }, defaultRemote: 'origin' };
  await writeFile(join(repo.root, '.mlops/local.json'), JSON.stringify(settings));
}

async function objectsOf(remote: string, kind: string): Promise<string[]> {
  const found: string[] = [];
  for (const aa of await readdir(join(remote, kind)).catch(() => []))
    for (const name of await readdir(join(remote, kind, aa))) found.push(join(remote, kind, aa, name));
  return found.toSorted();
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

describe('push and pull', () => {
  test('what one clone saves another one restores, with its tracked data', async () => {
    const { here, there } = await shared();
    await here.save('fraud', 'v1');
    await here.save('fraud', 'v2');
    await here.write('data/train.csv', 'a,b\n1,2\n');
    await here.json('data', 'add', 'data/train.csv');
    const pushed = await here.json<Report>('push');
    expect(pushed.remote.name).toBe('origin');
    expect(pushed.objects).toEqual({ total: 9, transferred: 9, skipped: 0 });
    expect(pushed.versions.map(({ version, transferred }) => `${version} ${transferred}`).toSorted()).toEqual(
      ['v1 true', 'v2 true'],
    );
    const other = await there();
    const pulled = await other.json<Report>('pull');
    // v1 is neither the latest nor in a stage.
    expect(pulled.versions.map(({ version }) => version)).toEqual(['v2']);
    expect(pulled.restored).toEqual(['data/train.csv']);
    expect(await other.read('data/train.csv')).toBe('a,b\n1,2\n');
    await other.json('load', 'fraud@v2', '-o', 'model.bin');
    expect(await other.read('model.bin')).toBe('bytes of fraud v2');
    expect(await other.json('verify', '--deep', 'fraud@v2')).toMatchObject({ damage: [] });
    const all = await other.json<Report>('fetch', '--all');
    expect(all.versions.filter(({ transferred }) => transferred).map(({ version }) => version)).toEqual([
      'v1',
    ]);
  });

  test('one line says what happened, and "up to date" only what the remote said', async () => {
    const { here, remote } = await shared();
    await here.save('fraud', 'v1');
    expect((await here.run('push', '--dry-run')).stdout).toMatch(
      /^Would push 1 artifact to origin: 3 objects, \d+ B to send, 0 already there\n$/,
    );
    expect(await objectsOf(remote, 'packs')).toEqual([]);
    expect((await here.run('push')).stdout).toMatch(
      /^Pushed 1 artifact to origin: 3 objects, \d+ B sent, 0 already there\n$/,
    );
    expect((await here.run('push')).stdout).toBe('Up to date: origin holds the artifact\n');
    for (const path of await objectsOf(remote, 'packs')) await rm(path);
    expect((await here.run('push')).stdout).toMatch(
      /^Pushed 1 artifact to origin: 1 object, \d+ B sent, 2 already there\n$/,
    );
    expect((await here.run('pull')).stdout).toBe('Up to date: the artifact is here\n');
  });

  test('nothing to do is said when there is nothing', async () => {
    const { here } = await shared();
    expect((await here.run('push')).stdout).toBe('Nothing to push: no version and no tracked data\n');
    expect((await here.run('pull')).stdout).toBe('Nothing to fetch: no version and no tracked data\n');
  });

  test('a name pushes that version only, a path that data only', async () => {
    const { here, there } = await shared();
    await here.save('fraud', 'v1');
    await here.save('fraud', 'v2');
    await here.write('data/train.csv', 'x\n');
    await here.json('data', 'add', 'data/train.csv');
    const one = await here.json<Report>('push', 'fraud@v1');
    expect(one.versions.map(({ version }) => version)).toEqual(['v1']);
    const data = await here.runWith({ cwd: join(here.root, 'data') }, 'push', 'train.csv', '--json');
    expect((JSON.parse(data.stdout) as { data: Report }).data.data).toEqual([
      expect.objectContaining({ path: 'data/train.csv', transferred: true }),
    ]);
    const other = await there();
    const pulled = await other.json<Report>('pull', 'data');
    expect(pulled).toMatchObject({ restored: ['data/train.csv'], versions: [] });
    expect(await here.failure('push', 'fruad@v1')).toMatchObject({ code: 'MODEL_NOT_FOUND', exitCode: 2 });
    expect(await other.failure('pull', 'fraud@v2')).toMatchObject({
      code: 'REMOTE_OBJECT_MISSING',
      exitCode: 3,
      message: expect.stringContaining('fraud@v2: the remote does not have it'),
    });
  });

  test('what other branches name is pushed with --all', async () => {
    const { here, remote } = await shared();
    await here.save('fraud', 'v1');
    await here.git('add', '--all');
    await here.git('commit', '--quiet', '-m', 'one');
    await here.git('checkout', '--quiet', '-b', 'side');
    await here.save('fraud', 'v2');
    await here.git('add', '--all');
    await here.git('commit', '--quiet', '-m', 'two');
    await here.git('checkout', '--quiet', 'main');
    expect((await here.json<Report>('push')).artifacts).toEqual({ total: 1, transferred: 1 });
    expect((await here.json<Report>('push', '--all')).artifacts).toEqual({ total: 2, transferred: 1 });
    expect(await objectsOf(remote, 'layouts')).toHaveLength(2);
  });

  test('an edit of tracked data, or of a model, sends what was edited', async () => {
    const { here } = await shared();
    const content = noise(9 * 1024 * 1024, 5);
    for (const part of ['data/train.bin', 'models/fraud.bin']) await here.write(part, content);
    await here.json('data', 'add', 'data/train.bin');
    await here.json('save', 'fraud', 'models/fraud.bin', '--version', 'v1');
    const first = await here.json<Report>('push');
    expect(first.bytes.transferred).toBeGreaterThan(content.length);
    // The same bytes under two names are one artifact.
    expect(first.artifacts).toEqual({ total: 1, transferred: 1 });
    content.write('edited', 5 * 1024 * 1024);
    await here.write('data/train.bin', content);
    await here.json('data', 'add', 'data/train.bin');
    const second = await here.json<Report>('push', 'data/train.bin');
    expect(second.bytes.transferred).toBeLessThan(4.5 * 1024 * 1024);
    content.write('edited', 2 * 1024 * 1024);
    await here.write('models/fraud.bin', content);
    await here.json('save', 'fraud', 'models/fraud.bin', '--version', 'v2');
    const third = await here.json<Report>('push', 'fraud@v2');
    expect(third.bytes.transferred).toBeLessThan(4.5 * 1024 * 1024);
  });

  test('what is neither here nor there is a warning, and an error when it was named', async () => {
    const { here, there } = await shared();
    await here.save('fraud', 'v1');
    const other = await there();
    await other.save('fraud', 'v2');
    const { code, stdout, stderr } = await other.run('push');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Pushed 1 artifact/);
    expect(stderr).toContain('fraud@v1 is neither in this clone nor on the remote');
    expect(await other.failure('push', 'fraud@v1')).toMatchObject({
      code: 'OBJECT_MISSING',
      exitCode: 3,
      message: 'not pushed: fraud@v1: nothing of it is here',
    });
  });

  test('nothing is called up to date while something is neither here nor there', async () => {
    const { here, remote } = await shared();
    await here.save('fraud', 'v1');
    await here.save('fraud', 'v2');
    await here.json('push', 'fraud@v2');
    const lost = (await here.json<{ digest: string }>('show', 'fraud@v1')).digest.replace('sha256:', '');
    await rm(join(here.root, '.mlops/cache/manifests', lost.slice(0, 2), lost));
    const some = await here.run('push');
    expect([some.code, some.stdout]).toEqual([
      0,
      'Pushed nothing: 1 artifact of 2 is neither here nor on origin\n',
    ]);
    expect(some.stderr).toContain('fraud@v1 is neither in this clone nor on the remote');
    await rm(join(here.root, '.mlops/cache'), { recursive: true });
    for (const kind of ['packs', 'manifests', 'layouts']) await rm(join(remote, kind), { recursive: true });
    const all = await here.run('push');
    expect([all.code, all.stdout]).toEqual([
      0,
      'Pushed nothing: 2 artifacts of 2 are neither here nor on origin\n',
    ]);
  });

  test('what a stage holds or is tracked and nobody has is an error that lists it; the others are pushed', async () => {
    const { here, remote } = await shared();
    await here.save('fraud', 'v1');
    await here.write('data/train.csv', 'a,b\n1,2\n');
    await here.json('data', 'add', 'data/train.csv');
    await here.json('promote', 'fraud@v1');
    await rm(join(here.root, '.mlops/cache'), { recursive: true });
    await here.save('churn', 'v1');
    for (const argv of [['push'], ['push', '--all'], ['push', '--all', 'fraud@v1', 'data', 'churn@v1']]) {
      const failure = await here.failure(...argv);
      expect(failure).toMatchObject({ code: 'OBJECT_MISSING', exitCode: 3 });
      expect(failure.message).toContain('fraud@v1: nothing of it is here');
      expect(failure.message).toContain('data/train.csv: nothing of it is here');
      expect(failure.message).not.toContain('churn');
      expect(await objectsOf(remote, 'layouts')).toHaveLength(1);
    }
  });

  test('a layout that rotted on the remote is not called present by the clone that pushed it', async () => {
    const { here, remote, there } = await shared();
    await here.save('fraud', 'v1');
    await here.json('push');
    const [layout = ''] = await objectsOf(remote, 'layouts');
    for (let at = 60; at < 64; at += 1) await flip(layout, at);
    const refused = await here.failure('push');
    expect(refused).toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    expect(refused.hint).toContain('mlops push --repair');
    const status = await here.run('status', '--remote');
    expect([status.code, status.stdout]).toEqual([3, expect.stringMatching(/fraud@v1 +damaged/)]);
    expect(status.stdout + status.stderr).toContain('mlops push --repair');
    await here.json('push', '--repair');
    expect((await here.run('push')).stdout).toMatch(/^Up to date/);
    expect((await here.run('status', '--remote')).code).toBe(0);
    await (await there()).json('load', 'fraud@v1', '-o', 'model.bin');
  });

  test('a missing file keeps its version from being pushed and is named', async () => {
    const { here, remote } = await shared();
    await here.write('build/a.txt', 'first file');
    await here.json('save', 'fraud', 'build', '--version', 'v1');
    const before = await objectsOf(join(here.root, '.mlops/cache'), 'packs');
    await here.write('build/b.txt', 'second file');
    await here.json('save', 'fraud', 'build', '--version', 'v2');
    for (const path of await objectsOf(join(here.root, '.mlops/cache'), 'packs'))
      if (!before.includes(path)) await rm(path);
    expect(await here.failure('push')).toMatchObject({
      code: 'OBJECT_MISSING',
      message: expect.stringContaining('fraud@v2: blobs are missing here for b.txt'),
    });
    expect(await objectsOf(remote, 'layouts')).toHaveLength(1);
  });

  test('objects altered on the remote: exit 3, kept, the rest restored; repair brings them back', async () => {
    const { here, remote, there } = await shared();
    await here.save('fraud', 'v1');
    await here.json('push');
    const [bad = ''] = await objectsOf(remote, 'packs');
    await here.save('churn', 'v1');
    await here.json('push');
    await flip(bad, 10);
    const other = await there();
    const failure = await other.failure('pull');
    expect(failure).toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    expect(failure.message).toContain('fraud@v1');
    expect(failure.message).not.toContain('churn');
    await other.json('load', 'churn@v1', '-o', 'churn.bin');
    const kept = await readdir(join(other.root, '.mlops/cache/quarantine'));
    expect(kept.filter((name) => name.startsWith('remote-packs-'))).toHaveLength(2);
    const shown = await here.run('verify', '--remote', '--json');
    expect(shown.code).toBe(3);
    await here.json('push', '--repair');
    expect((await here.json<{ damage: unknown[] }>('verify', '--remote')).damage).toEqual([]);
    await other.json('pull');
    await other.json('load', 'fraud@v1', '-o', 'fraud.bin');
    expect(await other.read('fraud.bin')).toBe('bytes of fraud v1');
  });

  test('nothing is sent to a remote that only the shared configuration names', async () => {
    const { here, remote } = await shared();
    await rm(join(here.root, '.mlops/local.json'));
    const settings = { schema: 'mlops.config/1', remotes: { origin: { url: 's3://bucket/models' } } };
    await here.write('.mlops/config.json', JSON.stringify(settings));
    await here.save('fraud', 'v1');
    const failure = await here.failure('push');
    expect(failure).toMatchObject({ code: 'REMOTE_NOT_TRUSTED', exitCode: 4 });
    expect(await objectsOf(remote, 'packs')).toEqual([]);
  });

  test('without a remote each says how to add one', async () => {
    const here = await registryRepo();
    await here.save('fraud', 'v1');
    for (const command of ['push', 'pull', 'fetch'])
      expect(await here.failure(command)).toMatchObject({ code: 'NO_REMOTE', exitCode: 2 });
  });
});

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
