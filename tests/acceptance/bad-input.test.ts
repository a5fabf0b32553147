import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type JsonValue } from '../../src/lib/canonical-json.ts';
import { hostileBundle, sha256, type HostileEntry } from '../support/hostile-bundle.ts';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

/** Every entry below a directory with a digest of what it is; indexes and lock files are nobody's data. */
async function snapshot(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(directory, { recursive: true })) {
    if (/(?:^|[/\\])\.git[/\\]|(?:^|[/\\])\.mlops[/\\](?:cache[/\\]index|tmp)[/\\]/.test(name)) continue;
    const path = join(directory, name);
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) found.set(name, `link to ${await readlink(path)}`);
    else if (stats.isFile())
      found.set(
        name,
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      );
  }
  return found;
}

async function twoModels(): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.save('fraud', 'v1');
  await repo.save('fraud', 'v2');
  await repo.save('churn', 'v1');
  await repo.json('promote', 'fraud@v1');
  await repo.git('commit', '--quiet', '-m', 'Two models');
  return repo;
}

describe('an unknown name', () => {
  test.each([
    ['a model', ['show', 'frau'], 'MODEL_NOT_FOUND', 'fraud'],
    ['a model to list', ['list', 'chrn'], 'MODEL_NOT_FOUND', 'churn'],
    ['a model to roll back', ['rollback', 'fruad', '--reason', 'x'], 'MODEL_NOT_FOUND', 'fraud'],
    ['a model in the history', ['history', 'churm'], 'MODEL_NOT_FOUND', 'churn'],
    ['a version', ['load', 'fraud@v3'], 'VERSION_NOT_FOUND', 'fraud@v1'],
    ['a version to export', ['export', 'fraud@v12', '-o', 'x.tar.gz'], 'VERSION_NOT_FOUND', 'fraud@v1'],
    ['a stage', ['promote', 'fraud@v1', '--to', 'prodction'], 'STAGE_NOT_FOUND', 'production'],
    ['a stage to look at', ['show', 'fraud@productoin'], 'VERSION_NOT_FOUND', 'fraud@production'],
    ['a stage to list', ['list', '--stage', 'stagin'], 'STAGE_NOT_FOUND', 'staging'],
    ['a stage in the history', ['history', '--stage', 'productio'], 'STAGE_NOT_FOUND', 'production'],
    ['an option', ['list', '--limt', '3'], 'UNKNOWN_OPTION', '--limit'],
    ['a command', ['promot', 'fraud'], 'UNKNOWN_COMMAND', 'promote'],
    [
      'an attribute of a filter',
      ['list', 'fraud', '--filter', "creatdAt > '2026-01-01'"],
      'FILTER_INVALID',
      'createdAt',
    ],
  ])('of %s is exit 2 with the nearest one', async (_what, argv, code, nearest) => {
    const repo = await twoModels();
    const before = await snapshot(repo.root);
    const failure = await repo.failure(...argv);
    expect(failure).toMatchObject({ code, exitCode: 2 });
    expect(`${failure.message} ${failure.hint}`).toContain(nearest);
    expect(await snapshot(repo.root)).toEqual(before);
  });
});

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
      expect((await repo.run('show', 'fraud@v1')).code).toBe(0);
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

  test('such as config.json is exit 2 with the key and what was meant', async () => {
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

describe('a bundle', () => {
  const HEX = 'a'.repeat(64);

  /** The entries of an honest bundle of fraud@v1, and an empty repository to import into. */
  async function honest(): Promise<{ entries: HostileEntry[]; target: RegistryRepo; archive: Buffer }> {
    const source = await twoModels();
    await source.json('export', 'fraud@v1', '-o', 'bundle.tar.gz');
    const archive = await readFile(join(source.root, 'bundle.tar.gz'));
    const entries: HostileEntry[] = [];
    const plain = gunzipSync(archive);
    for (let offset = 0; offset + 512 <= plain.length && plain[offset] !== 0;) {
      const name = plain.toString('latin1', offset, offset + 100).replace(/\0.*$/s, '');
      const size = Number.parseInt(plain.toString('latin1', offset + 124, offset + 136), 8);
      entries.push({ name, content: plain.subarray(offset + 512, offset + 512 + size) });
      offset += 512 + Math.ceil(size / 512) * 512;
    }
    const target = await registryRepo();
    return { entries, target, archive };
  }

  async function importing(target: RegistryRepo, bundle: Uint8Array) {
    const path = join(dirname(target.root), 'hostile.tar.gz');
    await writeFile(path, bundle);
    const before = await snapshot(dirname(target.root));
    const status = await target.git('status', '--porcelain');
    const failure = await target.failure('import', path);
    expect(await snapshot(dirname(target.root))).toEqual(before);
    expect(await target.git('status', '--porcelain')).toBe(status);
    return failure;
  }

  test('that is honest is taken, so that the cases below fail for their own reasons', async () => {
    const { entries, target } = await honest();
    await target.write('bundle.tar.gz', hostileBundle(entries));
    expect(await target.json('import', 'bundle.tar.gz')).toMatchObject({ model: 'fraud', version: 'v1' });
  });

  const extra: [string, HostileEntry][] = [
    ['a path that leads out', { name: '../../escaped.json', content: '{}' }],
    ['an absolute path', { name: '/tmp/mlops-escaped.json', content: '{}' }],
    ['a symbolic link', { name: `packs/${HEX}`, type: 'SymbolicLink', linkpath: '../../../outside' }],
    ['a hard link', { name: `packs/${HEX}`, type: 'Link', linkpath: '/etc/passwd' }],
    ['a character device', { name: `packs/${HEX}`, type: 'CharacterDevice' }],
    ['a block device', { name: `packs/${HEX}`, type: 'BlockDevice' }],
    ['a FIFO', { name: `packs/${HEX}`, type: 'FIFO' }],
    ['a directory', { name: 'packs/', type: 'Directory' }],
    ['a name that no bundle has', { name: 'packs/../record.json', content: '{}' }],
    ['a claim of two gigabytes', { name: `packs/${HEX}`, size: 2 * 1024 ** 3 }],
  ];
  test.each(extra)(
    'with %s is refused with exit 4, wherever it stands, and writes nothing',
    async (_what, entry) => {
      const { entries, target } = await honest();
      expect(await importing(target, hostileBundle([entry, ...entries]))).toMatchObject({
        code: 'UNSAFE_BUNDLE',
        exitCode: 4,
      });
      expect(await importing(target, hostileBundle([...entries, entry]))).toMatchObject({
        code: 'UNSAFE_BUNDLE',
        exitCode: 4,
      });
    },
  );

  test('with an entry twice is refused with exit 4', async () => {
    const { entries, target } = await honest();
    for (const entry of entries) {
      expect(await importing(target, hostileBundle([...entries, entry]))).toMatchObject({
        code: 'UNSAFE_BUNDLE',
        exitCode: 4,
      });
    }
  });

  test('with a record or header that leads out is refused with exit 4', async () => {
    const { entries, target } = await honest();
    const change = (name: string, edit: (document: Record<string, unknown>) => object): HostileEntry[] => {
      const edited = entries.map((entry) => {
        if (entry.name !== name) return entry;
        const document = JSON.parse(Buffer.from(entry.content ?? '').toString()) as Record<string, unknown>;
        return { ...entry, content: canonicalJson(edit(document) as JsonValue) };
      });
      const record = edited.find((entry) => entry.name === 'record.json')?.content ?? '';
      return edited.map((entry) => {
        if (entry.name !== 'bundle.json') return entry;
        const header = JSON.parse(Buffer.from(entry.content ?? '').toString()) as Record<string, unknown>;
        return {
          ...entry,
          content: canonicalJson({ ...header, record: `sha256:${sha256(record)}` }),
        };
      });
    };
    for (const bundle of [
      change('record.json', (record) => ({ ...record, path: '../../../escaped' })),
      change('bundle.json', (header) => ({ ...header, model: '../../fraud' })),
      change('bundle.json', (header) => ({ ...header, version: '../../../v1' })),
    ]) {
      expect(await importing(target, hostileBundle(bundle))).toMatchObject({ exitCode: 4 });
    }
    const foreign = change('record.json', (record) => ({ ...record, size: 1 }));
    expect(await importing(target, hostileBundle(foreign))).toMatchObject({
      code: 'BUNDLE_DAMAGED',
      exitCode: 3,
    });
  });

  test('cut off anywhere, or no bundle at all, is refused and writes nothing', async () => {
    const { archive, target } = await honest();
    for (const length of [0, 1, 20, archive.length >> 1, archive.length - 1]) {
      const { exitCode } = await importing(target, archive.subarray(0, length));
      expect([2, 3, 4], `${length} of ${archive.length} bytes`).toContain(exitCode);
    }
    expect((await importing(target, Buffer.from('not a bundle'))).exitCode).toBe(2);
    expect((await importing(target, hostileBundle([]))).exitCode).toBe(2);
  });

  test('that expands a thousandfold is refused before it is expanded', async () => {
    const { target } = await honest();
    const bomb = hostileBundle([{ name: `packs/${HEX}`, content: Buffer.alloc(64 * 1024 * 1024) }]);
    expect(bomb.length).toBeLessThan(100_000);
    expect(await importing(target, bomb)).toMatchObject({ code: 'UNSAFE_BUNDLE', exitCode: 4 });
    const nested = gzipSync(bomb);
    expect((await importing(target, nested)).exitCode).toBe(2);
  });

  test('whose bytes were changed is an integrity failure, whichever object it is', async () => {
    const { entries, target } = await honest();
    for (const [index, { content = '' }] of entries.entries()) {
      const changed = Buffer.from(content);
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      const bundle = hostileBundle(
        entries.map((entry, at) => (at === index ? { ...entry, content: changed } : entry)),
      );
      const { exitCode } = await importing(target, bundle);
      expect([2, 3, 4], entries[index]?.name).toContain(exitCode);
    }
  });

  test('of a version that is here with other bytes is a conflict', async () => {
    const { archive, target } = await honest();
    await target.save('fraud', 'v1', '--tag', 'mine=yes');
    await target.git('commit', '--quiet', '-m', 'Mine');
    expect(await importing(target, archive)).toMatchObject({ code: 'VERSION_EXISTS', exitCode: 5 });
  });
});

describe('what a person types or gives', () => {
  test('a missing source is exit 2', async () => {
    const repo = await registryRepo();
    for (const argv of [
      ['save', 'm', 'nothing.bin'],
      ['save', 'm', 'README.md', '--data', 'train=nothing.csv'],
      ['save', 'm', 'README.md', '--metrics', 'nothing.json'],
      ['import', 'nothing.tar.gz'],
    ]) {
      expect({ argv, ...(await repo.failure(...argv)) }).toMatchObject({
        argv,
        code: 'SOURCE_MISSING',
        exitCode: 2,
        message: expect.stringContaining('nothing'),
      });
    }
    expect(await repo.json('list')).toMatchObject({ models: [] });
  });

  test('a NaN metric is stored and shown as NaN, and is null with the reason in JSON', async () => {
    const repo = await registryRepo();
    await repo.write('metrics.json', '{"loss": NaN, "bound": -Infinity, "auc": 0.5}');
    await repo.json(
      'save',
      'm',
      'README.md',
      '--version',
      'v1',
      '--metrics',
      'metrics.json',
      '--metric',
      'f1=nan',
    );
    expect(JSON.parse(await repo.read('.mlops/models/m/versions/v1.json'))).toMatchObject({
      metrics: { auc: 0.5, bound: '-Infinity', f1: 'NaN', loss: 'NaN' },
    });
    const shown = {
      metrics: { auc: 0.5, bound: null, f1: null, loss: null },
      nonFinite: { bound: '-Infinity', f1: 'NaN', loss: 'NaN' },
    };
    expect(await repo.json('show', 'm')).toMatchObject(shown);
    expect(await repo.json('list', 'm')).toMatchObject({ versions: [shown] });
    expect((await repo.run('show', 'm')).stdout).toMatch(/loss: +NaN/);
    expect((await repo.run('list', 'm')).stdout).toMatch(/NaN/);
    await repo.json('save', 'm', 'README.md', '--version', 'v2', '--metric', 'loss=1');
    const { metrics } = await repo.json<{ metrics: { name: string }[] }>('diff', 'm@v1', 'm@v2');
    expect(metrics.find(({ name }) => name === 'loss')).toEqual({
      name: 'loss',
      left: null,
      right: 1,
      delta: null,
      nonFinite: { left: 'NaN', right: null },
    });
    expect(await repo.json('verify')).toMatchObject({ damage: [] });
  });

  test.each([
    ['a 5 MB metrics file', ['--metrics', 'big.json'], /1048576/],
    ['10,000 tags', Array.from({ length: 10_000 }, (_none, index) => ['--tag', `t${index}=x`]).flat(), /256/],
    ['a long description', ['--description', 'x'.repeat(20_001)], /20,000/],
    [
      '1,001 metrics from a file and the command line together',
      ['--metrics', 'many.json', '--metric', 'one=1'],
      /1000/,
    ],
  ])('%s is refused with the limit named, and nothing is written', async (_what, options, limit) => {
    const repo = await registryRepo();
    await repo.write('big.json', `{"a": 1}${' '.repeat(5 * 1024 * 1024)}`);
    await repo.write(
      'many.json',
      JSON.stringify(Object.fromEntries(Array.from({ length: 1000 }, (_none, index) => [`m${index}`, 1]))),
    );
    const before = await snapshot(repo.root);
    const failure = await repo.failure('save', 'm', 'README.md', ...options);
    expect(failure).toMatchObject({ exitCode: 2, message: expect.stringMatching(limit) });
    expect(await snapshot(repo.root)).toEqual(before);
  });

  test.each([
    ['a model of 200 characters', ['save', 'm'.repeat(200), 'README.md'], /128/],
    ['a version of 200 characters', ['save', 'm', 'README.md', '--version', 'v'.repeat(200)], /64/],
    ['a model that Windows reserves', ['save', 'con', 'README.md'], /Windows/],
    ['a model that is a path', ['save', '../m', 'README.md'], /model/],
    ['the version "latest"', ['save', 'm', 'README.md', '--version', 'latest'], /latest/],
  ])('%s is refused with the limit named', async (_what, argv, limit) => {
    const repo = await registryRepo();
    expect(await repo.failure(...argv)).toMatchObject({ exitCode: 2, message: expect.stringMatching(limit) });
    expect(await repo.git('status', '--porcelain')).toBe('');
  });

  test('text with escape sequences never reaches the terminal raw', async () => {
    const repo = await registryRepo();
    const evil = 'x\u001b[2J\u001b]0;owned\u0007\u009b31m\u202ey';
    const env = { MLOPS_ACTOR: `Mallory${evil} <m@example.org>` };
    const run = (...argv: string[]) => repo.runWith({ env, tty: true }, ...argv);
    await repo.write('metrics.json', JSON.stringify({ [`loss${evil}`]: 1 }));
    expect(
      (
        await run(
          'save',
          'm',
          'README.md',
          '--version',
          'v1',
          '--tag',
          `t${evil}=${evil}`,
          '--param',
          `p${evil}=${evil}`,
          '--description',
          evil,
          '--metrics',
          'metrics.json',
        )
      ).code,
    ).toBe(0);
    expect((await run('save', 'm', 'metrics.json', '--version', 'v2', '--tag', `u=${evil}`)).code).toBe(0);
    expect((await run('promote', 'm@v1', '--reason', evil)).code).toBe(0);
    expect((await run('annotate', 'm@v1', '--tag', `n=${evil}`, '--description', `again ${evil}`)).code).toBe(
      0,
    );
    expect((await run('deprecate', 'm@v1', '--reason', evil)).code).toBe(0);
    await repo.write(`.mlops/models/m/events/20260101T000000000Z-${evil}.json`, '{}');
    for (const argv of [
      ['list'],
      ['list', 'm'],
      ['show', 'm@v1'],
      ['show', 'm@v1', '--files'],
      ['history', 'm'],
      ['diff', 'm@v1', 'm@v2'],
      ['verify'],
      ['doctor'],
      ['load', 'm@v1', '-o', `out${evil}`],
      ['load', 'm@v1', '-o', `out${evil}`],
      ['promote', 'm@v1'],
      ['show', `m@${evil}`],
      ['list', evil],
      ['list', 'm', '--filter', evil],
      ['export', 'm@v1', '-o', `bundle${evil}`],
      ['delete', 'm@v1', '--reason', evil],
    ]) {
      const { stdout, stderr } = await run(...argv);
      expect((stdout + stderr).length, argv.join(' ')).toBeGreaterThan(0);
      expect(stdout + stderr, argv.join(' ')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });
});
