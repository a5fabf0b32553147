import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registryRepo } from '../support/registry-repo.ts';
import { document, server, share, sharedConfig } from '../support/remote-settings.ts';
import { tempGitRepo } from '../support/temp-repo.ts';
import { runCli } from '../support/run-cli.ts';

describe('remote add', () => {
  test('configures a bucket for all clones, trusts it in this one, and sends nothing', async () => {
    const repo = await registryRepo();
    const { endpoint, log } = await server();
    const data = await repo.json(
      'remote',
      'add',
      'origin',
      's3://test-bucket/models',
      '--endpoint',
      endpoint,
    );
    expect(data).toEqual({ name: 'origin', url: 's3://test-bucket/models', added: true, commit: null });
    expect(await document(repo, 'config.json')).toEqual({
      schema: 'mlops.config/1',
      remotes: { origin: { url: 's3://test-bucket/models', endpoint } },
    });
    expect(await document(repo, 'local.json')).toEqual({
      schema: 'mlops.config/1',
      trustedRemotes: [`s3://test-bucket/models at ${endpoint}`],
    });
    expect(log.all()).toEqual([]);
    expect(await repo.git('diff', '--cached', '--name-only')).toContain('.mlops/config.json');
  });

  test('makes and marks a directory, but not its parents', async () => {
    const repo = await registryRepo();
    const path = await share();
    await repo.json('remote', 'add', 'share', path, '--local', '--default');
    expect(existsSync(join(path, 'mlops-remote.json'))).toBe(true);
    expect(await document(repo, 'local.json')).toMatchObject({
      remotes: { share: { url: path } },
      defaultRemote: 'share',
    });
    expect(await document(repo, 'config.json')).toEqual({ schema: 'mlops.config/1' });
    const missing = join(path, 'not', 'mounted');
    expect(await repo.failure('remote', 'add', 'other', missing)).toMatchObject({
      code: 'REMOTE_NOT_MOUNTED',
      exitCode: 7,
    });
    expect(existsSync(join(path, 'not'))).toBe(false);
    expect(await document(repo, 'config.json')).toEqual({ schema: 'mlops.config/1' });
  });

  test('twice alike is a no-op; another URL is exit 5; --local may stand before a shared one', async () => {
    const repo = await registryRepo();
    await repo.json('remote', 'add', 'origin', 's3://models/prod');
    expect(await repo.json('remote', 'add', 'origin', 's3://models/prod')).toMatchObject({ added: false });
    const other = ['remote', 'add', 'origin', 's3://models/other'] as const;
    expect(await repo.failure(...other)).toMatchObject({
      code: 'REMOTE_EXISTS',
      exitCode: 5,
      message: expect.stringContaining('s3://models/prod') as string,
      hint: expect.stringContaining('mlops remote remove origin') as string,
    });
    expect(
      (await repo.failure('remote', 'add', 'origin', 's3://models/prod', '--region', 'eu-west-1')).code,
    ).toBe('REMOTE_EXISTS');
    await repo.json(...other, '--local');
    const { remotes } = await repo.json('remote', 'list');
    expect(remotes).toMatchObject([{ name: 'origin', url: 's3://models/other', origin: 'local.json' }]);
  });

  test.each([
    ['Origin', 's3://models/prod', 'INVALID_INPUT'],
    ['origin', 's3://key:hunter2@models/prod', 'REMOTE_URL_INVALID'],
    ['origin', 's3://Models', 'REMOTE_URL_INVALID'],
    ['origin', '../share', 'REMOTE_URL_INVALID'],
    ['origin', 'https://models.example.org', 'REMOTE_URL_INVALID'],
  ])('%s %s is exit 2 and changes nothing', async (name, url, code) => {
    const repo = await registryRepo();
    const before = await repo.read('.mlops/config.json');
    const failure = await repo.failure('remote', 'add', name, url);
    expect(failure).toMatchObject({ code, exitCode: 2 });
    expect(JSON.stringify(failure)).not.toContain('hunter2');
    expect(await repo.read('.mlops/config.json')).toBe(before);
    expect(existsSync(join(repo.root, '.mlops/local.json'))).toBe(false);
  });

  test('a directory in .mlops is no other place', async () => {
    const repo = await registryRepo();
    const path = join(repo.root, '.mlops', 'remote');
    expect(await repo.failure('remote', 'add', 'origin', path)).toMatchObject({
      code: 'REMOTE_URL_INVALID',
      exitCode: 2,
    });
    expect(existsSync(path)).toBe(false);
  });

  test('credentials in an endpoint are refused and not repeated', async () => {
    const repo = await registryRepo();
    const endpoint = 'https://AKIA:hunter2@s3.example.org';
    const failure = await repo.failure('remote', 'add', 'origin', 's3://models', '--endpoint', endpoint);
    expect(failure).toMatchObject({ code: 'REMOTE_URL_INVALID', exitCode: 2 });
    expect(JSON.stringify(failure)).not.toContain('hunter2');
  });
});

