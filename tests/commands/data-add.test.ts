import { readdir, stat, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registryRepo } from '../support/registry-repo.ts';
import { tempDirectory } from '../support/temp-repo.ts';
import { eventsOf, statusOf, tracked, type Added } from '../support/tracked-data.ts';

describe('data add', () => {
  test('keeps the bytes out of Git and a pointer in it', async () => {
    const repo = await registryRepo();
    await repo.write('data/train.csv', 'a,b\n1,2\n');
    const { paths } = await repo.json<Added>('data', 'add', 'data/train.csv', '--commit');
    expect(paths).toMatchObject([{ path: 'data/train.csv', outcome: 'tracked', previous: null }]);
    expect(await repo.git('status', '--porcelain')).toBe('');
    const files = (await repo.git('show', '--name-only', '--format=')).split('\n').toSorted();
    expect(files).toEqual([
      expect.stringMatching(/^\.mlops\/data\/data\/train\.csv\.json$/),
      expect.stringMatching(/^\.mlops\/events\/\d{8}T\d{9}Z-tracked-[0-9a-f]{16}\.json$/),
      'data/.gitignore',
    ]);
    expect(JSON.parse(await repo.read('.mlops/data/data/train.csv.json'))).toEqual({
      digest: paths[0]?.digest,
      files: 1,
      kind: 'file',
      path: 'data/train.csv',
      schema: 'mlops.data/1',
      size: 8,
    });
    expect(await repo.read('data/.gitignore')).toBe('/train.csv\n');
  });

  test('moves the pointer when the content changed, and writes nothing when it did not', async () => {
    const repo = await tracked();
    const commit = await repo.git('rev-parse', 'HEAD');
    const again = await repo.json<Added>('data', 'add', 'data/train.csv', '--commit');
    expect(again.paths).toMatchObject([{ outcome: 'unchanged' }]);
    expect(await repo.git('rev-parse', 'HEAD')).toBe(commit);
    await repo.write('data/train.csv', 'second\n');
    const moved = await repo.json<Added>('data', 'add', 'data/train.csv');
    expect(moved.paths).toMatchObject([{ outcome: 'moved', previous: again.paths[0]?.digest }]);
    const [first, second] = await eventsOf(repo);
    expect(second).toMatchObject({
      type: 'tracked',
      from: again.paths[0]?.digest,
      to: moved.paths[0]?.digest,
      subject: { path: 'data/train.csv' },
    });
    expect(first).toMatchObject({ parents: [] });
    expect(second).toMatchObject({ parents: [expect.any(String)] });
    expect(await repo.read('data/.gitignore')).toBe('/train.csv\n');
    expect((await repo.git('diff', '--cached', '--name-only')).split('\n')).toHaveLength(2);
  });

  test('leaves every other byte of .gitignore alone, and its line endings', async () => {
    const repo = await registryRepo();
    await repo.write('data/.gitignore', Buffer.from('# caf\u00e9\r\n*.tmp\r\nodd \xff', 'latin1'));
    await repo.write('data/a [1].csv', 'x');
    await repo.json('data', 'add', 'data/a [1].csv');
    const expected = Buffer.from('# caf\u00e9\r\n*.tmp\r\nodd \xff\r\n/a \\[1].csv\r\n', 'latin1').toString();
    expect(await repo.read('data/.gitignore')).toBe(expected);
    expect(await repo.git('check-ignore', 'data/a [1].csv')).toBe('data/a [1].csv');
    await repo.json('data', 'remove', 'data/a [1].csv');
    expect(await repo.read('data/.gitignore')).toBe(expected.replace('/a \\[1].csv\r\n', ''));
  });

  test('adds no rule where one that others have ignores the path already', async () => {
    const repo = await registryRepo();
    await repo.write('.gitignore', 'data/\n');
    await repo.write('data/deep/train.csv', 'x');
    const { stderr, code } = await repo.run('data', 'add', 'data/deep/train.csv', '--commit');
    expect([code, stderr]).toEqual([0, '']);
    expect(await readdir(join(repo.root, 'data/deep'))).toEqual(['train.csv']);
    expect((await statusOf(repo)).clean).toBe(true);
  });

  test('adds a rule of its own where only this machine ignores the path', async () => {
    const repo = await registryRepo();
    await repo.write('.git/info/exclude', '*.csv\n');
    await repo.write('train.csv', 'x');
    await repo.json('data', 'add', 'train.csv');
    expect(await repo.read('.gitignore')).toBe('/train.csv\n');
  });

  test('takes names with spaces, brackets and letters of all kinds, from a sub-directory', async () => {
    const repo = await registryRepo();
    const names = [
      'train set (1).csv',
      'données été.csv',
      '日本語.csv',
      '#hash.csv',
      '!bang.csv',
      '-dash.csv',
    ];
    for (const name of names) await repo.write(`sub/dir/${name}`, `bytes of ${name}`);
    const cwd = join(repo.root, 'sub/dir');
    const { code, stderr } = await repo.runWith({ cwd }, 'data', 'add', '--commit', '--', ...names);
    expect([code, stderr]).toEqual([0, '']);
    expect(await repo.git('status', '--porcelain')).toBe('');
    for (const name of names) await unlink(join(cwd, name));
    expect((await repo.runWith({ cwd }, 'status')).code).toBe(1);
    expect((await repo.runWith({ cwd }, 'checkout', names[0] ?? '')).code).toBe(0);
    expect((await repo.runWith({ cwd: repo.root }, '-C', 'sub', 'checkout', 'dir')).code).toBe(0);
    for (const name of names) expect(await repo.read(`sub/dir/${name}`)).toBe(`bytes of ${name}`);
    expect((await statusOf(repo)).clean).toBe(true);
  });

  test('is found again from a sub-directory, by the path there and by the one that messages show', async () => {
    const repo = await tracked();
    await repo.write('data/train.csv', 'mine');
    await repo.write('sub/file', '');
    for (const [directory, path] of [
      ['data', 'train.csv'],
      ['data', 'data/train.csv'],
      ['sub', '../data'],
      ['sub', 'data/train.csv'],
    ] as const) {
      const cwd = join(repo.root, directory);
      expect(await repo.runWith({ cwd }, 'status', path)).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/data\/train\.csv +modified +other content\n/),
      });
      expect((await repo.runWith({ cwd }, 'checkout', path)).code).toBe(5);
    }
    const missing = await repo.runWith({ cwd: join(repo.root, 'sub') }, 'checkout', 'train.csv');
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('sub/train.csv holds no')]);
  });

  test('refuses what Git tracks, what lies outside, and what belongs to Git or mlops', async () => {
    const repo = await registryRepo();
    const outside = await tempDirectory();
    await repo.write('src/a.txt', 'a');
    await repo.git('add', 'src');
    const before = await repo.git('status', '--porcelain', '--ignored');
    const cases: [string, string, RegExp][] = [
      ['README.md', 'TRACKED_BY_GIT', /git rm --cached -r -- README\.md/],
      ['src', 'TRACKED_BY_GIT', /git rm --cached -r -- src/],
      [outside, 'OUTSIDE_REPOSITORY', /below/],
      ['..', 'OUTSIDE_REPOSITORY', /below/],
      ['.', 'NOT_TRACKABLE', /name the files/],
      ['.git', 'NOT_TRACKABLE', /name the files/],
      ['.git/config', 'NOT_TRACKABLE', /name the files/],
      ['.mlops/config.json', 'NOT_TRACKABLE', /name the files/],
      ['.gitignore', 'NOT_TRACKABLE', /name the files/],
    ];
    for (const [path, code, hint] of cases) {
      const error = await repo.failure('data', 'add', path);
      expect([path, error.code, error.exitCode]).toEqual([path, code, 4]);
      expect(error.hint).toMatch(hint);
    }
    expect((await repo.failure('data', 'add', 'nothing.csv')).exitCode).toBe(2);
    expect(await repo.git('status', '--porcelain', '--ignored')).toBe(before);
    expect(await eventsOf(repo)).toEqual([]);
  });

  test('refuses a path in a tracked one, around one, and a link', async () => {
    const repo = await registryRepo();
    await repo.write('data/images/a.png', 'a');
    await repo.write('data/notes.txt', 'n');
    await repo.json('data', 'add', 'data/images');
    expect(await repo.failure('data', 'add', 'data/images/a.png')).toMatchObject({
      code: 'NOT_TRACKABLE',
      exitCode: 4,
      hint: 'record the change there: mlops data add data/images',
    });
    expect(await repo.failure('data', 'add', 'data')).toMatchObject({ code: 'NOT_TRACKABLE', exitCode: 4 });
    expect(await repo.failure('data', 'add', 'x/y', 'x')).toMatchObject({ code: 'NOT_TRACKABLE' });
    await symlink('notes.txt', join(repo.root, 'data/link.txt'));
    expect((await repo.failure('data', 'add', 'data/link.txt')).exitCode).toBe(4);
  });

  test('says what it would do, and does not', async () => {
    const repo = await registryRepo();
    await repo.write('data/train.csv', 'first\n');
    const { paths } = await repo.json<Added>('data', 'add', 'data/train.csv', '--dry-run');
    expect(paths).toMatchObject([{ outcome: 'tracked', event: null }]);
    expect(await repo.git('status', '--porcelain')).toBe('?? data/');
    expect(await eventsOf(repo)).toEqual([]);
    const real = await repo.json<Added>('data', 'add', 'data/train.csv');
    expect(real.paths[0]?.digest).toBe(paths[0]?.digest);
  });

  test('finishes what an interrupted command left: an event without its pointer', async () => {
    const repo = await tracked();
    await repo.write('data/train.csv', 'second\n');
    const before = await repo.read('.mlops/data/data/train.csv.json');
    await repo.json('data', 'add', 'data/train.csv');
    await repo.write('.mlops/data/data/train.csv.json', before);
    expect((await repo.run('verify')).code).toBe(0);
    const { paths } = await repo.json<Added>('data', 'add', 'data/train.csv');
    expect(paths).toMatchObject([{ outcome: 'moved' }]);
    expect(await eventsOf(repo)).toHaveLength(2);
  });
});

