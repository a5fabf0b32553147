import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mlops } from '../support/binary.ts';
import { tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

const WEIGHTS = Buffer.from(
  Array.from({ length: 300_000 }, (_none, index) => (index * 2_654_435_761) >>> 24),
);

/** Of the first version: the same wherever the repository lies. */
const DIGEST = 'sha256:6eeccd433dea4cd9404cea8834b4f707d19357e08192a3765f903a98807873fb';

interface Shell {
  /** `data` of a command run by the real program with `--json`; fails unless it ends with 0 and says nothing else. */
  json<T = Record<string, unknown>>(...argv: string[]): Promise<T>;
}

function shellIn(repo: TempGitRepo, cwd: string = repo.root, prefix: readonly string[] = []): Shell {
  return {
    async json<T>(...argv: string[]) {
      const { code, stdout, stderr } = await mlops([...prefix, ...argv, '--json'], { cwd, env: repo.env });
      expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: '' });
      const document = JSON.parse(stdout) as { schemaVersion: number; data: T };
      expect(document.schemaVersion).toBe(1);
      return document.data;
    },
  };
}

async function writeModel(repo: TempGitRepo, directory: string, version: number): Promise<void> {
  await repo.write(`${directory}/weights.bin`, Buffer.concat([WEIGHTS, Buffer.from([version])]));
  await repo.write(`${directory}/configuração ✓.json`, JSON.stringify({ version }));
  await repo.write(`${directory}/empty`, '');
}

/** init, save twice, list, show, promote twice, roll back, load, verify; paths are as seen from where the shell is. */
async function mainJob(repo: TempGitRepo, shell: Shell, directory: string): Promise<string> {
  await shell.json('init');
  await writeModel(repo, 'models/new model', 1);
  const model = `${directory}models/new model`;
  const first = await shell.json<{ digest: string }>(
    'save',
    'fraud',
    model,
    '--bump',
    'major',
    '--metric',
    'auc=0.9',
  );
  await writeModel(repo, 'models/new model', 2);
  const second = await shell.json<{ digest: string; blobs: unknown }>(
    'save',
    'fraud',
    model,
    '--bump',
    'minor',
    '--metric',
    'auc=0.95',
    '--commit',
  );
  expect(second).toMatchObject({ version: 'v1.1.0', files: 3 });
  expect((await shell.json<{ versions: unknown[] }>('list', 'fraud')).versions).toMatchObject([
    { version: 'v1.1.0', metrics: { auc: 0.95 } },
    { version: 'v1.0.0', metrics: { auc: 0.9 }, digest: first.digest },
  ]);
  await shell.json('promote', 'fraud@v1.0.0');
  expect(await shell.json('promote', 'fraud', 'v1.1.0')).toMatchObject({
    previous: 'v1.0.0',
    stage: 'production',
  });
  expect(await shell.json('rollback', 'fraud', '--reason', 'worse')).toMatchObject({
    version: 'v1.0.0',
    previous: 'v1.1.0',
  });
  expect(await shell.json('show', 'fraud@production')).toMatchObject({
    version: 'v1.0.0',
    path: 'models/new model',
    stages: ['production'],
  });
  await shell.json(
    'load',
    'fraud@production',
    '-o',
    `${directory}wieder hergestellt`,
    '--expect',
    first.digest,
  );
  expect(await readFile(join(repo.root, 'wieder hergestellt/weights.bin'))).toEqual(
    Buffer.concat([WEIGHTS, Buffer.from([1])]),
  );
  expect(await repo.read('wieder hergestellt/configuração ✓.json')).toBe('{"version":1}');
  expect((await stat(join(repo.root, 'wieder hergestellt/empty'))).size).toBe(0);
  expect(await shell.json('verify', '--deep')).toMatchObject({
    damage: [],
    notices: [],
    checked: { records: 2, events: 5, manifests: 2 },
  });
  expect(
    (await shell.json<{ events: { type: string }[] }>('history', 'fraud')).events.map(({ type }) => type),
  ).toEqual(['rolled-back', 'promoted', 'promoted', 'saved', 'saved']);
  return first.digest;
}

describe('the main job, by the real program', () => {
  test('at the root, with a bundle carried into another repository, and completion', async () => {
    const repo = await tempGitRepo({ files: { 'README.md': 'a project\n' } });
    const shell = shellIn(repo);
    await mainJob(repo, shell, '');
    const bundle = join(repo.root, '../fraude à emporter.tar.gz');
    const { digest } = await shell.json<{ digest: string }>('export', 'fraud@production', '-o', bundle);

    const other = await tempGitRepo();
    const elsewhere = shellIn(other);
    await elsewhere.json('init');
    expect(await elsewhere.json('import', bundle)).toMatchObject({
      model: 'fraud',
      version: 'v1.0.0',
      digest,
    });
    expect(await elsewhere.json('import', bundle)).toMatchObject({ event: null });
    await elsewhere.json('promote', 'fraud');
    await elsewhere.json('load', 'fraud@production', '-o', 'carried');
    expect(await readFile(join(other.root, 'carried/weights.bin'))).toEqual(
      Buffer.concat([WEIGHTS, Buffer.from([1])]),
    );
    expect(await elsewhere.json('verify', '--deep')).toMatchObject({
      damage: [],
      checked: { records: 1, events: 2 },
    });

    const script = await mlops(['completion', 'bash'], { cwd: repo.root, env: repo.env });
    expect(script).toMatchObject({ code: 0, stdout: expect.stringContaining('mlops') });
  });

  test('from a directory below the root', async () => {
    const repo = await tempGitRepo({ files: { 'deep/er/keep': '' } });
    await mainJob(repo, shellIn(repo, join(repo.root, 'deep/er')), '../../');
    expect(await repo.git('status', '--porcelain', '--', '.mlops')).toMatch(
      /^A {2}\.mlops\/models\/fraud\/events\//m,
    );
  });

  test('from anywhere, with -C', async () => {
    const repo = await tempGitRepo({ files: { 'README.md': '' } });
    expect(await mainJob(repo, shellIn(repo, join(repo.root, '..'), ['-C', 'repo']), '')).toBe(DIGEST);
  });

  test('in a linked work tree, without touching the main one', async () => {
    const main = await tempGitRepo({ files: { 'README.md': '' } });
    const path = join(main.root, '../work tree ü');
    await main.git('worktree', 'add', '--quiet', '-b', 'side', path);
    const { openTempRepo } = await import('../support/temp-repo.ts');
    const repo = openTempRepo(path, main.env);
    await mainJob(repo, shellIn(repo), '');
    expect(await main.git('status', '--porcelain')).toBe('');
  });

  test('where the repository itself lies in a path with spaces and letters of other scripts', async () => {
    const base = await tempGitRepo();
    const path = join(base.root, '../проект with spaces — 模型');
    await mkdir(path);
    const { openTempRepo } = await import('../support/temp-repo.ts');
    const repo = openTempRepo(path, base.env);
    await repo.git('init', '--quiet', '-b', 'main');
    expect(await mainJob(repo, shellIn(repo), '')).toBe(DIGEST);
  });
});
