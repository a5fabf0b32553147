import { chmod, mkdir, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloneOf, registryRepo } from '../support/registry-repo.ts';
import { tempDirectory } from '../support/temp-repo.ts';
import { statusOf, tracked, type Added } from '../support/tracked-data.ts';

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
