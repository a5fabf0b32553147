import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { shared } from '../support/shared-remote.ts';

interface Shown {
  run: { id: string; name: string; status: string; metrics: Record<string, number | null> };
  history: Record<string, { count: number }>;
}

/** A finished run of a command that does nothing. */
async function finished(repo: RegistryRepo, name: string): Promise<string> {
  await repo.run('run', '--name', name, '--sample', '0', '--no-diff', '--', process.execPath, '-e', '0');
  const { run } = await shown(repo, name);
  await repo.json('log', 'metric', 'loss=1', 'nothing=nan', '--run', run.id);
  await repo.json('log', 'metric', 'loss=0.5', '--step', '1', '--run', run.id);
  return run.id;
}

const shown = (repo: RegistryRepo, name: string): Promise<Shown> => repo.json<Shown>('runs', 'show', name);

describe('runs keep', () => {
  test('commits the document and the history, and nothing else; a clone has the run', async () => {
    const { here, there } = await shared();
    const id = await finished(here, 'kept');
    await finished(here, 'other');
    await here.write('unrelated.txt', 'staged by somebody');
    await here.git('add', 'unrelated.txt');
    await here.json('runs', 'keep', 'kept', '--commit');
    const files = (await here.git('show', '--name-only', '--format=', 'HEAD')).trim().split('\n');
    expect(files.map((path) => path.replace(/^.*\//, '')).toSorted()).toEqual(['metrics.jsonl', 'run.json']);
    for (const path of files) expect(path).toContain(id);
    expect(await here.git('diff', '--cached', '--name-only')).toContain('unrelated.txt');
    const other = await there();
    expect(await shown(other, 'kept')).toEqual(await shown(here, 'kept'));
    expect(await other.failure('runs', 'show', 'other')).toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  test('refuses a deleted run, and adds nothing', async () => {
    const repo = await registryRepo();
    await finished(repo, 'gone');
    await repo.json('runs', 'delete', 'gone');
    expect(await repo.failure('runs', 'keep', 'gone')).toMatchObject({ code: 'RUN_DELETED', exitCode: 2 });
    expect(await repo.git('ls-files', '.mlops/runs')).toBe('');
  });
});

describe('push and pull --runs', () => {
  test('bring the same run with its output and artifacts to another clone', async () => {
    const { here, there } = await shared();
    const id = await finished(here, 'one');
    await here.write('plot.txt', 'a picture');
    await here.json('log', 'artifact', 'plot.txt', '--run', id);
    await finished(here, 'two');
    await here.json('push', '--runs');
    const other = await there();
    await other.json('pull', '--runs');
    for (const name of ['one', 'two']) expect(await shown(other, name)).toEqual(await shown(here, name));
    await other.json('runs', 'artifacts', 'one', 'plot.txt', '-o', 'got.txt');
    expect(await other.read('got.txt')).toBe('a picture');
  });

  test('send and bring only what is new', async () => {
    const { here, remote, there } = await shared();
    await finished(here, 'one');
    await here.json('push', '--runs');
    const objects = async (): Promise<string[]> =>
      (await readdir(join(remote, 'runs'), { recursive: true })).toSorted();
    const before = await objects();
    await here.json('push', '--runs');
    expect(await objects()).toEqual(before);
    const other = await there();
    await other.json('pull', '--runs');
    await finished(other, 'theirs');
    await other.json('push', '--runs');
    await here.json('pull', '--runs');
    expect(await shown(here, 'theirs')).toEqual(await shown(other, 'theirs'));
    expect((await shown(here, 'one')).run.status).toBe('FINISHED');
  });

  test('a list on the remote that was altered is refused, and no run is written', async () => {
    const { here, remote, there } = await shared();
    await finished(here, 'one');
    await here.json('push', '--runs');
    const [path = ''] = (await readdir(join(remote, 'runs'), { recursive: true })).filter((each) =>
      /-[0-9a-f]{16}$/.test(each),
    );
    const file = join(remote, 'runs', path);
    const text = await readFile(file, 'utf8');
    await chmod(file, 0o644);
    await writeFile(file, text.replace('"one"', '"0ne"'));
    const other = await there();
    const failure = await other.failure('pull', '--runs');
    expect(failure.exitCode).toBe(3);
    expect(await other.json('runs', 'list')).toMatchObject({ runs: [] });
  });
});
