import { expect, onTestFinished, test } from 'vitest';
import { startMlops, type Finished } from '../support/binary.ts';
import { startS3Server } from '../support/s3-server/server.ts';
import { tempGitRepo } from '../support/temp-repo.ts';

test('the program as it is installed talks to a bucket, and writes nothing else to the terminal', async () => {
  const server = await startS3Server();
  onTestFinished(() => server.close());
  const repo = await tempGitRepo();
  const env = {
    ...repo.env,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const run = (...argv: string[]): Promise<Finished> => startMlops(argv, { cwd: repo.root, env }).finished;
  expect(await run('init')).toMatchObject({ code: 0 });
  const added = await run(
    'remote',
    'add',
    'origin',
    's3://test-bucket/models',
    '--endpoint',
    server.endpoint,
  );
  expect(added).toMatchObject({ code: 0 });
  const tested = await run('remote', 'test', '--json');
  expect({ code: tested.code, stderr: tested.stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(tested.stdout)).toMatchObject({ data: { remote: 'origin', steps: { length: 6 } } });
  expect(server.objects.keys()).toEqual(['models/mlops-remote.json']);
  server.faults.add({ operation: 'GetObject', fault: { type: 'status', status: 403 } });
  const refused = await run('remote', 'test', '--json');
  expect(refused.code).toBe(7);
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'REMOTE_FORBIDDEN', exitCode: 7 } });
});

test('TLS works with an authority that NODE_EXTRA_CA_CERTS names, and is refused without', async () => {
  const server = await startS3Server({ tls: true });
  onTestFinished(() => server.close());
  const repo = await tempGitRepo();
  await repo.write('authority.pem', server.certificate ?? '');
  const env = {
    ...repo.env,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const run = (more: Record<string, string>, ...argv: string[]): Promise<Finished> =>
    startMlops(argv, { cwd: repo.root, env: { ...env, ...more } }).finished;
  await run({}, 'init');
  await run({}, 'remote', 'add', 'origin', 's3://test-bucket', '--endpoint', server.endpoint);
  const refused = await run({}, 'remote', 'test');
  expect(refused.code).toBe(7);
  expect(refused.stderr).toMatch(
    /PutObject in bucket "test-bucket" at 127\.0\.0\.1:\d+: no secure connection/,
  );
  expect(refused.stderr).toContain('NODE_EXTRA_CA_CERTS');
  const { code, stderr } = await run({ NODE_EXTRA_CA_CERTS: `${repo.root}/authority.pem` }, 'remote', 'test');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('a person at a terminal that is none is not asked', async () => {
  const repo = await tempGitRepo();
  const run = (...argv: string[]): Promise<Finished> =>
    startMlops(argv, { cwd: repo.root, env: repo.env }).finished;
  await run('init');
  await repo.write(
    '.mlops/config.json',
    '{"schema":"mlops.config/1","remotes":{"origin":{"url":"s3://models"}}}',
  );
  const { code, stderr } = await run('remote', 'test');
  expect(code).toBe(4);
  expect(stderr).toContain('mlops remote trust origin');
});
