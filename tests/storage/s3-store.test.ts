import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sha256Hex } from '../../src/storage/digest.ts';
import { guardedLookup } from '../../src/storage/s3/guarded-lookup.ts';
import { LimitedObjectStore } from '../../src/storage/limited.ts';
import type { ObjectKey, ObjectStore } from '../../src/storage/object-store.ts';
import { RetryingObjectStore } from '../../src/storage/retrying.ts';
import { s3Store, useCredentials, type S3StoreFixture } from '../support/s3-store.ts';
import type { Fault, FaultRule } from '../support/s3-server/faults.ts';
import { runObjectStoreSuite, type ObjectStoreFixture } from './object-store.suite.ts';

const HELLO = Buffer.from('hello world');
const HELLO_KEY: ObjectKey = { kind: 'packs', name: sha256Hex(HELLO) };
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

async function putHello(store: ObjectStore, onDamaged?: 'refuse' | 'replace'): Promise<string> {
  const batch = store.batch(onDamaged === undefined ? {} : { onDamaged });
  const outcome = await batch.put(HELLO_KEY, HELLO);
  await batch.commit();
  return outcome;
}

async function names(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('packs')) found.push(key.name);
  return found.toSorted();
}

/** Only reads: what went over the wire is the objects' own traffic. */
function on(operation: FaultRule['operation'], fault: Fault, times?: number): FaultRule {
  return {
    ...(operation === undefined ? {} : { operation }),
    key: /packs/,
    fault,
    ...(times === undefined ? {} : { times }),
  };
}

runObjectStoreSuite('S3', () => fixture());
runObjectStoreSuite('S3, limited', () => fixture((store) => new LimitedObjectStore(store, 2)));
runObjectStoreSuite('S3, retrying', () => fixture((store) => new RetryingObjectStore(store)));

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

