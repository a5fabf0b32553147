import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { tempDirectory } from '../support/temp-repo.ts';

interface Status {
  clean: boolean;
  paths: {
    path: string;
    state: string;
    digest: string | null;
    present: boolean;
    changes: { path: string; change: string }[] | null;
    problem: { code: string; message: string; hint: string | null } | null;
  }[];
}

interface Added {
  paths: { path: string; digest: string; outcome: string; previous: string | null; event: string | null }[];
}

async function statusOf(
  repo: RegistryRepo,
  ...options: string[]
): Promise<Status & { code: number; states: Record<string, string> }> {
  const { code, stdout, stderr } = await repo.run('status', ...options, '--json');
  if (stdout === '') throw new Error(stderr);
  const { data } = JSON.parse(stdout) as { data: Status };
  const states = Object.fromEntries(data.paths.map(({ path, state }) => [path, state]));
  return { ...data, code, states };
}

async function eventsOf(repo: RegistryRepo): Promise<Record<string, unknown>[]> {
  const names: string[] = await readdir(join(repo.root, '.mlops/events')).catch(() => []);
  const texts = await Promise.all(names.toSorted().map((name) => repo.read(`.mlops/events/${name}`)));
  return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
}

/** A repository whose `data/train.csv` is tracked and committed. */
async function tracked(content = 'first\n'): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.write('data/train.csv', content);
  await repo.json('data', 'add', 'data/train.csv', '--commit');
  return repo;
}

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

describe('status', () => {
  test('tells what was changed here from what Git moved', async () => {
    const repo = await tracked();
    await repo.write('data/images/a.png', 'a');
    await repo.write('data/images/b.png', 'b');
    await repo.json('data', 'add', 'data/images', '--commit');
    expect(await statusOf(repo)).toMatchObject({ clean: true, code: 0 });

    await repo.write('data/images/b.png', 'B');
    await repo.write('data/images/c.png', 'c');
    await unlink(join(repo.root, 'data/images/a.png'));
    await unlink(join(repo.root, 'data/train.csv'));
    const { code, states, paths } = await statusOf(repo);
    expect([code, states]).toEqual([1, { 'data/images': 'modified', 'data/train.csv': 'missing' }]);
    expect(paths[0]?.changes).toEqual([
      { path: 'a.png', change: 'removed' },
      { path: 'b.png', change: 'modified' },
      { path: 'c.png', change: 'added' },
    ]);
    expect((await statusOf(repo, 'data/train.csv')).states).toEqual({ 'data/train.csv': 'missing' });
    const { stdout, stderr } = await repo.run('status');
    expect(stdout).toContain('data/images     modified  1 added, 1 modified, 1 removed\n');
    expect(stdout).toContain('  added    data/images/c.png\n');
    expect(stderr).toContain('mlops data add data/images');

    await repo.json('data', 'add', 'data/images');
    await repo.git('checkout', '--quiet', 'HEAD', '--', '.mlops/data');
    expect((await statusOf(repo, 'data/images')).states).toEqual({ 'data/images': 'outdated' });
  });

  test('of a clone without the bytes says so, and checkout names what is missing', async () => {
    const repo = await tracked();
    const clone = await cloneOf(repo, join(await tempDirectory(), 'clone'));
    const { code, paths } = await statusOf(clone);
    expect([code, paths[0]?.state, paths[0]?.present]).toEqual([1, 'missing', false]);
    expect(await clone.failure('checkout')).toMatchObject({ code: 'OBJECT_MISSING', exitCode: 3 });
    expect(await clone.failure('checkout', '--cached')).toMatchObject({ exitCode: 3 });
    const list = await clone.json<{ paths: { present: boolean }[] }>('data', 'list');
    expect(list.paths).toMatchObject([{ path: 'data/train.csv', present: false }]);
    // The same bytes from elsewhere are as good.
    await clone.write('data/train.csv', 'first\n');
    expect(await statusOf(clone)).toMatchObject({ clean: true, code: 0 });
  });

  test('without tracked data is clean', async () => {
    const repo = await registryRepo();
    expect(await repo.run('status')).toMatchObject({ code: 0, stdout: 'No data is tracked\n' });
    expect(await repo.run('checkout')).toMatchObject({ code: 0, stdout: 'No data is tracked\n' });
    expect(await repo.run('data', 'list')).toMatchObject({ code: 0, stdout: 'No data is tracked\n' });
  });

  test('of a path that is not tracked names what is near', async () => {
    const repo = await tracked();
    expect(await repo.failure('status', 'data/trian.csv')).toMatchObject({
      code: 'PATH_NOT_TRACKED',
      exitCode: 2,
      hint: 'did you mean data/train.csv?',
    });
  });
});

