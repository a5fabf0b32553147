import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Artifacts } from '../../../src/core/runs/index.ts';
import { bytesOf, runSpace, textOf, type RunSpace } from './support.ts';

async function withRun(): Promise<RunSpace & { id: string; artifacts: Artifacts }> {
  const space = await runSpace();
  const { id } = await space.store.create({ writer: 'nobody' });
  return { ...space, id, artifacts: space.store.artifacts(id) };
}

const read = async (artifacts: Artifacts, path: string): Promise<string> =>
  textOf((await artifacts.open(path)).read());

describe('artifacts of a run', () => {
  test('are put one by one, listed by directory and read back', async () => {
    const { store, id, artifacts, reopen } = await withRun();
    await artifacts.put('model/MLmodel', bytesOf('flavor'));
    await artifacts.put('model/data/weights.bin', bytesOf('we', 'ights'));
    await artifacts.put('plot.png', bytesOf(''));
    expect(await artifacts.list()).toEqual([
      { path: 'model', isDirectory: true, size: undefined },
      { path: 'plot.png', isDirectory: false, size: 0 },
    ]);
    expect(await artifacts.list('model')).toEqual([
      { path: 'model/MLmodel', isDirectory: false, size: 6 },
      { path: 'model/data', isDirectory: true, size: undefined },
    ]);
    expect(await artifacts.list('plot.png')).toEqual([]);
    expect(await artifacts.list('nothing')).toEqual([]);
    expect(await read(artifacts, 'model/data/weights.bin')).toBe('weights');
    const clone = await reopen();
    expect(await read(clone.artifacts(id), 'model/MLmodel')).toBe('flavor');
    expect((await store.get(id)).artifacts).toHaveLength(3);
    expect((await artifacts.files('model')).map(({ path }) => path)).toEqual([
      'model/MLmodel',
      'model/data/weights.bin',
    ]);
  });

  test('a later file takes the place of an earlier one', async () => {
    const { artifacts } = await withRun();
    await artifacts.put('a.txt', bytesOf('old'));
    await artifacts.put('a.txt', bytesOf('new!'));
    expect(await read(artifacts, 'a.txt')).toBe('new!');
    expect(await artifacts.list()).toEqual([{ path: 'a.txt', isDirectory: false, size: 4 }]);
  });

  test('directories join what is there', async () => {
    const { repository, artifacts } = await withRun();
    const source = join(repository.root, 'out');
    mkdirSync(join(source, 'deep'), { recursive: true });
    writeFileSync(join(source, 'a.txt'), 'from disk');
    writeFileSync(join(source, 'deep/b.txt'), 'b');
    await artifacts.put('out/a.txt', bytesOf('first'));
    await artifacts.put('out/c.txt', bytesOf('c'));
    await artifacts.putFrom('out', source);
    expect((await artifacts.files('out')).map(({ path }) => path)).toEqual([
      'out/a.txt',
      'out/c.txt',
      'out/deep/b.txt',
    ]);
    expect(await read(artifacts, 'out/a.txt')).toBe('from disk');
  });

  test('become one artifact without a byte being copied, the same that a directory of these files is', async () => {
    const { repository, artifacts } = await withRun();
    await artifacts.put('model/MLmodel', bytesOf('flavor'));
    await artifacts.put('model/data/weights.bin', bytesOf('weights'));
    await artifacts.put('other.txt', bytesOf('x'));
    mkdirSync(join(repository.root, 'same/data'), { recursive: true });
    writeFileSync(join(repository.root, 'same/MLmodel'), 'flavor');
    writeFileSync(join(repository.root, 'same/data/weights.bin'), 'weights');
    const stored = await (await repository.artifacts()).digest(join(repository.root, 'same'));
    const composed = await artifacts.compose('model');
    expect(composed).toMatchObject({ digest: stored.digest, kind: 'directory', files: 2, size: 13 });
    expect(await composed.isStillThere()).toBe(true);
    const file = await artifacts.compose('model/MLmodel');
    expect(file).toMatchObject({ kind: 'file', files: 1, size: 6 });
    expect((await artifacts.compose()).files).toBe(3);
    await expect(artifacts.compose('nothing')).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
  });

  test('are removed one by one and all together', async () => {
    const { artifacts, reopen, id } = await withRun();
    await artifacts.put('a/1', bytesOf('1'));
    await artifacts.put('a/2', bytesOf('2'));
    await artifacts.put('b', bytesOf('3'));
    await artifacts.remove('a/1');
    expect((await artifacts.files()).map(({ path }) => path)).toEqual(['a/2', 'b']);
    await artifacts.remove('a');
    expect((await artifacts.files()).map(({ path }) => path)).toEqual(['b']);
    await artifacts.put('c', bytesOf('4'));
    await artifacts.remove('b');
    await artifacts.remove('c');
    expect(await (await reopen()).artifacts(id).list()).toEqual([]);
    await expect(artifacts.remove('c')).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
  });

  test('of many pieces are put together', async () => {
    const { store, id, artifacts } = await withRun();
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => artifacts.put(`many/${index}`, bytesOf(`bytes ${index}`))),
    );
    expect((await store.get(id)).artifacts.length).toBeLessThan(60);
    expect(await artifacts.files()).toHaveLength(300);
    expect(await read(artifacts, 'many/299')).toBe('bytes 299');
  });

  test.each([
    '../up',
    'a/../../b',
    '/etc/passwd',
    'C:/windows',
    'a\\b',
    'a//b',
    './a',
    '.git/config',
    'a\0b',
    '',
  ])('are not put outside: %j', async (path) => {
    const { artifacts } = await withRun();
    await expect(artifacts.put(path, bytesOf('x'))).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
    await expect(artifacts.open(path)).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
    if (path !== '') await expect(artifacts.list(path)).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
    expect(await artifacts.list()).toEqual([]);
  });

  test('a file is no directory, and a directory no file', async () => {
    const { artifacts } = await withRun();
    await artifacts.put('a/b', bytesOf('x'));
    await expect(artifacts.put('a', bytesOf('x'))).rejects.toMatchObject({ code: 'ARTIFACT_CONFLICT' });
    await expect(artifacts.put('a/b/c', bytesOf('x'))).rejects.toMatchObject({ code: 'ARTIFACT_CONFLICT' });
    await expect(artifacts.open('a')).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
  });

  test('that end in an error are not logged', async () => {
    const { artifacts } = await withRun();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      await Promise.resolve();
      throw new Error('connection lost');
    }
    await expect(artifacts.put('x', broken())).rejects.toThrow('connection lost');
    expect(await artifacts.list()).toEqual([]);
  });

  test('can be logged after the end, and not to a deleted run', async () => {
    const { store, id, artifacts } = await withRun();
    await store.update(id, { status: 'FINISHED' });
    await artifacts.put('late', bytesOf('x'));
    await store.delete(id);
    await expect(artifacts.put('later', bytesOf('x'))).rejects.toMatchObject({ code: 'RUN_DELETED' });
    await expect(store.artifacts('f'.repeat(32)).list()).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
});

