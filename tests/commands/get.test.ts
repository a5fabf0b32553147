import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { runCli, type CliResult, type RunCliOptions } from '../support/run-cli.ts';
import {
  gitEnvironment,
  openTempRepo,
  tempDirectory,
  tempGitRepo,
  type TempGitRepo,
} from '../support/temp-repo.ts';

interface Team extends TempGitRepo {
  /** The directory in which the team's remote keeps its objects. */
  share: string;
}

const files = { 'weights.bin': Buffer.alloc(700_000, 7), 'config/params.json': Buffer.from('{"depth":3}\n') };

/** A repository with two pushed versions, `v1` in production; what is asked for is somewhere else. */
async function teamRepository(): Promise<Team> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'mlops-team-')));
  const root = join(base, 'repo');
  await mkdir(root);
  const identity = { GIT_AUTHOR_NAME: 'Test', GIT_AUTHOR_EMAIL: 'test@example.org' };
  const committer = { GIT_COMMITTER_NAME: 'Test', GIT_COMMITTER_EMAIL: 'test@example.org' };
  const repo = openTempRepo(root, { ...gitEnvironment(base), ...identity, ...committer });
  await repo.git('init', '--quiet', '-b', 'main');
  const share = join(repo.root, '..', 'share');
  await must(['init'], repo);
  await must(['remote', 'add', 'origin', share], repo);
  for (const label of ['v1', 'v2']) {
    for (const [path, bytes] of Object.entries(files)) {
      await mkdir(join(repo.root, 'build', path, '..'), { recursive: true });
      await writeFile(join(repo.root, 'build', path), label === 'v1' ? bytes : Buffer.concat([bytes, bytes]));
    }
    await must(['save', 'fraud', 'build', '--version', label], repo);
  }
  await must(['promote', 'fraud@v1'], repo);
  await must(['push'], repo);
  await repo.git('add', '.mlops');
  await repo.git('commit', '--quiet', '--message', 'models');
  return { ...repo, share };
}