describe('what comes back', () => {
  async function stored(): Promise<S3StoreFixture> {
    const made = await s3Store();
    await putHello(made.store);
    made.server.log.clear();
    return made;
  }

  test.each<[string, Fault]>([
    ['a flipped bit', { type: 'flip' }],
    ['a short body that claims to be whole', { type: 'short', bytes: 4 }],
    ['an empty body', { type: 'short', bytes: 0 }],
  ])('%s is asked for once more, then damage', async (_what, fault) => {
    const { server, store } = await stored();
    const once = server.faults.add(on('GetObject', fault, 1));
    expect(Buffer.from(await store.get(HELLO_KEY)).toString()).toBe('hello world');
    expect(once.hits).toBe(1);
    const always = server.faults.add(on('GetObject', fault));
    await expect(store.get(HELLO_KEY)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED', exitCode: 3 });
    expect(always.hits).toBe(2);
  });

  test.each<[string, Fault]>([
    ['a truncated body', { type: 'truncate', bytes: 4 }],
    ['a reset', { type: 'reset-response', afterBytes: 3 }],
    ['a page of a captive portal', { type: 'html-200', body: 'html' }],
    ['an error document with status 200', { type: 'html-200', body: 'error-xml' }],
    ['500', { type: 'status', status: 500 }],
    ['503', { type: 'status', status: 503 }],
    ['429', { type: 'status', status: 429 }],
  ])('%s is tried again, whole and in part, and never accepted', async (_what, fault) => {
    for (const range of [undefined, { offset: 2, length: 8 }]) {
      const { server, store, pauses } = await stored();
      server.faults.add(on('GetObject', fault, 2));
      const expected = range === undefined ? 'hello world' : 'llo worl';
      expect(Buffer.from(await store.get(HELLO_KEY, range)).toString()).toBe(expected);
      expect(pauses).toEqual([200, 400]);
      const always = server.faults.add(on('GetObject', fault));
      await expect(store.get(HELLO_KEY, range)).rejects.toMatchObject({
        exitCode: 7,
        message: expect.stringMatching(
          /GetObject in bucket "test-bucket" at 127\.0\.0\.1:\d+: .*\(5 attempts\)$/,
        ) as string,
      });
      expect(always.hits).toBe(5);
    }
  });

  test.each(['shifted', 'ignored'] as const)('another range (%s) is never accepted', async (how) => {
    const { server, store } = await stored();
    const range = { offset: 2, length: 4 };
    server.faults.add(on('GetObject', { type: 'wrong-range', how }, 1));
    expect(Buffer.from(await store.get(HELLO_KEY, range)).toString()).toBe('llo ');
    server.faults.add(on('GetObject', { type: 'wrong-range', how }));
    await expect(store.get(HELLO_KEY, range)).rejects.toMatchObject({
      code: 'REMOTE_ANSWER_INVALID',
      exitCode: 7,
    });
  });

  test('a range that ends early is damage', async () => {
    const { server, store } = await stored();
    server.faults.add(on('GetObject', { type: 'short', bytes: 2 }));
    await expect(store.get(HELLO_KEY, { offset: 2, length: 4 })).rejects.toMatchObject({
      code: 'OBJECT_DAMAGED',
    });
  });

  test('a connection that stays silent is given up, tried again, and exit 7 in the end', async () => {
    const { server, open } = await stored();
    const store = open({ silenceMs: 100 });
    const fault = server.faults.add(on('GetObject', { type: 'hang', afterBytes: 4 }, 1));
    expect(Buffer.from(await store.get(HELLO_KEY)).toString()).toBe('hello world');
    expect(fault.hits).toBe(1);
    server.faults.add(on('HeadObject', { type: 'hang' }));
    await expect(store.stat(HELLO_KEY)).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE', exitCode: 7 });
    const put = server.faults.add(on('PutObject', { type: 'hang' }));
    const write = store.batch().store('packs', Buffer.alloc(3_000_000));
    await expect(write).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE', exitCode: 7 });
    expect(put.hits).toBe(5);
  });

  test('what the remote asks for before the next attempt is honoured, above the longest pause too', async () => {
    const { server, store, pauses } = await stored();
    server.faults.add(on('GetObject', { type: 'status', status: 503, retryAfterSeconds: 60 }, 1));
    await store.get(HELLO_KEY);
    expect(pauses).toEqual([60_000]);
    const fault = server.faults.add(
      on('GetObject', { type: 'status', status: 503, retryAfterSeconds: 86_400 }),
    );
    await expect(store.get(HELLO_KEY)).rejects.toMatchObject({ code: 'REMOTE_BUSY', exitCode: 7 });
    expect(fault.hits).toBe(1);
  });

  test('403 and a missing object are final', async () => {
    const { server, store, pauses } = await stored();
    const missing: ObjectKey = { kind: 'packs', name: 'a'.repeat(64) };
    await expect(store.get(missing)).rejects.toMatchObject({ code: 'OBJECT_MISSING', exitCode: 3 });
    const fault = server.faults.add(on('GetObject', { type: 'status', status: 403 }));
    await expect(store.get(HELLO_KEY)).rejects.toMatchObject({
      code: 'REMOTE_FORBIDDEN',
      exitCode: 7,
      hint: expect.stringContaining('s3:GetObject') as string,
    });
    expect(fault.hits).toBe(1);
    expect(pauses).toEqual([]);
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

describe('a remote that can not be used is exit 7 naming host, bucket and operation', () => {
  async function failure(store: ObjectStore): Promise<{ code: string; message: string; hint: string }> {
    let found: unknown;
    try {
      await store.get(HELLO_KEY);
    } catch (error) {
      found = error;
    }
    expect(found).toMatchObject({ exitCode: 7, hint: expect.any(String) as string });
    return found as { code: string; message: string; hint: string };
  }

  test('wrong bucket', async () => {
    const { open, server, pauses } = await s3Store();
    const { code, message } = await failure(open({ bucket: 'no-such-bucket' }));
    expect(code).toBe('REMOTE_BUCKET_MISSING');
    expect(message).toBe(
      `GetObject in bucket "no-such-bucket" at 127.0.0.1:${server.port}: the bucket does not exist`,
    );
    expect(pauses).toEqual([]);
  });

  test('no credentials', async () => {
    const { store, server } = await s3Store();
    useCredentials({ ...server, accessKeyId: '', secretAccessKey: '' });
    const { code, message, hint } = await failure(store);
    expect(code).toBe('REMOTE_NO_CREDENTIALS');
    expect(message).toContain(`at 127.0.0.1:${server.port}`);
    expect(hint).toContain('AWS_PROFILE');
    expect(server.log.all()).toEqual([]);
  });

  test('an expired token', async () => {
    const { store, server } = await s3Store({ sessionToken: 'a-token', sessionExpired: true });
    useCredentials(server, 'a-token');
    expect((await failure(store)).code).toBe('REMOTE_CREDENTIALS_EXPIRED');
  });

  test.each(['accessKeyId', 'secretAccessKey'] as const)(
    'a wrong %s, which is not repeated',
    async (which) => {
      const { store, server } = await s3Store();
      useCredentials({ ...server, [which]: 'SECRETSECRETSECRET' });
      const { code, message, hint } = await failure(store);
      expect(code).toBe('REMOTE_CREDENTIALS_REFUSED');
      expect(message + hint).not.toContain('SECRETSECRETSECRET');
    },
  );

  test.each([
    ['ahead of', -3_600_000],
    ['behind', 3_600_000],
  ])('a clock %s the server', async (direction, offset) => {
    const { store, server } = await s3Store({ clock: () => Date.now() + offset });
    const { code, message } = await failure(store);
    expect(code).toBe('REMOTE_CLOCK_SKEW');
    expect(message).toMatch(new RegExp(`60 minutes ${direction} that of the server`));
    // An answer to HEAD has no body to say so.
    await expect(store.stat(HELLO_KEY)).rejects.toMatchObject({ code: 'REMOTE_CLOCK_SKEW' });
    expect(server.log.all()).toHaveLength(2);
  });

  test('a certificate nobody vouches for', async () => {
    const { store } = await s3Store({ tls: true });
    const { code, hint } = await failure(store);
    expect(code).toBe('REMOTE_TLS_FAILED');
    expect(hint).toContain('NODE_EXTRA_CA_CERTS');
  });

  test('TLS to a server that speaks plain http', async () => {
    const { open, server } = await s3Store();
    const { code, hint } = await failure(open({ endpoint: `https://127.0.0.1:${server.port}` }));
    expect(code).toBe('REMOTE_TLS_FAILED');
    expect(hint).toContain('plain http');
  });

  test('a host that does not exist', async () => {
    const { open } = await s3Store();
    const { code, message } = await failure(open({ endpoint: 'http://does-not-exist.invalid' }));
    expect(['REMOTE_HOST_NOT_FOUND', 'REMOTE_UNREACHABLE']).toContain(code);
    expect(message).toMatch(/does-not-exist\.invalid.*DNS/);
  });

  test('nothing listening', async () => {
    const { open } = await s3Store();
    const port = await freePort();
    const { code, message } = await failure(open({ endpoint: `http://127.0.0.1:${port}` }));
    expect(code).toBe('REMOTE_UNREACHABLE');
    expect(message).toContain(`127.0.0.1:${port}: the connection was refused`);
    expect(message).toContain('(5 attempts)');
  });

  test('another region', async () => {
    const { open } = await s3Store();
    const { code, hint } = await failure(open({ region: 'eu-central-1' }));
    expect(code).toBe('REMOTE_WRONG_REGION');
    expect(hint).toContain('--region');
  });

  test.each(['169.254.169.254', 'fe80::1', 'fd00:ec2::254', '::ffff:169.254.169.254'])(
    'a host name that leads to %s is refused',
    async (address) => {
      const addresses = [
        { address: '192.0.2.1', family: 4 },
        { address, family: address.includes(':') ? 6 : 4 },
      ];
      for (const all of [true, false]) {
        const error = await lookUp(addresses, all).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'REMOTE_ADDRESS_REFUSED', exitCode: 4 });
        expect(await lookUp(addresses.slice(0, 1), all)).toEqual(all ? addresses.slice(0, 1) : '192.0.2.1');
      }
    },
  );

  test('a host name is looked up at all', async () => {
    const { open, server } = await s3Store();
    const store = open({ endpoint: `http://localhost:${server.port}` });
    expect(await store.stat(HELLO_KEY)).toBeUndefined();
    expect(server.log.all()).toHaveLength(1);
  });
});

function lookUp(addresses: { address: string; family: number }[], all: boolean): Promise<unknown> {
  const lookup = guardedLookup((_hostname, _options, callback) => callback(null, addresses));
  return new Promise((resolve, reject) => {
    lookup('storage.example.org', { all }, (error, found) =>
      error === null ? resolve(found) : reject(error),
    );
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  onTestFinished(() => void server.close());
  return typeof address === 'object' && address !== null ? address.port : 0;
}
