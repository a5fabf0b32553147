import { describe, expect, test } from 'vitest';
import { LimitedObjectStore } from '../../src/storage/limited.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { RetryingObjectStore } from '../../src/storage/retrying.ts';
import { s3Store, type S3StoreFixture } from '../support/s3-store.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { runObjectStoreSuite, type ObjectStoreFixture } from './object-store.suite.ts';
import { HELLO_KEY, on, putHello } from './support/s3-hello.ts';

const MARKER = 'team/models/mlops-remote.json';

async function fixture(
  wrap: (store: ObjectStore) => ObjectStore = (store) => store,
): Promise<ObjectStoreFixture> {
  const { server, store, pathOf } = await s3Store({ pageSize: 7 });
  return {
    store: wrap(store),
    damage: (key, bytes) => server.objects.put(pathOf(key), bytes),
    visibleBeforeCommit: true,
    onDamaged: 'refuse',
  };
}

async function names(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('packs')) found.push(key.name);
  return found.toSorted();
}

runObjectStoreSuite('S3', () => fixture());
runObjectStoreSuite('S3, limited', () => fixture((store) => new LimitedObjectStore(store, 2)));
runObjectStoreSuite('S3, retrying', () => fixture((store) => new RetryingObjectStore(store)));

test('a range is read into the memory that is given for it, if it fits', async () => {
  const { store } = await s3Store();
  await putHello(store);
  const whole = Buffer.from(await store.get(HELLO_KEY));
  const into = new Uint8Array(new SharedArrayBuffer(64));
  const read = await store.get(HELLO_KEY, { offset: 1, length: 3, into });
  expect(Buffer.from(read)).toEqual(whole.subarray(1, 4));
  expect(read.buffer).toBe(into.buffer);
  const small = await store.get(HELLO_KEY, { offset: 0, length: 3, into: new Uint8Array(2) });
  expect(Buffer.from(small)).toEqual(whole.subarray(0, 3));
});

