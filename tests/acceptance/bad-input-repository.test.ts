import { execFileSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { snapshot, twoModels } from '../support/bad-input.ts';
import type { RegistryRepo } from '../support/registry-repo.ts';

describe('a document below .mlops', () => {
  const version = '.mlops/models/fraud/versions/v2.json';
  const pointer = '.mlops/models/fraud/stages/production.json';
  const CONFLICT = '{\n<<<<<<< HEAD\n  "a": 1\n=======\n  "a": 2\n>>>>>>> other\n}\n';

  test.each([
    [
      'a record that is no JSON',
      version,
      '{\n  "createdAt": oops\n}\n',
      3,
      /versions\/v2\.json:2:16: expected a JSON value/,
    ],
    ['an empty record', version, '', 3, /versions\/v2\.json:1:1: /],
    ['a conflicted record', version, CONFLICT, 5, /versions\/v2\.json:2: .*merge conflict/],
    ['a pointer that is no JSON', pointer, '{"schema": "mlops.stage/1",,}', 3, /production\.json:1:28: /],
    ['a conflicted pointer', pointer, CONFLICT, 5, /production\.json: two branches moved the stage/],
    ['a record of binary rubbish', version, '\u0000\u0001\ufffd', 3, /v2\.json/],
  ])(
    'such as %s is named with its place, and other models stay usable',
    async (...[, path, content, exitCode, message]) => {
      const repo = await twoModels();
      await repo.write(path, content);
      for (const argv of [['list'], ['list', 'fraud'], ['verify']]) {
        const { code, stdout, stderr } = await repo.run(...argv);
        expect({ argv, code }).toEqual({ argv, code: exitCode });
        expect(stdout + stderr).toMatch(message);
      }
      expect((await repo.run('list')).stdout).toMatch(/^churn +1 +v1/m);
      for (const argv of [
        ['list', 'churn'],
        ['show', 'churn'],
        ['history', 'churn'],
        ['verify', 'churn'],
        ['load', 'churn', '-o', 'c.bin'],
      ]) {
        expect((await repo.run(...argv)).code, argv.join(' ')).toBe(0);
      }
      // Of a stage that can't be read only the version that it may hold is in doubt.
      const sound = path === pointer ? 'fraud@v2' : 'fraud@v1';
      expect((await repo.run('show', sound)).code).toBe(0);
    },
  );

  test('such as a damaged event is named by list, history and verify, which show the rest', async () => {
    const repo = await twoModels();
    const [first = ''] = (await repo.git('ls-files', '.mlops/models/fraud/events')).split('\n');
    await repo.write(first, (await repo.read(first)).replace('test@example.org', 'evil@example.org'));
    for (const argv of [['list'], ['history', 'fraud'], ['verify']]) {
      const { code, stdout, stderr } = await repo.run(...argv);
      expect({ argv, code }).toEqual({ argv, code: 3 });
      expect(stdout + stderr).toContain(first);
    }
    expect((await repo.run('history', 'fraud')).stdout.split('\n').filter(Boolean)).toHaveLength(2);
  });

  test('such as model.json is held against the format by verify', async () => {
    const repo = await twoModels();
    await repo.write('.mlops/models/churn/model.json', '{"model": "churn"');
    const { code, stdout } = await repo.run('verify', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      data: { damage: [{ kind: 'model', path: '.mlops/models/churn/model.json' }] },
    });
  });

  test('such as config.json that is no JSON is exit 3 with its place', async () => {
    const repo = await twoModels();
    await repo.write('.mlops/config.json', '{\n  "schema": "mlops.config/1",\n}\n');
    for (const argv of [['list'], ['verify'], ['promote', 'fraud@v1'], ['config', 'list']]) {
      const failure = await repo.failure(...argv);
      expect({ argv, ...failure }).toMatchObject({ argv, exitCode: 3 });
      expect(failure.message).toMatch(/^\.mlops\/config\.json:3:1: expected a key/);
      expect(failure.hint).toContain('git checkout HEAD -- .mlops/config.json');
    }
  });

  test('such as config.json with a wrong key is exit 2 with the key and what was meant', async () => {
    const repo = await twoModels();
    await repo.write('.mlops/config.json', '{"schema": "mlops.config/1", "stagse": ["a"]}');
    const { message, exitCode } = await repo.failure('list');
    expect(exitCode).toBe(2);
    expect(message).toMatch(/stagse.*did you mean "stages"/);
  });
});

