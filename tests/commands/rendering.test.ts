import { describe, expect, test } from 'vitest';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

async function prepared(): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.save('fraud', 'v1', '--metric', 'auc=0.9');
  await repo.save('fraud', 'v2', '--metric', 'auc=0.95');
  await repo.json('promote', 'fraud@v1', '--reason', 'first release');
  return repo;
}

const LATER = new Date(Date.now() + 3 * 60 * 60 * 1000);

describe('times', () => {
  test.each([['list'], ['list', 'fraud'], ['show', 'fraud@v1'], ['history', 'fraud']])(
    'of %s %s are relative on a terminal and RFC 3339 anywhere else',
    async (...argv) => {
      const repo = await prepared();
      const terminal = await repo.runWith({ tty: true, columns: 200, now: LATER }, ...argv);
      const piped = await repo.runWith({ now: LATER }, ...argv);
      expect(terminal.stdout).toMatch(/[23] hours ago/);
      expect(terminal.stdout).not.toMatch(/\d{4}-\d\d-\d\dT/);
      expect(piped.stdout).toMatch(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/);
      expect(piped.stdout).not.toContain('ago');
    },
  );
});

describe('what people see', () => {
  test('of list is a row a version, newest first, with the stages and the metrics', async () => {
    const repo = await prepared();
    const [header = '', ...rows] = (await repo.run('list', 'fraud')).stdout.trimEnd().split('\n');
    expect(header.split(/ {2,}/)).toEqual(['VERSION', 'STAGES', 'auc', 'SIZE', 'DIGEST', 'CREATED', 'BY']);
    expect(rows.map((row) => row.split(/ +/).slice(0, 2))).toEqual([
      ['v2', '0.95'],
      ['v1', 'production'],
    ]);
  });

  test('of promote and rollback is where the stage is now, and the next command as a hint', async () => {
    const repo = await prepared();
    const promoted = await repo.run('promote', 'fraud', 'v2');
    expect(promoted.stdout).toBe('fraud: production is now v2 (was v1)\n');
    expect(promoted.stderr).toBe('hint: commit it: git commit -m "Promote fraud v2 to production"\n');
    expect((await repo.run('promote', 'fraud@v2')).stdout).toBe(
      'fraud: production is v2 already; nothing was written\n',
    );
    expect((await repo.run('rollback', 'fraud', '--reason', 'x')).stdout).toBe(
      'fraud: production is back at v1 (was v2)\n',
    );
  });

  test('of an error is what happened and the next command to type', async () => {
    const repo = await prepared();
    expect(await repo.run('load', 'fraud@v9', '-o', 'x')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: fraud has no version or stage "v9"\nhint: did you mean fraud@v1, fraud@v2?\n',
    });
  });

  test('is nothing on stdout with --quiet, and no hint', async () => {
    const repo = await prepared();
    expect(await repo.run('promote', 'fraud@v2', '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('is coloured only where colour was asked for', async () => {
    const repo = await prepared();
    expect((await repo.runWith({ tty: true, color: true }, 'list')).stdout).toContain('\u001b[1m');
    expect((await repo.runWith({ tty: true }, 'list')).stdout).not.toContain('\u001b');
  });

  test('fits the terminal, and is whole where it is none', async () => {
    const repo = await prepared();
    const narrow = await repo.runWith({ tty: true, columns: 60 }, 'list', 'fraud');
    expect(Math.max(...narrow.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    expect((await repo.run('list', 'fraud')).stdout).toContain('Test User');
  });
});

test('outside of a repository every command says how to make one', async () => {
  const repo = await registryRepo();
  for (const argv of [['list'], ['show', 'm'], ['verify'], ['history']]) {
    const { code, stderr } = await repo.runWith({ cwd: '/' }, ...argv);
    expect({ argv, code }).toEqual({ argv, code: 2 });
    expect(stderr).toContain('hint: create one: git init && mlops init');
  }
});

test('headers name references and metrics as they are written', async () => {
  const repo = await prepared();
  expect((await repo.run('diff', 'fraud@v1', 'fraud@v2')).stdout.split('\n')[0]).toMatch(
    /^ +fraud@v1 +fraud@v2 +CHANGE$/,
  );
  expect((await repo.run('list')).stdout.split('\n')[0]).toMatch(/ production /);
});

describe('names that do not exist', () => {
  test.each([
    [['show', 'zebra'], 'there are churn, fraud'],
    [['show', 'fraud@completely-else'], 'there are fraud@v2, fraud@v1'],
    [['list', '--stage', 'zebra'], 'there are staging, production; add it: mlops config set stages '],
  ])('%j is exit 2 and says which there are when none is near', async (argv, hint) => {
    const repo = await prepared();
    await repo.save('churn', 'v1');
    expect(await repo.failure(...argv)).toMatchObject({ exitCode: 2, hint: expect.stringContaining(hint) });
  });
});

test.each([
  ['--stage', 'staging'],
  ['--filter', 'metrics.auc > 2'],
])('list %s %s without a match does not say that there are no models', async (...options) => {
  const repo = await prepared();
  expect(await repo.run('list', ...options)).toEqual({ code: 0, stdout: 'No models match\n', stderr: '' });
});

test('delete of a version that two stages hold names both and how to move one', async () => {
  const repo = await prepared();
  await repo.json('promote', 'fraud@v1', '--to', 'staging');
  expect(await repo.failure('delete', 'fraud@v1', '--reason', 'x')).toMatchObject({
    message: expect.stringContaining('production and staging hold it'),
    hint: 'move the stage first: mlops promote fraud@<other version> --to production',
  });
});

describe('a model.json that can not be trusted', () => {
  test.each([
    ['{"schema":', 3, 'model.json'],
    ['<<<<<<< ours\n=======\n>>>>>>> theirs\n', 5, 'conflict'],
  ])('such as %j is a warning and exit %i, and the rest is shown', async (text, exit, warning) => {
    const repo = await prepared();
    await repo.write('.mlops/models/fraud/model.json', text);
    for (const argv of [['list'], ['list', 'fraud'], ['show', 'fraud@v1'], ['history', 'fraud']]) {
      const { code, stdout, stderr } = await repo.run(...argv);
      expect({ argv, code }).toEqual({ argv, code: exit });
      expect(stdout).toContain('v1');
      expect(stderr).toContain(warning);
    }
    expect((await repo.run('verify', '--metadata-only')).code).toBe(exit);
  });
});