describe('what is sent', () => {
  test('is signed with the hash that is known, carries it as checksum, and never replaces', async () => {
    const { server, store, pathOf } = await s3Store();
    await putHello(store);
    const [put] = server.log.of('PutObject').filter(({ key }) => key === pathOf(HELLO_KEY));
    expect(put?.headers).toMatchObject({
      'x-amz-content-sha256': HELLO_KEY.name,
      'x-amz-checksum-sha256': Buffer.from(HELLO_KEY.name, 'hex').toString('base64'),
      'if-none-match': '*',
      'content-length': '11',
    });
    expect(put?.headers['content-encoding']).toBeUndefined();
    expect(server.log.all().map(({ status }) => status)).not.toContain(403);
  });

  test('is sent at once and whole when it is large', async () => {
    const { server, store } = await s3Store();
    const bytes = Buffer.alloc(5 * 1024 * 1024, 'abc');
    const name = await store.batch().store('packs', bytes);
    const put = server.log.of('PutObject').find(({ key }) => key.endsWith(name));
    expect(put?.headers).toMatchObject({ 'content-length': String(bytes.length), connection: 'keep-alive' });
    expect(put?.headers['expect']).toBeUndefined();
    expect(Buffer.compare(await store.get({ kind: 'packs', name }), bytes)).toBe(0);
  });

  test('asks once in the life of a process whether the store has create-only writes', async () => {
    const { server, store, open, warnings } = await s3Store();
    await putHello(store);
    await Promise.all(['a', 'b', 'c'].map((text) => store.batch().store('packs', Buffer.from(text))));
    expect(server.log.of('PutObject').filter(({ key }) => key === MARKER)).toHaveLength(2);
    expect(await store.createOnly()).toBe(true);
    server.log.clear();
    await putHello(open());
    expect(server.log.of('PutObject').filter(({ key }) => key === MARKER)).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  test.each(['', 'deep/er/prefix'])('goes below the prefix %j', async (prefix) => {
    const { server, store, pathOf } = await s3Store({ prefix });
    await putHello(store);
    expect(server.objects.keys()).toContain(pathOf(HELLO_KEY));
    expect(await names(store)).toEqual([HELLO_KEY.name]);
  });

  test('is found when it is there already: one request tells', async () => {
    const { server, store, open } = await s3Store();
    await putHello(store);
    server.log.clear();
    expect(await putHello(open())).toBe('present');
    expect(server.log.of('GetObject')).toEqual([]);
  });

  test('is compared by MD5 where the store keeps no SHA-256', async () => {
    const { server, store, open } = await s3Store({ checksums: 'ignored' });
    await putHello(store);
    server.log.clear();
    expect(await putHello(open())).toBe('present');
    expect(server.log.of('GetObject')).toEqual([]);
  });

  test('is read where neither hash is there', async () => {
    const { server, store, open, pathOf } = await s3Store({ checksums: 'ignored', etags: 'opaque' });
    await putHello(store);
    server.log.clear();
    expect(await putHello(open())).toBe('present');
    expect(server.log.of('GetObject')).toHaveLength(1);
    server.objects.put(pathOf(HELLO_KEY), Buffer.from('hellO world'));
    await expect(putHello(open())).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
  });

  test('is checked against what the store confirms', async () => {
    const { server, store } = await s3Store();
    server.faults.add(on('PutObject', { type: 'html-200', body: 'html' }));
    await expect(putHello(store)).rejects.toMatchObject({ code: 'REMOTE_ANSWER_INVALID', exitCode: 7 });
  });

  test('is not overwritten unasked; with `replace` the damaged bytes are kept aside first', async () => {
    const { server, store, pathOf } = await s3Store();
    await putHello(store);
    server.objects.put(pathOf(HELLO_KEY), Buffer.from('hellO world'));
    await expect(putHello(store)).rejects.toMatchObject({
      code: 'REMOTE_OBJECT_DAMAGED',
      exitCode: 3,
      hint: expect.stringContaining('mlops push --repair') as string,
    });
    expect(await putHello(store, 'replace')).toBe('replaced');
    expect(Buffer.from(await store.get(HELLO_KEY)).toString()).toBe('hello world');
    const kept = server.objects.keys().filter((key) => key.startsWith('team/models/quarantine/packs-'));
    const bytes = await Promise.all(kept.map((key) => server.objects.get(key)));
    expect(bytes.map(String)).toEqual(['hellO world']);
  });
});

describe.each(['ignored', 'not-implemented'] as const)('a store whose conditional writes are %s', (how) => {
  test('is written to after a look, checked afterwards, and warned of once', async () => {
    const { server, store, warnings, pathOf } = await s3Store({ conditionalWrites: how });
    expect(await putHello(store)).toBe('stored');
    expect(await store.createOnly()).toBe(false);
    expect(await putHello(store)).toBe('present');
    const other = await store.batch().store('packs', Buffer.from('other'));
    expect(await names(store)).toEqual([HELLO_KEY.name, other].toSorted());
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/If-None-Match/);
    const heads = server.log.of('HeadObject').filter(({ key }) => key === pathOf(HELLO_KEY));
    expect(heads.map(({ status }) => status)).toEqual([404, 200, 200]);
  });

  test.each(['absent', 'short', 'altered'] as const)('that loses a write (%s) is found out', async (lost) => {
    const { server, store } = await s3Store({
      conditionalWrites: how,
      checksums: 'ignored',
      etags: 'opaque',
    });
    server.faults.add(on('PutObject', { type: 'lost-write', how: lost }));
    await expect(putHello(store)).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
  });
});

describe('writes', () => {
  test.each<[string, Fault]>([
    ['a reset in the middle of the body', { type: 'reset-request', afterBytes: 5 }],
    ['409', { type: 'status', status: 409 }],
    ['500', { type: 'status', status: 500 }],
  ])('%s is tried again', async (_what, fault) => {
    const { server, store, pauses } = await s3Store();
    server.faults.add(on('PutObject', fault, 1));
    expect(await putHello(store)).toBe('stored');
    expect(pauses).toHaveLength(1);
    expect(Buffer.from(await store.get(HELLO_KEY)).toString()).toBe('hello world');
  });

  test('one that was carried out although it was answered with an error is found at the next attempt', async () => {
    const { server, store } = await s3Store();
    server.faults.add(on('PutObject', { type: 'status', status: 500, performed: true }, 1));
    expect(await putHello(store)).toBe('present');
  });

  test('who listens hears of every further attempt', async () => {
    const { server, store } = await s3Store();
    let heard = 0;
    store.onRetry = () => void (heard += 1);
    server.faults.add(on('PutObject', { type: 'status', status: 503 }, 3));
    await putHello(store);
    expect(heard).toBe(3);
  });

  test('a signal ends them as an interruption', async () => {
    const controller = new AbortController();
    const { server, store, pauses } = await s3Store({}, { signal: controller.signal });
    server.faults.add(on('PutObject', { type: 'hang' }));
    const put = putHello(store);
    const arrived = server.log.waitFor(
      ({ operation, key }) => operation === 'PutObject' && key.includes('packs/'),
    );
    await arrived.then(() => controller.abort());
    await expect(put).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(pauses).toEqual([]);
  });
});

describe('listing', () => {
  async function many(): Promise<S3StoreFixture & { all: string[] }> {
    const made = await s3Store({ pageSize: 4 });
    const batch = made.store.batch();
    const all: string[] = [];
    for (let index = 0; index < 10; index += 1) all.push(await batch.store('packs', Buffer.from(`${index}`)));
    return { ...made, all: all.toSorted() };
  }

  test('walks all pages and leaves out what is no object', async () => {
    const { server, store, all } = await many();
    for (const key of [
      'packs/readme.txt',
      'packs/aa/short',
      `packs/bb/${'a'.repeat(64)}`,
      'packsother/aa/x',
    ]) {
      server.objects.put(`team/models/${key}`, Buffer.from('x'));
    }
    expect(await names(store)).toEqual(all);
    expect(server.log.of('ListObjectsV2').length).toBeGreaterThan(2);
  });

  test('knows when an object came to be', async () => {
    const { server, store } = await s3Store();
    // HTTP tells whole seconds.
    server.settings.clock = () => Math.ceil(Date.now() / 1000) * 1000 + 60_000;
    await putHello(store);
    const stat = await store.stat(HELLO_KEY);
    expect(stat?.modified).toBeGreaterThan(Date.now() + 30_000);
    for await (const { modified } of store.list('packs')) expect(modified).toBe(stat?.modified);
  });

  test.each(['half', 'no-token', 'cut-xml'] as const)(
    'a lie (%s) is never taken for the whole, and passes when it was one',
    async (how) => {
      const { server, store, all } = await many();
      const once = server.faults.add({ operation: 'ListObjectsV2', fault: { type: 'list', how }, times: 1 });
      expect(await names(store)).toEqual(all);
      once.remove();
      server.faults.add({ operation: 'ListObjectsV2', fault: { type: 'list', how } });
      await expect(names(store)).rejects.toMatchObject({ code: 'REMOTE_ANSWER_INVALID', exitCode: 7 });
    },
  );

  test.each(['html', 'error-xml'] as const)(
    'a page that is none (%s) is never an empty store',
    async (body) => {
      const { server, store } = await many();
      server.faults.add({ operation: 'ListObjectsV2', fault: { type: 'html-200', body } });
      await expect(names(store)).rejects.toMatchObject({ exitCode: 7 });
    },
  );

  test('one page that fails is asked for again, not all of them', async () => {
    const { server, store, all } = await many();
    server.faults.add({
      operation: 'ListObjectsV2',
      fault: { type: 'status', status: 500 },
      skip: 1,
      times: 1,
    });
    server.log.clear();
    expect(await names(store)).toEqual(all);
    expect(server.log.of('ListObjectsV2')).toHaveLength(4);
  });
});