describe('a format version that this program does not know', () => {
  const COMMANDS = [
    ['init'],
    ['list'],
    ['show', 'fraud'],
    ['load', 'fraud', '-o', 'x'],
    ['history'],
    ['verify'],
    ['doctor'],
    ['save', 'fraud', 'README.md'],
    ['promote', 'fraud@v2'],
    ['rollback', 'fraud', '--reason', 'x'],
    ['annotate', 'fraud', '--tag', 'a=b'],
    ['delete', 'fraud@v2', '--reason', 'x'],
    ['export', 'fraud', '-o', 'x.tar.gz'],
    ['config', 'set', 'git.stage', 'false'],
    ['unlock'],
  ];

  test.each([
    ['a newer version', { requiredFeatures: [], schema: 'mlops.format/1', version: 2 }],
    ['a newer document', { schema: 'mlops.format/2', version: 9 }],
  ])('such as %s is exit 2 for every command, and every byte stays as it is', async (_what, format) => {
    const repo = await twoModels();
    await repo.write('.mlops/format.json', canonicalJson(format));
    const before = await snapshot(repo.root);
    const index = await repo.git('ls-files', '--stage');
    for (const argv of COMMANDS) {
      expect({ argv, ...(await repo.failure(...argv)) }).toMatchObject({
        argv,
        code: 'FORMAT_UNSUPPORTED',
        exitCode: 2,
      });
    }
    expect(await snapshot(repo.root)).toEqual(before);
    expect(await repo.git('ls-files', '--stage')).toBe(index);
  });

  test('such as an unknown feature lets one read, and refuses every write', async () => {
    const repo = await twoModels();
    await repo.write(
      '.mlops/format.json',
      canonicalJson({ requiredFeatures: ['sharding'], schema: 'mlops.format/1', version: 1 }),
    );
    const before = await snapshot(repo.root);
    for (const argv of [['list'], ['show', 'fraud'], ['history'], ['verify']])
      expect((await repo.run(...argv)).code).toBe(0);
    for (const argv of [
      ['save', 'fraud', 'README.md'],
      ['promote', 'fraud@v2'],
      ['annotate', 'fraud', '--tag', 'a=b'],
      ['delete', 'fraud@v2', '--reason', 'x'],
    ]) {
      const failure = await repo.failure(...argv);
      expect({ argv, ...failure }).toMatchObject({
        argv,
        code: 'FORMAT_UNSUPPORTED',
        exitCode: 2,
        message: expect.stringContaining('sharding'),
      });
    }
    expect(await snapshot(repo.root)).toEqual(before);
  });
});

