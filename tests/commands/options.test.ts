import { existsSync } from 'node:fs';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registryRepo } from '../support/registry-repo.ts';

describe('config set stages', () => {
  test('refuses a stage with the label of a version, also of a deleted one', async () => {
    const repo = await registryRepo();
    await repo.save('fraud', 'canary');
    await repo.save('fraud', 'v2');
    const before = await repo.read('.mlops/config.json');
    const argv = ['config', 'set', 'stages', 'staging, canary,production'];
    expect(await repo.failure(...argv)).toMatchObject({
      code: 'STAGE_INVALID',
      exitCode: 2,
      message: expect.stringContaining('"canary" is a version of fraud'),
    });
    await repo.json('delete', 'fraud@canary', '--reason', 'x');
    expect((await repo.failure(...argv)).code).toBe('STAGE_INVALID');
    expect(await repo.read('.mlops/config.json')).toBe(before);
    await repo.json('config', 'set', 'stages', 'staging,beta,production');
    expect(JSON.parse(await repo.read('.mlops/config.json'))).toMatchObject({
      stages: ['staging', 'beta', 'production'],
    });
  });
});

test('config unset goes back to the default, in all clones or in this one', async () => {
  const repo = await registryRepo();
  const value = async (): Promise<unknown> => (await repo.json('config', 'get', 'git.stage'))['value'];
  await repo.json('config', 'set', 'git.stage', 'false');
  await repo.json('config', 'set', 'git.stage', 'true', '--local');
  expect(await value()).toBe(true);
  expect(await repo.run('config', 'unset', 'git.stage', '--local')).toMatchObject({
    code: 0,
    stdout: 'git.stage is no longer set in this clone\n',
  });
  expect(await value()).toBe(false);
  expect((await repo.run('config', 'unset', 'git.stage')).stdout).toBe('git.stage is no longer set\n');
  expect(await value()).toBe(true);
  expect((await repo.failure('config', 'unset', 'git.stags')).code).toBe('UNKNOWN_SETTING');
});

test('load --file restores the files that match, and no others', async () => {
  const repo = await registryRepo();
  for (const path of ['model/a.json', 'model/weights.bin', 'model/sub/b.json']) await repo.write(path, path);
  await repo.json('save', 'fraud', 'model', '--version', 'v1');
  const data = await repo.json('load', 'fraud@v1', '--file', 'a.json', '--file', 'sub/*', '-o', 'out');
  expect(data).toMatchObject({ files: 2, outcome: 'restored' });
  expect(await repo.read('out/a.json')).toBe('model/a.json');
  expect(await repo.read('out/sub/b.json')).toBe('model/sub/b.json');
  expect(existsSync(join(repo.root, 'out/weights.bin'))).toBe(false);
});

test('list --all shows deleted versions too, and marks them', async () => {
  const repo = await registryRepo();
  for (const label of ['v1', 'v2']) await repo.save('fraud', label);
  await repo.json('delete', 'fraud@v1', '--reason', 'wrong');
  expect((await repo.run('list', 'fraud')).stdout).not.toContain('v1');
  expect((await repo.run('list', 'fraud', '--all')).stdout).toContain('v1 (deleted)');
  expect(await repo.json('list', 'fraud', '--all')).toMatchObject({
    versions: [
      { version: 'v2', deleted: false },
      { version: 'v1', deleted: true },
    ],
  });
});

test('save --dry-run says what would be stored, and writes nothing', async () => {
  const repo = await registryRepo();
  await repo.write('model.bin', 'bytes');
  const { code, stdout } = await repo.run('save', 'fraud', 'model.bin', '--version', 'v1', '--dry-run');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^Would save fraud@v1: .*\n  sha256:/),
  });
  expect(existsSync(join(repo.root, '.mlops/models/fraud'))).toBe(false);
  const packs = join(repo.root, '.mlops/cache/packs');
  expect(existsSync(packs) ? await readdir(packs) : []).toEqual([]);
  expect(await repo.git('status', '--short', '.mlops')).toBe('');
  expect(await repo.json('save', 'fraud', 'model.bin', '--version', 'v1', '--dry-run')).toMatchObject({
    dryRun: true,
  });
});

test('promote refuses an empty reason, as rollback does', async () => {
  const repo = await registryRepo();
  await repo.save('fraud', 'v1');
  for (const argv of [
    ['promote', 'fraud@v1', '--reason', ''],
    ['rollback', 'fraud', '--reason', ''],
  ]) {
    expect(await repo.failure(...argv)).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('--reason'),
    });
  }
  expect(await repo.json('history', 'fraud')).toMatchObject({ total: 1 });
});

test('show --files says which files are executable', async (ctx) => {
  if (process.platform === 'win32') ctx.skip('Windows has no executable bit');
  const repo = await registryRepo();
  for (const name of ['run.sh', 'weights.bin']) await repo.write(`model/${name}`, name);
  await chmod(join(repo.root, 'model/run.sh'), 0o755);
  await repo.json('save', 'fraud', 'model', '--version', 'v1');
  const { stdout } = await repo.run('show', 'fraud@v1', '--files');
  expect(stdout).toMatch(/^run\.sh +6 B +[0-9a-f]{16} +executable$/m);
  expect(stdout).toMatch(/^weights\.bin +11 B +[0-9a-f]{16}$/m);
});