test('data history says who tracked what, newest first', async () => {
  const repo = await tracked();
  await repo.write('data/train.csv', 'second\n');
  await repo.json('data', 'add', 'data/train.csv');
  await repo.write('other.csv', 'x');
  await repo.json('data', 'add', 'other.csv');
  await repo.json('data', 'remove', 'data/train.csv', '--reason', 'no longer licensed');
  type History = { total: number; events: Record<string, string | null>[] };
  const { events, total } = await repo.json<History>('data', 'history', 'data');
  expect(total).toBe(3);
  expect(events.map(({ type, path, reason }) => [type, path, reason])).toEqual([
    ['untracked', 'data/train.csv', 'no longer licensed'],
    ['tracked', 'data/train.csv', null],
    ['tracked', 'data/train.csv', null],
  ]);
  expect([events[0]?.['from'], events[1]?.['from']]).toEqual([events[1]?.['to'], events[2]?.['to']]);
  const limited = await repo.run('data', 'history', '--limit', '1');
  expect(limited.stdout).toMatch(/^PATH +TIME +EVENT +DIGEST +ACTOR +REASON\n/);
  expect(limited.stdout).toMatch(/untracked +sha256:[0-9a-f]{12} +Test User +no longer licensed\n$/);
  expect(limited.stderr).toContain('1 of 4 events shown');
});