describe('logged models', () => {
  test('keep params, tags, status, artifacts and the metrics of their run', async () => {
    const { store, id: runId, reopen } = await withRun();
    const model = await store.models.create({
      experimentId: '0',
      name: 'clf',
      modelType: 'classifier',
      runId,
      params: new Map([['a', '1']]),
    });
    expect(model.id).toMatch(/^m-[0-9a-f]{32}$/);
    await store.models.logParams(model.id, [['b', '2']]);
    await expect(store.models.logParams(model.id, [['a', '2']])).rejects.toMatchObject({
      code: 'PARAM_EXISTS',
    });
    await store.models.setTags(model.id, [['t', 'x']]);
    await store.models.artifacts(model.id).put('MLmodel', bytesOf('flavor'));
    await store.log(runId, {
      metrics: [
        { key: 'acc', value: 0.5, step: 0, time: 1, model: model.id },
        { key: 'acc', value: 0.9, step: 1, time: 2, model: model.id },
        { key: 'acc', value: 0.1, step: 2, time: 3 },
      ],
    });
    const ready = await store.models.finish(model.id, 'READY');
    expect(ready).toMatchObject({ status: 'READY', runId, modelType: 'classifier' });
    expect(ready.updatedAt).toBeGreaterThan(model.updatedAt);
    const clone = (await reopen()).models;
    const seen = await clone.get(model.id);
    expect([...seen.params]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect([...seen.tags]).toEqual([['t', 'x']]);
    expect(await read(clone.artifacts(model.id), 'MLmodel')).toBe('flavor');
    expect(await clone.metrics(model.id)).toMatchObject([{ key: 'acc', value: 0.9, step: 1, runId }]);
  });

  test('are searched and deleted', async () => {
    const { store, id: runId } = await withRun();
    const one = await store.models.create({ experimentId: '0', name: 'one', runId });
    const two = await store.models.create({ experimentId: '0', name: 'two' });
    await store.log(runId, { metrics: [{ key: 'acc', value: 0.5, step: 0, time: 1, model: one.id }] });
    const ids = async (request: Parameters<typeof store.models.search>[0]): Promise<string[]> =>
      (await store.models.search(request)).models.map(({ name }) => name);
    expect(await ids({})).toEqual(['two', 'one']);
    expect(await ids({ filter: "name = 'one'" })).toEqual(['one']);
    expect(await ids({ filter: 'metrics.acc > 0.4' })).toEqual(['one']);
    expect(await ids({ filter: `source_run_id = '${runId}'` })).toEqual(['one']);
    expect(await ids({ experimentIds: ['1'] })).toEqual([]);
    expect(await ids({ orderBy: ['creation_time ASC'], maxResults: 1 })).toEqual(['one']);
    await store.models
      .deleteTag(two.id, 'x')
      .catch((error) => expect(error).toMatchObject({ code: 'TAG_NOT_FOUND' }));
    await store.models.delete(two.id);
    expect(await ids({})).toEqual(['one']);
    await expect(store.models.get(two.id)).rejects.toMatchObject({ code: 'LOGGED_MODEL_NOT_FOUND' });
    await expect(store.models.setTags(two.id, [['a', 'b']])).rejects.toMatchObject({
      code: 'LOGGED_MODEL_NOT_FOUND',
    });
    await expect(store.models.get('m-../x')).rejects.toMatchObject({ code: 'LOGGED_MODEL_NOT_FOUND' });
    await expect(store.models.create({ experimentId: '0', runId: 'f'.repeat(32) })).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    });
  });
});