async function must(argv: readonly string[], repo: TempGitRepo): Promise<CliResult> {
  const result = await runCli(argv, { cwd: repo.root, env: repo.env });
  if (result.code !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
  return result;
}

let team: Team;
beforeAll(async () => {
  team = await teamRepository();
});
afterAll(() => rm(join(team.root, '..'), { recursive: true, force: true }));

async function elsewhere(): Promise<string> {
  return mkdtemp(join(await tempDirectory(), 'work-'));
}

function get(cwd: string, argv: readonly string[], options: Partial<RunCliOptions> = {}): Promise<CliResult> {
  return runCli(['get', ...argv], { cwd, env: team.env, ...options });
}

describe('a version of another repository', () => {
  test('comes by its stage, byte for byte, without a clone', async () => {
    const cwd = await elsewhere();
    const result = await get(cwd, [team.root, 'fraud@production', '-o', 'model', '--yes', '--json']);
    expect(result.stderr).toBe('');
    const { data } = JSON.parse(result.stdout) as { data: Record<string, unknown> };
    expect(data).toMatchObject({
      model: 'fraud',
      version: 'v1',
      commit: (await team.git('rev-parse', 'HEAD')).trim(),
      path: join(cwd, 'model'),
      outcome: 'restored',
      files: 2,
    });
    for (const [path, bytes] of Object.entries(files)) {
      expect((await readFile(join(cwd, 'model', path))).equals(bytes)).toBe(true);
    }
    expect(await readdir(cwd)).toEqual(['model']);
    const again = await get(cwd, [team.root, 'fraud@production', '-o', 'model', '--yes']);
    expect(again).toMatchObject({ code: 0, stdout: 'model holds fraud@v1 already\n' });
  });

  test('comes in part, by version and from a path as it was typed', async () => {
    const cwd = await elsewhere();
    await symlink(team.root, join(cwd, '..', 'team'));
    const argv = ['../team', 'fraud', 'v2', '--file', '**/*.json', '-o', 'params', '--yes'];
    expect(await get(cwd, argv)).toMatchObject({ code: 0 });
    expect(await readdir(join(cwd, 'params'))).toEqual(['config']);
    expect(await readFile(join(cwd, 'params/config/params.json'), 'utf8')).toBe('{"depth":3}\n{"depth":3}\n');
  });

  test('comes from a branch, and is pinned by its digest', async () => {
    const cwd = await elsewhere();
    await team.git('branch', '--force', 'release', 'HEAD');
    const shown = JSON.parse((await must(['show', 'fraud@v2', '--json'], team)).stdout) as {
      data: { digest: string };
    };
    const pin = (digest: string): Promise<CliResult> =>
      get(cwd, [team.root, 'fraud@latest', '--rev', 'release', '-o', 'm', '--expect', digest, '--yes']);
    expect(await pin(`sha256:${'0'.repeat(64)}`)).toMatchObject({ code: 3 });
    expect(await readdir(cwd)).toEqual([]);
    expect(await pin(shown.data.digest)).toMatchObject({ code: 0 });
  });
});

describe('what only the other repository names', () => {
  test('is not read without a word of the person: exit 4', async () => {
    const cwd = await elsewhere();
    const refused = await get(cwd, [team.root, 'fraud@v1', '-o', 'm']);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain(team.share);
    expect(refused.stderr).toContain('--yes');
    expect(await readdir(cwd)).toEqual([]);
  });

  test('is read when the person says yes, and not when they say no', async () => {
    const cwd = await elsewhere();
    const ask = (answer: string): Promise<CliResult> =>
      get(cwd, [team.root, 'fraud@v1', '-o', 'm'], { tty: true, answer });
    expect(await ask('n')).toMatchObject({ code: 4 });
    expect(await ask('y')).toMatchObject({ code: 0 });
  });
});

test('a profile that only the other repository names needs a word too, also for a bucket on AWS', async () => {
  const evil = await tempGitRepo();
  await evil.git('pull', '--quiet', team.root, 'main');
  const remotes = { origin: { url: 's3://bucket-name', profile: 'prod-admin' } };
  await evil.write('.mlops/config.json', JSON.stringify({ schema: 'mlops.config/1', remotes }));
  await evil.git('commit', '--quiet', '--all', '--message', 'evil');
  const cwd = await elsewhere();
  expect(await get(cwd, [evil.root, 'fraud@v1', '-o', 'm'])).toMatchObject({ code: 4 });
  const asked = await get(cwd, [evil.root, 'fraud@v1', '-o', 'm'], { tty: true, answer: 'n' });
  expect(asked.code).toBe(4);
  expect(asked.stderr).toContain('your profile "prod-admin"? [y/N]');
});

describe('bad input', () => {
  test.each([
    [['/nowhere/at/all', 'fraud@v1'], 7, '/nowhere/at/all'],
    [['--', '--upload-pack=touch x', 'fraud@v1'], 2, 'no address'],
  ])('%j is exit %i', async (argv, code, words) => {
    const cwd = await elsewhere();
    const result = await get(cwd, argv);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(words);
    expect(await readdir(cwd)).toEqual([]);
  });

  test.each([
    ['an unknown model, with the nearest name', ['frad@v1'], 'did you mean fraud'],
    ['an unknown version', ['fraud@v9'], 'v9'],
    ['an unknown branch', ['fraud@v1', '--rev', 'nope'], 'nope'],
    ['an unknown remote', ['fraud@v1', '--remote', 'nope'], 'nope'],
  ])('%s is exit 2', async (_, argv, words) => {
    const cwd = await elsewhere();
    const result = await get(cwd, [team.root, ...argv, '-o', 'm', '--yes']);
    expect(result.stderr).toContain(words);
    expect(result.code).toBe(2);
    expect(await readdir(cwd)).toEqual([]);
  });

  test('what the other repository lacks is not to be saved or promoted here', async () => {
    const bare = await tempGitRepo({ files: { 'README.md': 'x' } });
    await must(['init'], bare);
    await bare.git('add', '.mlops');
    await bare.git('commit', '--quiet', '--message', 'no models');
    for (const [root, ref] of [
      [bare.root, 'fraud@v1'],
      [bare.root, 'sha256:00000000'],
      [team.root, 'fraud@staging'],
    ] as const) {
      const result = await get(await elsewhere(), [root, ref, '-o', 'm', '--yes']);
      expect(result.code).toBe(2);
      expect(result.stderr).toContain(`${root} was read at `);
      expect(result.stderr).toContain('--rev');
      expect(result.stderr).not.toMatch(/mlops (?:save|promote|list)/);
    }
  });

  test('a repository without .mlops is exit 2', async () => {
    const plain = await tempGitRepo({ files: { x: '1' } });
    const result = await get(await elsewhere(), [plain.root, 'fraud@v1']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('.mlops/format.json');
  });

  test('a target that exists and differs is exit 5, one that holds the own repository exit 4', async () => {
    const own = await tempGitRepo({ files: { model: 'mine' } });
    expect(await get(own.root, [team.root, 'fraud@v1', '-o', 'model', '--yes'])).toMatchObject({ code: 5 });
    expect(await readFile(join(own.root, 'model'), 'utf8')).toBe('mine');
    for (const target of ['.', '.git', '.git/hooks']) {
      const result = await get(own.root, [team.root, 'fraud@v1', '-o', target, '--yes', '--force']);
      expect(result.code).toBe(4);
    }
    expect(await own.git('status', '--porcelain')).toBe('');
  });

  test('a remote at an address where clouds hand out credentials is refused, also with --yes', async () => {
    const evil = await tempGitRepo();
    await evil.git('pull', '--quiet', team.root, 'main');
    const endpoint = 'http://169.254.169.254';
    const remotes = { origin: { url: 's3://bucket-name', endpoint } };
    await evil.write('.mlops/config.json', JSON.stringify({ schema: 'mlops.config/1', remotes }));
    await evil.git('commit', '--quiet', '--all', '--message', 'evil');
    const result = await get(await elsewhere(), [evil.root, 'fraud@v1', '-o', 'm', '--yes']);
    expect(result.stderr).toContain('169.254.169.254');
    expect(result.code).toBe(4);
  });

  test('a link in place of a document counts as none', async () => {
    const evil = await tempGitRepo({ files: { 'README.md': 'x' } });
    await must(['init'], evil);
    await rm(join(evil.root, '.mlops/format.json'));
    await symlink('/etc/passwd', join(evil.root, '.mlops/format.json'));
    await evil.git('add', '.mlops');
    await evil.git('commit', '--quiet', '--message', 'evil');
    const result = await get(await elsewhere(), [evil.root, 'fraud@v1', '--yes']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('.mlops/format.json');
    expect(result.stderr).not.toContain('root:');
  });
});

test('whatever happens, nothing is left in the temporary directory', async () => {
  const scratch = join(await tempDirectory(), 'tmp');
  await mkdir(scratch);
  const cwd = await elsewhere();
  vi.stubEnv('TMPDIR', scratch);
  onTestFinished(() => void vi.unstubAllEnvs());
  await get(cwd, [team.root, 'fraud@v1', '-o', 'm', '--yes']);
  await get(cwd, [team.root, 'fraud@v9', '-o', 'n', '--yes']);
  await get(cwd, ['/nowhere', 'fraud@v9', '-o', 'n', '--yes']);
  expect(await readdir(scratch)).toEqual([]);
});