describe('a path that leads out', () => {
  async function withRecord(change: object): Promise<RegistryRepo> {
    const repo = await twoModels();
    const path = '.mlops/models/fraud/versions/v2.json';
    const record = JSON.parse(await repo.read(path)) as object;
    await repo.write(path, canonicalJson({ ...record, ...change }));
    return repo;
  }

  test.each([
    { path: '../../outside' },
    { path: '/etc/passwd' },
    { path: 'a/../../b' },
    { path: '.git/config' },
    { model: '../fraud' },
  ])('in a record (%j) is exit 4 and writes nothing', async (change) => {
    const repo = await withRecord(change);
    const before = await snapshot(dirname(repo.root));
    for (const argv of [
      ['load', 'fraud@v2'],
      ['load', 'fraud@v2', '--force'],
      ['promote', 'fraud@v2'],
      ['list', 'fraud'],
    ]) {
      expect({ argv, code: (await repo.run(...argv)).code }).toEqual({ argv, code: 4 });
    }
    expect(await snapshot(dirname(repo.root))).toEqual(before);
  });

  test.each([
    ['models', 'models'],
    ['the versions', 'models/fraud/versions'],
    ['the stages', 'models/fraud/stages'],
  ])('by a symbolic link in place of %s is refused with exit 4', async (_what, path) => {
    const repo = await twoModels();
    const outside = join(dirname(repo.root), 'outside');
    await mkdir(outside);
    const place = join(repo.root, '.mlops', path);
    execFileSync('mv', [place, `${outside}/moved`]);
    await symlink(`${outside}/moved`, place);
    const before = await snapshot(outside);
    for (const argv of [
      ['list', 'fraud'],
      ['promote', 'fraud@v2'],
      ['save', 'fraud', 'README.md', '--version', 'v3'],
    ]) {
      expect({ argv, code: (await repo.run(...argv)).code }).toEqual({ argv, code: 4 });
    }
    expect(await snapshot(outside)).toEqual(before);
  });

  test.each([['.'], ['..'], ['.mlops'], ['.mlops/models'], ['.git'], ['.git/hooks']])(
    'as the target of load --force (%s) is refused, so that it can not replace the repository',
    async (target) => {
      const repo = await twoModels();
      const before = await snapshot(dirname(repo.root));
      expect(await repo.failure('load', 'fraud', '-o', target, '--force')).toMatchObject({
        code: 'UNSAFE_TARGET',
        exitCode: 4,
      });
      expect(await snapshot(dirname(repo.root))).toEqual(before);
    },
  );

  test.each([
    ['.mlops/format.json', '--force'],
    ['.mlops/b.tgz'],
    ['.mlops/new/b.tgz'],
    ['.git/HEAD', '--force'],
    ['.git/b.tgz'],
    ['.', '--force'],
  ])(
    'as the target of export (%s) is refused, so that it can not replace the repository',
    async (...words) => {
      const repo = await twoModels();
      const before = await snapshot(dirname(repo.root));
      const head = await repo.read('.git/HEAD');
      expect(await repo.failure('export', 'fraud@v1', '-o', ...words)).toMatchObject({
        code: 'UNSAFE_TARGET',
        exitCode: 4,
      });
      expect(await snapshot(dirname(repo.root))).toEqual(before);
      expect(await repo.read('.git/HEAD')).toBe(head);
      await expect(repo.read('.git/b.tgz')).rejects.toThrow(/ENOENT/);
    },
  );
});

describe('a place to write to', () => {
  test.each([
    ['file/b.tgz', 'repo/file'],
    ['file/deeper/b.tgz', 'repo/file'],
    ['/proc/b.tgz', '/proc/b.tgz'],
    ['/proc/missing/deeper/b.tgz', '/proc/missing'],
  ])('that takes no files (%s) is exit 6 for export and for load, naming it', async (target, named) => {
    const repo = await twoModels();
    await repo.write('file', 'in the way');
    const before = await snapshot(dirname(repo.root));
    const failure = await repo.failure('export', 'fraud@v1', '-o', target);
    expect(failure).toMatchObject({ exitCode: 6, code: 'IO_FAILED' });
    expect(failure.message).toContain(named);
    expect(failure.hint).not.toBeNull();
    expect((await repo.failure('load', 'fraud@v1', '-o', target)).exitCode).toBe(6);
    expect(await snapshot(dirname(repo.root))).toEqual(before);
  });

  test('whose directory is missing gets it', async () => {
    const repo = await twoModels();
    await repo.json('export', 'fraud@v1', '-o', 'new/deep/b.tgz');
    expect(await snapshot(join(repo.root, 'new'))).toHaveProperty('size', 1);
    await repo.json('load', 'fraud@v1', '-o', 'other/deep/model.bin');
    expect(await repo.read('other/deep/model.bin')).toBe('bytes of fraud v1');
  });
});
