import { describe, expect, test } from 'vitest';
import { registryRepo } from '../support/registry-repo.ts';
import { eventsOf, statusOf, tracked } from '../support/tracked-data.ts';

describe('checkout', () => {
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