describe('checkout', () => {
  test('restores what a commit has, and what the next one has', async () => {
    const repo = await tracked('first\n');
    await repo.write('data/train.csv', 'second\n');
    expect((await statusOf(repo)).code).toBe(1);
    await repo.json('data', 'add', 'data/train.csv', '--commit');
    await repo.git('checkout', '--quiet', 'HEAD~1');
    expect((await statusOf(repo)).states).toEqual({ 'data/train.csv': 'outdated' });
    expect(await repo.json('checkout')).toMatchObject({ paths: [{ outcome: 'restored', written: 1 }] });
    expect(await repo.read('data/train.csv')).toBe('first\n');
    expect(await statusOf(repo)).toMatchObject({ clean: true, code: 0 });
    await repo.git('checkout', '--quiet', 'main');
    await repo.json('checkout');
    expect(await repo.read('data/train.csv')).toBe('second\n');
    expect(await repo.json('checkout')).toMatchObject({ paths: [{ outcome: 'unchanged', written: 0 }] });
    expect(await repo.git('status', '--porcelain')).toBe('');
  });

  test('protects changes that are saved nowhere, restores the other paths, and drops them when forced', async () => {
    const repo = await tracked();
    await repo.write('data/images/a.png', 'a');
    await repo.json('data', 'add', 'data/images', '--commit');
    await repo.write('data/images/a.png', 'my work');
    await repo.write('data/images/new.png', 'more work');
    await unlink(join(repo.root, 'data/train.csv'));
    const error = await repo.failure('checkout');
    expect(error).toMatchObject({ code: 'LOCAL_CHANGES', exitCode: 5, retryable: false });
    expect(error.message).toBe(
      'data/images/a.png, data/images/new.png: changed here and saved nowhere, so left alone; nothing of data/images was changed; the other path is as it should be',
    );
    expect(error.hint).toBe(
      'save what is there: mlops data add data/images; or drop it: mlops checkout --force data/images',
    );
    expect(await repo.read('data/images/a.png')).toBe('my work');
    expect(await repo.read('data/train.csv')).toBe('first\n');
    await repo.json('checkout', '--force', 'data/images');
    expect(await readdir(join(repo.root, 'data/images'))).toEqual(['a.png']);
    expect(await statusOf(repo)).toMatchObject({ clean: true });
  });

  test('keeps the only good copy when the stored one is damaged, and takes it back', async () => {
    const repo = await tracked('version one\n');
    const packs = async (): Promise<string[]> =>
      (await readdir(join(repo.root, '.mlops/cache/packs'), { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
    const before = await packs();
    await repo.write('data/train.csv', 'version two\n');
    await repo.json('data', 'add', 'data/train.csv', '--commit');
    const [pack = '', ...others] = (await packs()).filter((path) => !before.includes(path));
    expect(others).toEqual([]);
    const bytes = await readFile(pack);
    const place = bytes.indexOf('version two');
    expect(place).toBeGreaterThan(0);
    bytes.write('####', place);
    await chmod(pack, 0o644);
    await writeFile(pack, bytes);

    await repo.git('checkout', '--quiet', '--detach', 'HEAD~1');
    const error = await repo.failure('checkout');
    expect(error).toMatchObject({ code: 'LOCAL_CHANGES', exitCode: 5 });
    expect(error.message).toContain('data/train.csv: the stored copy is damaged');
    expect(error.hint).toMatch(/mlops data add data\/train\.csv.*mlops verify --repair/);
    expect(await repo.read('data/train.csv')).toBe('version two\n');

    // What the hint says makes both states restorable again.
    await repo.git('checkout', '--quiet', 'main');
    expect((await repo.json<Added>('data', 'add', 'data/train.csv')).paths[0]?.outcome).toBe('unchanged');
    await repo.git('checkout', '--quiet', '--detach', 'HEAD~1');
    await repo.json('checkout');
    expect(await repo.read('data/train.csv')).toBe('version one\n');
    await repo.git('checkout', '--quiet', 'main');
    await repo.json('checkout');
    expect(await repo.read('data/train.csv')).toBe('version two\n');
    expect((await repo.run('verify', '--deep')).code).toBe(0);
  });

  test('lets a merge of different changes conflict in the pointer, and one of the same merge', async () => {
    const repo = await tracked();
    for (const [branch, text] of [
      ['one', 'by one\n'],
      ['two', 'by two\n'],
      ['also-one', 'by one\n'],
    ] as const) {
      await repo.git('checkout', '--quiet', '-b', branch, 'main');
      await repo.json('checkout');
      await repo.write('data/train.csv', text);
      await repo.json('data', 'add', 'data/train.csv', '--commit');
    }
    await repo.git('merge', '--quiet', '-m', 'same', 'one');
    await repo.json('checkout');
    expect(await repo.read('data/train.csv')).toBe('by one\n');
    expect((await repo.run('verify')).code).toBe(0);

    await expect(repo.git('merge', '--quiet', 'two')).rejects.toThrow(/CONFLICT|code 1|failed/i);
    const { code, paths } = await statusOf(repo);
    expect([code, paths[0]?.state, paths[0]?.problem?.code]).toEqual([5, 'conflict', 'MERGE_CONFLICT']);
    const error = await repo.failure('checkout');
    expect(error).toMatchObject({ code: 'MERGE_CONFLICT', exitCode: 5 });
    expect(error.hint).toContain('git checkout --ours -- .mlops/data/data/train.csv.json');
    expect((await repo.run('verify')).code).toBe(5);
    expect(await repo.read('data/train.csv')).toBe('by one\n');

    await repo.git('checkout', '--theirs', '--', '.mlops/data/data/train.csv.json');
    await repo.json('checkout');
    expect(await repo.read('data/train.csv')).toBe('by two\n');
    await repo.git('add', '.mlops');
    await repo.git('commit', '--quiet', '-m', 'settled');
    expect((await repo.run('verify')).code).toBe(0);
    await repo.write('data/train.csv', 'both\n');
    await repo.json('data', 'add', 'data/train.csv', '--commit');
    const events = await eventsOf(repo);
    expect(events.at(-1)).toMatchObject({ to: expect.any(String) });
    expect(Math.max(...events.map(({ parents }) => (parents as string[]).length))).toBeGreaterThan(1);
  });

  test('merges branches that track different paths of one directory', async () => {
    const repo = await registryRepo();
    for (const path of ['data/c.csv', 'data/m.csv']) await repo.write(path, path);
    await repo.json('data', 'add', 'data/c.csv', 'data/m.csv', '--commit');
    for (const name of ['a', 'f', 'z']) {
      await repo.git('checkout', '--quiet', '-b', name, 'main');
      await repo.write(`data/${name}.csv`, name);
      await repo.json('data', 'add', `data/${name}.csv`, '--commit');
    }
    await repo.git('checkout', '--quiet', 'main');
    for (const name of ['a', 'f', 'z']) await repo.git('merge', '--quiet', '--no-edit', name);
    expect(await repo.read('data/.gitignore')).toBe('/a.csv\n/c.csv\n/f.csv\n/m.csv\n/z.csv\n');
    await repo.json('checkout');
    expect(await statusOf(repo)).toMatchObject({ clean: true });
    expect(await repo.git('status', '--porcelain')).toBe('');
  });

  test('settles the conflict of two new .gitignore files with the rules of both', async () => {
    const repo = await registryRepo();
    for (const name of ['one', 'two']) {
      await repo.git('checkout', '--quiet', '-b', name, 'main');
      await repo.write(`data/${name}.csv`, name);
      await repo.json('data', 'add', `data/${name}.csv`, '--commit');
    }
    await expect(repo.git('merge', '--quiet', '--no-edit', 'one')).rejects.toThrow(/CONFLICT|code 1|failed/i);
    expect(await repo.git('ls-files', '--unmerged', '--', 'data/.gitignore')).not.toBe('');
    await repo.json('data', 'add', 'data/two.csv');
    expect(await repo.read('data/.gitignore')).toBe('/one.csv\n/two.csv\n');
    expect(await repo.git('ls-files', '--unmerged')).toBe('');
    await repo.git('commit', '--quiet', '--no-edit');
    await repo.json('checkout');
    expect(await statusOf(repo)).toMatchObject({ clean: true });
    expect(await repo.git('status', '--porcelain')).toBe('');
    expect((await repo.run('verify')).code).toBe(0);
  });

  test('leaves a conflict of .gitignore about other lines to a person, and says so', async () => {
    const repo = await tracked();
    const conflict = '<<<<<<< HEAD\n*.tmp\n/train.csv\n=======\n/x.csv\n>>>>>>> two\n';
    await repo.write('data/.gitignore', conflict);
    const { code, stderr } = await repo.run('data', 'add', 'data/train.csv');
    expect(code).toBe(0);
    expect(stderr).toContain('data/.gitignore holds a merge conflict about more than tracked paths');
    expect(await repo.read('data/.gitignore')).toBe(conflict);
    // Nor is it handed to Git as settled when a rule is missing in it.
    await repo.write('data/new.csv', 'new');
    await repo.run('data', 'add', 'data/new.csv');
    expect(await repo.read('data/.gitignore')).toBe(conflict);
    expect(await repo.git('diff', '--cached', '--name-only', '--', 'data')).toBe('');
    const status = await repo.run('status');
    expect(status.stderr).toContain('data/new.csv: tracked, and not ignored by Git');
  });

  test('names tracked data that Git does not ignore, and writes its rule again', async () => {
    const repo = await tracked();
    await repo.write('data/images/a.png', 'a');
    await repo.json('data', 'add', 'data/images', '--commit');
    await repo.write('data/.gitignore', '# chosen by --ours\n/images\n');
    const status = await repo.run('status');
    expect(status.code).toBe(0);
    expect(status.stderr).toContain('data/train.csv: tracked, and not ignored by Git');
    expect(status.stderr).not.toContain('data/images');
    expect(status.stderr).toContain('mlops data add data/train.csv');
    const finding = async (): Promise<unknown> => {
      const { findings } = await repo.json<{ findings: { check: string }[] }>('doctor');
      return findings.find(({ check }) => check === 'tracked data');
    };
    expect(await finding()).toMatchObject({
      status: 'warning',
      message: 'tracked, and not ignored by Git: data/train.csv',
      hint: 'let mlops write the rules again: mlops data add data/train.csv',
    });
    await repo.json('data', 'add', 'data/train.csv');
    expect(await repo.read('data/.gitignore')).toBe('# chosen by --ours\n/images\n/train.csv\n');
    expect(await finding()).toMatchObject({ status: 'ok' });
    expect((await repo.run('status')).stderr).toBe('');
  });

  test('settles a conflict with what lies there now', async () => {
    const repo = await tracked();
    const pointer = await repo.read('.mlops/data/data/train.csv.json');
    await repo.write(
      '.mlops/data/data/train.csv.json',
      `<<<<<<< HEAD\n${pointer}=======\n${pointer.replace('"size": 6', '"size": 7')}>>>>>>> other\n`,
    );
    expect((await statusOf(repo)).code).toBe(5);
    await repo.json('data', 'add', 'data/train.csv');
    expect(await statusOf(repo)).toMatchObject({ clean: true, code: 0 });
  });
});

describe('a hostile pointer', () => {
  const pointer = (path: string, digest: string): string =>
    `${JSON.stringify({ digest, files: 1, kind: 'file', path, schema: 'mlops.data/1', size: 6 }, null, 2)}\n`;

  test('is refused, whatever it names, and nothing is written', async () => {
    const repo = await tracked();
    const { paths } = await statusOf(repo);
    const digest = paths[0]?.digest ?? '';
    const cases: [place: string, path: string][] = [
      ['evil', '../../x'],
      ['evil', '/etc/x'],
      ['evil', '.git/hooks/post-checkout'],
      ['evil', 'a/../../x'],
      ['evil', 'C:\\x'],
      ['.git/hooks/x', '.git/hooks/x'],
      ['.GIT/hooks/x', '.GIT/hooks/x'],
      ['git~1/hooks/x', 'git~1/hooks/x'],
      ['.mlops/config.json', '.mlops/config.json'],
      ['sub/.MLOPS/x', 'sub/.MLOPS/x'],
    ];
    await unlink(join(repo.root, 'data/train.csv'));
    for (const [place, path] of cases) {
      await repo.write(`.mlops/data/${place}.json`, pointer(path, digest));
      const before = await repo.git('status', '--porcelain', '--ignored', '--untracked-files=all');
      for (const words of [['checkout'], ['checkout', '--force'], ['status']]) {
        const { code, stdout, stderr } = await repo.run(...words);
        expect([path, words, code]).toEqual([path, words, 4]);
        expect(stdout + stderr).toMatch(/points to|unsafe/);
      }
      // The honest path was restored in spite of it; that is all.
      expect(await repo.read('data/train.csv')).toBe('first\n');
      await unlink(join(repo.root, 'data/train.csv'));
      const after = await repo.git('status', '--porcelain', '--ignored', '--untracked-files=all');
      expect(after.replace('!! .mlops/tmp/\n', '')).toBe(before.replace('!! .mlops/tmp/\n', ''));
      await rm(join(repo.root, '.mlops/data', place.split('/')[0] ?? ''), { recursive: true, force: true });
      await rm(join(repo.root, `.mlops/data/${place}.json`), { force: true });
    }
  });

  test('about another path than its own place is damage', async () => {
    const repo = await tracked();
    await repo.write('.mlops/data/copy.json', await repo.read('.mlops/data/data/train.csv.json'));
    expect(await repo.failure('checkout')).toMatchObject({ code: 'POINTER_MISPLACED', exitCode: 3 });
    expect((await repo.run('verify')).code).toBe(3);
  });

  test('can not write through a link that took the place of a directory', async () => {
    const repo = await tracked();
    const outside = await tempDirectory();
    await repo.write('data/images/sub/a.png', 'a');
    await repo.json('data', 'add', 'data/images', '--commit');
    await rename(join(repo.root, 'data'), join(repo.root, 'elsewhere'));
    await symlink(outside, join(repo.root, 'data'));
    for (const words of [['checkout'], ['checkout', '--force']]) {
      expect((await repo.failure(...words)).exitCode).toBe(4);
    }
    expect((await statusOf(repo)).code).toBe(4);
    await unlink(join(repo.root, 'data'));
    await mkdir(join(repo.root, 'data/images'), { recursive: true });
    await symlink(outside, join(repo.root, 'data/images/sub'));
    expect((await repo.failure('checkout', '--force', 'data/images')).exitCode).toBe(4);
    expect(await readdir(outside)).toEqual([]);
  });

  test('inside another tracked path is refused', async () => {
    const repo = await tracked();
    const { paths } = await statusOf(repo);
    await repo.write('.mlops/data/data.json', pointer('data', paths[0]?.digest ?? ''));
    expect(await repo.failure('checkout')).toMatchObject({ code: 'POINTER_NESTED', exitCode: 3 });
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