describe('remote list and remove', () => {
  test('show what is configured, and what is wrong with it', async () => {
    const repo = await registryRepo();
    await sharedConfig(repo, {
      remotes: {
        good: { url: 's3://models/prod', region: 'eu-central-1' },
        bad: { url: 's3://x:hunter2@Models' },
      },
      defaultRemote: 'good',
    });
    const { remotes } = await repo.json('remote', 'list');
    expect(remotes).toEqual([
      expect.objectContaining({
        name: 'bad',
        trusted: false,
        isDefault: false,
        problem: expect.any(String) as string,
      }),
      {
        name: 'good',
        url: 's3://models/prod',
        endpoint: null,
        region: 'eu-central-1',
        profile: null,
        origin: 'config.json',
        isDefault: true,
        trusted: false,
        identity: 's3://models/prod in eu-central-1',
        problem: null,
      },
    ]);
    const { stdout } = await repo.run('remote', 'list');
    expect(stdout).not.toContain('hunter2');
    expect(stdout).toMatch(/good +s3:\/\/models\/prod in eu-central-1 +config\.json +no +default/);
  });

  test('remove forgets the remote, its trust and that it was the default, and nothing else', async () => {
    const repo = await registryRepo();
    await repo.json('remote', 'add', 'origin', 's3://models/prod', '--default');
    await repo.json('remote', 'add', 'backup', 's3://models/backup');
    await repo.json('remote', 'remove', 'origin');
    expect(await document(repo, 'config.json')).toEqual({
      schema: 'mlops.config/1',
      remotes: { backup: { url: 's3://models/backup' } },
    });
    expect(await document(repo, 'local.json')).toEqual({
      schema: 'mlops.config/1',
      trustedRemotes: ['s3://models/backup'],
    });
    expect(await repo.failure('remote', 'remove', 'origin')).toMatchObject({
      code: 'REMOTE_NOT_FOUND',
      exitCode: 2,
    });
  });

  test('remove --local brings the shared one of the name back', async () => {
    const repo = await registryRepo();
    await repo.json('remote', 'add', 'origin', 's3://models/prod');
    await repo.json('remote', 'add', 'origin', 's3://mine/prod', '--local');
    await repo.json('remote', 'remove', 'origin', '--local');
    expect((await repo.json('remote', 'list'))['remotes']).toMatchObject([
      { url: 's3://models/prod', trusted: true },
    ]);
  });
});

describe('the default remote', () => {
  test('is the only one, or the one that was chosen', async () => {
    const repo = await registryRepo();
    const value = async (): Promise<unknown> => (await repo.json('config', 'get', 'defaultRemote'))['value'];
    expect(await value()).toBeNull();
    expect((await repo.run('config', 'get', 'defaultRemote')).stdout).toBe('\n');
    await repo.json('remote', 'add', 'origin', 's3://models/prod');
    expect(await value()).toBe('origin');
    await repo.json('remote', 'add', 'backup', 's3://models/backup');
    expect(await value()).toBeNull();
    await repo.json('config', 'set', 'defaultRemote', 'backup');
    expect(await value()).toBe('backup');
    expect((await repo.run('config', 'list')).stdout).toMatch(/defaultRemote +backup +config\.json/);
  });

  test('must be a remote that those who share the setting know', async () => {
    const repo = await registryRepo();
    await repo.json('remote', 'add', 'mine', 's3://models/mine', '--local');
    expect(await repo.failure('config', 'set', 'defaultRemote', 'mnie')).toMatchObject({
      code: 'REMOTE_NOT_FOUND',
      hint: 'did you mean mine?',
    });
    expect(await repo.failure('config', 'set', 'defaultRemote', 'mine')).toMatchObject({
      code: 'REMOTE_NOT_SHARED',
      exitCode: 2,
    });
    await repo.json('config', 'set', 'defaultRemote', 'mine', '--local');
  });

  test('is asked for by name where there are several and none is chosen', async () => {
    const repo = await registryRepo();
    expect(await repo.failure('remote', 'test')).toMatchObject({ code: 'NO_REMOTE', exitCode: 2 });
    await repo.json('remote', 'add', 'a', 's3://models/a');
    await repo.json('remote', 'add', 'b', 's3://models/b');
    expect(await repo.failure('remote', 'test')).toMatchObject({ code: 'NO_REMOTE', exitCode: 2 });
  });
});

describe('init --remote', () => {
  async function fresh(): Promise<(...words: string[]) => ReturnType<typeof runCli>> {
    const repo = await tempGitRepo();
    return (...words) => runCli(['-C', repo.root, ...words], { cwd: repo.root, env: repo.env });
  }

  test('adds origin, and again changes nothing', async () => {
    const run = await fresh();
    const path = await share();
    const first = await run('init', '--json', '--remote', path);
    expect(JSON.parse(first.stdout)).toMatchObject({ data: { created: true, remote: path } });
    expect(JSON.parse(readFileSync(join(path, 'mlops-remote.json'), 'utf8'))).toEqual({
      schema: 'mlops.remote/1',
    });
    const again = await run('init', '--json', '--remote', path);
    expect(JSON.parse(again.stdout)).toMatchObject({ data: { created: false, written: [] } });
    expect((await run('remote', 'test')).code).toBe(0);
    const other = await share();
    mkdirSync(other);
    expect((await run('init', '--remote', other)).code).toBe(5);
  });

  test('with a URL that is none is exit 2 and creates nothing', async () => {
    const repo = await tempGitRepo();
    const { code } = await runCli(['init', '--remote', 'gs://models'], { cwd: repo.root, env: repo.env });
    expect(code).toBe(2);
    expect(existsSync(join(repo.root, '.mlops'))).toBe(false);
  });
});
