import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noise } from '../support/fault-repository.ts';
import { registryRepo } from '../support/registry-repo.ts';
import { flip, objectsOf, shared } from '../support/shared-remote.ts';

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
    // As messages show it, from wherever one is.
    const shown = await here.runWith({ cwd: join(here.root, 'data') }, 'push', 'data/train.csv', '--json');
    expect((JSON.parse(shown.stdout) as { data: Report }).data.data).toHaveLength(1);
    for (const path of ['data/tain.csv', './nothing', '.mlops/x'])
      expect(await here.failure('push', path)).toMatchObject({ code: 'PATH_NOT_TRACKED', exitCode: 2 });
    expect((await here.failure('push', 'data/tain.csv')).hint).toBe('did you mean data/train.csv?');
    expect(await here.failure('push', '../x')).toMatchObject({ code: 'OUTSIDE_REPOSITORY', exitCode: 4 });
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
    expect(await here.failure('push', '--dry-run')).toMatchObject({
      code: 'OBJECT_MISSING',
      message: expect.stringMatching(/^would not be pushed: fraud@v2: blobs are missing here for b.txt/),
      hint: expect.stringMatching(/the others would be pushed$/),
    });
    expect(await objectsOf(remote, 'layouts')).toEqual([]);
    expect(await here.failure('push')).toMatchObject({
      code: 'OBJECT_MISSING',
      message: expect.stringMatching(/^not pushed: fraud@v2: blobs are missing here for b.txt/),
      hint: expect.stringMatching(/the others were pushed$/),
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
    // Asked for again, the same bytes are not kept again.
    expect((await other.failure('load', 'fraud@v1', '-o', 'x')).code).toBe('REMOTE_OBJECT_DAMAGED');
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
