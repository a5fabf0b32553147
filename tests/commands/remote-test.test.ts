import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { document, server, share, sharedConfig } from '../support/remote-settings.ts';
import { useCredentials } from '../support/s3-store.ts';

describe('remote test', () => {
  const STEPS = ['write', 'read', 'read a part', 'write again', 'list', 'delete'];

  test('goes through all steps on a bucket and leaves nothing but the marker', async () => {
    const repo = await registryRepo();
    const { endpoint, objects } = await server();
    await repo.json('remote', 'add', 'origin', 's3://test-bucket/models', '--endpoint', endpoint);
    const { steps } = await repo.json('remote', 'test');
    expect(steps).toMatchObject(STEPS.map((step) => ({ step })));
    expect(objects.keys()).toEqual(['models/mlops-remote.json']);
    const { stdout, code } = await repo.run('remote', 'test', 'origin');
    expect(code).toBe(0);
    for (const step of STEPS) expect(stdout).toMatch(new RegExp(`^${step} +\\d+ ms`, 'm'));
  });

  test('goes through all steps on a share', async () => {
    const repo = await registryRepo();
    await repo.json('remote', 'add', 'share', await share());
    expect((await repo.json('remote', 'test', 'share'))['steps']).toMatchObject(
      STEPS.map((step) => ({ step })),
    );
  });

  test('says what a store lacks', async () => {
    const repo = await registryRepo();
    const { endpoint, settings } = await server();
    settings.conditionalWrites = 'ignored';
    await repo.json('remote', 'add', 'origin', 's3://test-bucket', '--endpoint', endpoint);
    const { stdout, stderr } = await repo.run('remote', 'test');
    expect(stdout).toMatch(/write again .*no create-only writes/);
    expect(stderr.match(/If-None-Match/g)).toHaveLength(1);
  });

  test('names the step that failed with exit 7 and takes back what it wrote', async () => {
    const repo = await registryRepo();
    const { endpoint, objects, faults } = await server();
    await repo.json('remote', 'add', 'origin', 's3://test-bucket', '--endpoint', endpoint);
    faults.add({ operation: 'ListObjectsV2', fault: { type: 'status', status: 403 } });
    expect(await repo.failure('remote', 'test')).toMatchObject({
      code: 'REMOTE_FORBIDDEN',
      exitCode: 7,
      message: expect.stringMatching(
        /"origin" failed the test at "list" \(passed: write, read, read a part, write again\): ListObjectsV2 in bucket/,
      ) as string,
      hint: expect.stringContaining('s3:ListBucket') as string,
    });
    expect(objects.keys()).toEqual(['mlops-remote.json']);
  });

  test('bytes that come back altered are a failed test, exit 7', async () => {
    const repo = await registryRepo();
    const { endpoint, faults } = await server();
    await repo.json('remote', 'add', 'origin', 's3://test-bucket', '--endpoint', endpoint);
    faults.add({ operation: 'GetObject', fault: { type: 'flip' } });
    expect(await repo.failure('remote', 'test')).toMatchObject({
      exitCode: 7,
      message: expect.stringContaining('at "read"') as string,
    });
  });

  test('a wrong bucket and missing credentials are exit 7 and change nothing', async () => {
    const repo = await registryRepo();
    const started = await server();
    const { endpoint, port } = started;
    await repo.json('remote', 'add', 'origin', 's3://no-such-bucket', '--endpoint', endpoint);
    const before = await repo.git('status', '--porcelain');
    expect(await repo.failure('remote', 'test')).toMatchObject({
      code: 'REMOTE_BUCKET_MISSING',
      exitCode: 7,
      message: expect.stringContaining(`PutObject in bucket "no-such-bucket" at 127.0.0.1:${port}`) as string,
    });
    useCredentials({ ...started, accessKeyId: '', secretAccessKey: '' });
    expect(await repo.failure('remote', 'test')).toMatchObject({
      code: 'REMOTE_NO_CREDENTIALS',
      exitCode: 7,
    });
    expect(await repo.git('status', '--porcelain')).toBe(before);
  });
});

