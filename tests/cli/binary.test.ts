import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gitEnvironment, tempDirectory } from '../support/temp-repo.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/mlops.js');

async function mlops(
  argv: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<SpawnSyncReturns<string>> {
  const cwd = await tempDirectory();
  return spawnSync(process.execPath, [...nodeOptions, BIN, ...argv], {
    cwd,
    env: gitEnvironment(cwd),
    encoding: 'utf8',
  });
}

function pretend(version: string): string[] {
  const versions = `{ value: { ...process.versions, node: '${version}' } }`;
  return ['--import', `data:text/javascript,Object.defineProperty(process, 'versions', ${versions})`];
}

describe('the real program', () => {
  test('prints the version of the package, the fast way and the long way', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await mlops(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(await mlops(['--quiet', '--version'])).toMatchObject({
      status: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });

  test('says that it is not built where dist is missing, and hides no other missing module', async () => {
    const directory = await tempDirectory();
    cpSync(join(ROOT, 'bin'), join(directory, 'bin'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
    const run = () =>
      spawnSync(process.execPath, [join(directory, 'bin/mlops.js'), 'list'], {
        cwd: directory,
        env: gitEnvironment(directory),
        encoding: 'utf8',
      });
    expect(run()).toMatchObject({
      status: 70,
      stdout: '',
      stderr: 'error: mlops is not built\nhint: npm run build\n',
    });
    mkdirSync(join(directory, 'dist'));
    writeFileSync(join(directory, 'dist/main.cjs'), "require('./vendor/missing.cjs');\n");
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain('vendor/missing.cjs');
  });

  test.each(['18.20.4', '20.18.3'])(
    'on Node %s says which Node it needs, and does nothing else',
    async (version) => {
      const { status, stdout, stderr } = await mlops(['--help'], pretend(version));
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^error: mlops needs Node 20\.19 or newer; this is v[\d.]+\nhint: /);
    },
  );

  test.each(['20.19.0', '22.0.0', '24.1.0'])('runs on Node %s', async (version) => {
    expect(await mlops(['completion', 'fish'], pretend(version))).toMatchObject({ status: 0, stderr: '' });
  });

  test('returns the exit code of a mistake and writes to stderr only', async () => {
    const { status, stdout, stderr } = await mlops(['nope', '--json']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'UNKNOWN_COMMAND', exitCode: 2 } });
  });

  test('says that the directory it was started in is gone', async (ctx) => {
    if (process.platform === 'win32') ctx.skip('Windows keeps a directory that is in use');
    const cwd = await tempDirectory();
    const gone = join(cwd, 'gone');
    const script = `mkdir "$1" && cd "$1" && rmdir "$1" && shift && exec "$@"`;
    const words = ['-c', script, 'sh', gone, process.execPath, BIN, 'list', '--json'];
    const { status, stdout, stderr } = spawnSync('sh', words, {
      cwd,
      env: gitEnvironment(cwd),
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'DIRECTORY_MISSING', exitCode: 2 } });
  });

  test('respects NO_COLOR and FORCE_COLOR', async () => {
    const cwd = await tempDirectory();
    const stderr = (extra: Record<string, string>): string =>
      spawnSync(process.execPath, [BIN, 'nope'], {
        cwd,
        env: { ...gitEnvironment(cwd), ...extra },
        encoding: 'utf8',
      }).stderr;
    expect(stderr({})).not.toContain('\u001b');
    expect(stderr({ FORCE_COLOR: '1' })).toContain('\u001b[31merror:');
    expect(stderr({ FORCE_COLOR: '1', NO_COLOR: '1' })).not.toContain('\u001b');
  });

  test('ends quietly when the reader of its output has gone', async () => {
    const cwd = await tempDirectory();
    const child = spawn(process.execPath, [BIN, 'completion', 'bash'], { cwd, env: gitEnvironment(cwd) });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((done) => void child.on('close', done));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('a result that can not be written is an error of the disk', async (ctx) => {
    if (!existsSync('/dev/full')) ctx.skip('there is no /dev/full');
    const cwd = await tempDirectory();
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [BIN, 'completion', 'bash'], {
      cwd,
      env: gitEnvironment(cwd),
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(status).toBe(6);
    expect(stderr).toMatch(/^error: stdout: .*ENOSPC/);
  });

  test('ships the licences of what is bundled into it', () => {
    const text = readFileSync(join(ROOT, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['commander', 'chalk', 'zod'])
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm'));
  });
});