describe('data remove', () => {
  test('takes the pointer and the rule, and leaves the file', async () => {
    const repo = await tracked();
    const { event } = await repo.json<{ event: string }>('data', 'remove', 'data/train.csv', '--commit');
    expect(event).toMatch(/^sha256:/);
    expect(await repo.read('data/train.csv')).toBe('first\n');
    expect(await repo.git('status', '--porcelain')).toBe('?? data/');
    expect((await eventsOf(repo)).at(-1)).toMatchObject({
      type: 'untracked',
      subject: { path: 'data/train.csv' },
    });
    expect((await repo.run('verify')).code).toBe(0);
    expect(await repo.failure('data', 'remove', 'data/train.csv')).toMatchObject({
      code: 'PATH_NOT_TRACKED',
      exitCode: 2,
    });
    await repo.json('data', 'add', 'data/train.csv', '--commit');
    expect((await repo.run('verify')).code).toBe(0);
  });

  test('of what was never committed works too', async () => {
    const repo = await registryRepo();
    await repo.write('a.csv', 'a');
    await repo.json('data', 'add', 'a.csv');
    const { code, stderr } = await repo.run('data', 'remove', 'a.csv', '--commit');
    expect([code, stderr.includes('warning')]).toEqual([0, false]);
    await expect(stat(join(repo.root, '.gitignore'))).rejects.toThrow(/ENOENT/);
    expect((await repo.run('verify')).code).toBe(0);
  });
});
