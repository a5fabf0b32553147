import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { useCredentials } from '../support/s3-store.ts';
import { startS3Server, type S3Server } from '../support/s3-server/server.ts';
import { tempDirectory } from '../support/temp-repo.ts';

interface Shared {
  server: S3Server;
  /** What the committed config.json says of `origin`. */
  settings: Record<string, unknown>;
  /** A clone as somebody has it who has said nothing yet. */
  clone: RegistryRepo;
  /** Requests since the clone was made. */
  requests(): number;
}

/** Two versions of a model and tracked data on a server that only the committed configuration of the clone names. */
async function shared(
  change: (settings: Record<string, unknown>) => void = () => undefined,
): Promise<Shared> {
  const server = await startS3Server();
  onTestFinished(() => server.close());
  useCredentials(server);
  vi.stubEnv('MLOPS_REMOTE_ATTEMPTS', '1');
  const here = await registryRepo();
  const settings: Record<string, unknown> = { url: 's3://test-bucket/models', endpoint: server.endpoint };
  await here.json('remote', 'add', 'origin', 's3://test-bucket/models', '--endpoint', server.endpoint);
  for (const label of ['v1', 'v2']) {
    await here.save('fraud', label);
    await here.json('promote', `fraud@${label}`, '--to', 'staging');
  }
  await here.write('data/train.csv', 'a,b\n');
  await here.json('data', 'add', 'data/train.csv');
  await here.json('push');
  change(settings);
  await here.write(
    '.mlops/config.json',
    JSON.stringify({ schema: 'mlops.config/1', remotes: { origin: settings } }),
  );
  await here.git('add', '--all');
  await here.git('commit', '--quiet', '-m', 'Share');
  const clone = await cloneOf(here, join(await tempDirectory(), 'clone'));
  const before = server.log.all().length;
  return { server, settings, clone, requests: () => server.log.all().length - before };
}

const COMMANDS: readonly (readonly string[])[] = [
  ['fetch'],
  ['pull'],
  ['load', 'fraud@v1', '-o', 'fraud.bin'],
  ['checkout'],
  ['status', '--remote'],
  ['show', 'fraud@v1', '--remote'],
  ['verify', '--remote'],
  ['promote', 'fraud@v2', '--to', 'production'],
  ['rollback', 'fraud', '--stage', 'staging', '--reason', 'x'],
  ['push', '--dry-run'],
  ['push'],
  ['remote', 'test'],
  ['gc', '--remote'],
];

describe('credentials go nowhere that only the committed configuration chose', () => {
  test('at an endpoint: every command that would ask it is exit 4 and sends nothing', async () => {
    const { clone, requests } = await shared();
    for (const argv of COMMANDS) {
      expect([argv, await clone.failure(...argv)]).toMatchObject([
        argv,
        {
          code: 'REMOTE_NOT_TRUSTED',
          exitCode: 4,
          hint: expect.stringContaining('mlops remote trust origin') as string,
        },
      ]);
    }
    expect(requests()).toBe(0);
    expect(existsSync(join(clone.root, '.mlops/local.json'))).toBe(false);
  }, 120_000);

  test('with a profile, even without an endpoint; and the profile is part of what is trusted', async () => {
    const { clone, requests, server } = await shared((settings) => {
      delete settings['endpoint'];
      Object.assign(settings, { profile: 'prod, admin', pathStyle: true, region: 'us-east-1' });
    });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
    const refused = await clone.failure('pull');
    expect(refused).toMatchObject({ code: 'REMOTE_NOT_TRUSTED', exitCode: 4 });
    expect(refused.message).toContain('your profile "prod, admin"');
    expect(requests()).toBe(0);
    const identity = 's3://test-bucket/models in us-east-1 as prod%2C%20admin';
    const { remotes } = await clone.json('remote', 'list');
    expect(remotes).toMatchObject([{ identity, trusted: false }]);
    const trusting = (value: string): ReturnType<RegistryRepo['runWith']> =>
      clone.runWith({ env: { MLOPS_TRUST_REMOTES: value } }, 'remote', 'list');
    expect((await trusting('s3://test-bucket/models in us-east-1')).stdout).toMatch(/ no\b/);
    expect((await trusting(identity)).stdout).toMatch(/ yes\b/);
  }, 120_000);

  test('but AWS itself, with the credentials of the person, is simply read', async () => {
    const { clone, requests, server } = await shared((settings) => {
      delete settings['endpoint'];
      Object.assign(settings, { pathStyle: true, region: 'us-east-1' });
    });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
    await clone.json('pull');
    expect(requests()).toBeGreaterThan(0);
    expect(await clone.read('data/train.csv')).toBe('a,b\n');
  }, 120_000);

  test('a yes at the terminal is asked for once, and remembered for push as well', async () => {
    const { clone, server, settings, requests } = await shared();
    const no = await clone.runWith({ tty: true, answer: 'n' }, 'pull');
    expect(no).toMatchObject({ code: 4 });
    expect(requests()).toBe(0);
    const { code, stderr } = await clone.runWith({ tty: true, answer: 'y' }, 'pull');
    expect({ code, asked: stderr.split('[y/N]').length - 1 }).toEqual({ code: 0, asked: 1 });
    expect(stderr).toContain(server.endpoint);
    expect(JSON.parse(await clone.read('.mlops/local.json'))).toMatchObject({
      trustedRemotes: [`s3://test-bucket/models at ${server.endpoint}`],
    });
    await clone.json('push');
    // Somebody commits a profile to it later.
    await clone.write(
      '.mlops/config.json',
      JSON.stringify({
        schema: 'mlops.config/1',
        remotes: { origin: { ...settings, profile: 'prod-admin' } },
      }),
    );
    expect(await clone.failure('status', '--remote')).toMatchObject({ code: 'REMOTE_NOT_TRUSTED' });
  }, 120_000);

  test('`remote trust`, MLOPS_TRUST_REMOTES and, for a push, --yes are the word where nobody can be asked', async () => {
    const { clone, server } = await shared();
    const env = { MLOPS_TRUST_REMOTES: `s3://test-bucket/models at ${server.endpoint}` };
    expect(await clone.failure('pull')).toMatchObject({ code: 'REMOTE_NOT_TRUSTED' });
    expect(await clone.runWith({ env }, 'fetch')).toMatchObject({ code: 0 });
    expect(await clone.run('push', '--dry-run', '--yes')).toMatchObject({ code: 0 });
    expect(await clone.run('remote', 'test', '--yes')).toMatchObject({ code: 0 });
    expect(await clone.failure('push', '--dry-run')).toMatchObject({ code: 'REMOTE_NOT_TRUSTED' });
    await clone.json('remote', 'trust', 'origin');
    await clone.json('pull');
    expect(await clone.read('data/train.csv')).toBe('a,b\n');
  }, 120_000);
});