describe('a remote that only the shared configuration names', () => {
  async function stranger(): Promise<{ repo: RegistryRepo; path: string; wrote: () => boolean }> {
    const repo = await registryRepo();
    const other = await registryRepo();
    const path = await share();
    await other.json('remote', 'add', 'origin', path);
    await sharedConfig(repo, { remotes: { origin: { url: path } } });
    return { repo, path, wrote: () => existsSync(join(path, 'manifests')) };
  }

  test('is not written to where nobody can be asked: exit 4 and the command to type', async () => {
    const { repo, wrote } = await stranger();
    expect(await repo.failure('remote', 'test')).toMatchObject({
      code: 'REMOTE_NOT_TRUSTED',
      exitCode: 4,
      hint: expect.stringContaining('mlops remote trust origin') as string,
    });
    const asked = await repo.runWith({ tty: true, answer: 'yes', env: { CI: 'true' } }, 'remote', 'test');
    expect(asked.code).toBe(4);
    expect(wrote()).toBe(false);
  });

  test.each(['', 'no', 'yess'])('the answer %j is a no', async (answer) => {
    const { repo, wrote } = await stranger();
    const { code, stderr } = await repo.runWith({ tty: true, answer }, 'remote', 'test');
    expect(code).toBe(4);
    expect(stderr).toContain('[y/N]');
    expect(wrote()).toBe(false);
    expect(existsSync(join(repo.root, '.mlops/local.json'))).toBe(false);
  });

  test('a yes is remembered', async () => {
    const { repo, path } = await stranger();
    const { code, stderr } = await repo.runWith({ tty: true, answer: 'y' }, 'remote', 'test');
    expect(code).toBe(0);
    expect(stderr).toContain(path);
    expect(await document(repo, 'local.json')).toMatchObject({ trustedRemotes: [path] });
    expect((await repo.run('remote', 'test')).code).toBe(0);
  });

  test('--yes is for once; `remote trust` and MLOPS_TRUST_REMOTES are for good', async () => {
    const { repo, path } = await stranger();
    expect((await repo.run('remote', 'test', '--yes')).code).toBe(0);
    expect((await repo.run('remote', 'test')).code).toBe(4);
    for (const value of ['1', path, `s3://other/x, ${path}`]) {
      expect((await repo.runWith({ env: { MLOPS_TRUST_REMOTES: value } }, 'remote', 'test')).code).toBe(0);
    }
    for (const value of ['0', 'true', '', 's3://other/x', `${path}/deeper`]) {
      expect((await repo.runWith({ env: { MLOPS_TRUST_REMOTES: value } }, 'remote', 'test')).code).toBe(4);
    }
    expect(await repo.json('remote', 'trust', 'origin')).toEqual({ name: 'origin', identity: path });
    expect((await repo.run('remote', 'test')).code).toBe(0);
  });

  test('has to be trusted again when it goes somewhere else', async () => {
    const { repo } = await stranger();
    await repo.json('remote', 'trust', 'origin');
    await sharedConfig(repo, { remotes: { origin: { url: 's3://evil/models' } } });
    expect((await repo.failure('remote', 'test')).code).toBe('REMOTE_NOT_TRUSTED');
  });

  test('can not vouch for itself', async () => {
    const { repo, path } = await stranger();
    await sharedConfig(repo, { remotes: { origin: { url: path } }, trustedRemotes: [path] });
    expect(await repo.failure('remote', 'test')).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
  });

  test('may not be at a link-local address', async () => {
    const repo = await registryRepo();
    const remote = { url: 's3://models', endpoint: 'http://0xA9FEA9FE/' };
    await sharedConfig(repo, { remotes: { origin: remote } });
    expect(await repo.failure('remote', 'test', '--yes')).toMatchObject({
      code: 'REMOTE_ADDRESS_REFUSED',
      exitCode: 4,
    });
  });

  test('is warned of when what is sent can be read on the way', async () => {
    const repo = await registryRepo();
    const remote = { url: 's3://models', endpoint: 'http://does-not-exist.invalid' };
    await sharedConfig(repo, { remotes: { origin: remote } });
    const { stderr } = await repo.run('remote', 'test');
    expect(stderr).toMatch(/warning: does-not-exist\.invalid is spoken to without TLS/);
  });
});
