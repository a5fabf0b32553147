import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { guardedLookup } from '../../src/storage/s3/guarded-lookup.ts';
import type { ObjectKey, ObjectStore } from '../../src/storage/object-store.ts';
import { s3Store, useCredentials, type S3StoreFixture } from '../support/s3-store.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { HELLO_KEY, on, putHello } from './support/s3-hello.ts';

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

  test('a profile that there is not, beside keys in the environment, without a word on the console', async () => {
    const { open, server } = await s3Store();
    const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    onTestFinished(() => said.mockRestore());
    const { code, message, hint } = await failure(open({ profile: 'nobody' }));
    expect(code).toBe('REMOTE_NO_CREDENTIALS');
    expect(message).toContain('the profile "nobody", which the remote names, gives no credentials');
    expect(hint).toContain('aws configure list-profiles');
    expect(server.log.all()).toEqual([]);
    expect(said).not.toHaveBeenCalled();
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
