import { createHash } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { type RawRequest, failure, rawRequest, sdkClient, testServer } from './client.ts';

const GET = { target: '/test-bucket/k' };

describe('a signature', () => {
  test('is accepted when it is right', async () => {
    const server = await testServer();
    server.objects.put('k', 'bytes');
    expect(await rawRequest(server, GET)).toMatchObject({ status: 200, body: 'bytes' });
  });

  test.each<[string, RawRequest['signing'], string]>([
    ['another secret', { secret: 'wrong' }, 'SignatureDoesNotMatch'],
    ['an unknown key', { accessKeyId: 'AKIAUNKNOWN000000000' }, 'InvalidAccessKeyId'],
    ['another region', { region: 'eu-west-1' }, 'AuthorizationHeaderMalformed'],
    ['another service', { service: 'sqs' }, 'AuthorizationHeaderMalformed'],
    ['another terminator', { terminator: 'aws5_request' }, 'AuthorizationHeaderMalformed'],
    ['the date of another day', { date: '20200101' }, 'AuthorizationHeaderMalformed'],
    ['no host in it', { unsigned: ['host'] }, 'AccessDenied'],
    ['no Authorization header', { rewrite: () => undefined }, 'AccessDenied'],
    ['another mechanism', { rewrite: (header) => header.replace('AWS4', 'AWS2') }, 'InvalidRequest'],
    ['half a header', { rewrite: (header) => header.replace(/, Sig.*/, '') }, 'AuthorizationHeaderMalformed'],
    [
      'headers in another order',
      { rewrite: (header) => header.replace('host;x-amz-content-sha256', 'x-amz-content-sha256;host') },
      'AuthorizationHeaderMalformed',
    ],
    [
      'a flipped digit',
      { rewrite: (header) => header.replace(/.$/, (last) => (last === '0' ? '1' : '0')) },
      'SignatureDoesNotMatch',
    ],
    ['a payload that is no digest', { payload: 'something' }, 'InvalidArgument'],
    ['the digest of another payload', { payload: 'a'.repeat(64) }, 'XAmzContentSHA256Mismatch'],
  ])('is refused with %s', async (_, signing = {}, code) => {
    const server = await testServer();
    server.objects.put('k', 'bytes');
    const answer = await rawRequest(server, { ...GET, signing });
    expect(answer.code).toBe(code);
    expect(answer.body).not.toBe('bytes');
    const refused =
      code === 'AuthorizationHeaderMalformed' || /^Invalid(Req|Arg)|^XAmz/.test(code) ? 400 : 403;
    expect(answer.status).toBe(refused);
  });

  test.each(['x-amz-acl', 'content-md5', 'x-amz-meta-note'])('has to cover %s', async (name) => {
    const server = await testServer();
    const answer = await rawRequest(server, {
      ...GET,
      headers: { [name]: 'x' },
      signing: { unsigned: [name] },
    });
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
    expect(answer.body).toContain(`<HeadersNotSigned>${name}</HeadersNotSigned>`);
  });

  test('has to cover the method, the path and the query that arrive', async () => {
    const server = await testServer();
    server.objects.put('k', 'bytes');
    const list = await rawRequest(server, { target: '/test-bucket?list-type=2&prefix=k' });
    expect(list.status).toBe(200);
    for (const target of ['/test-bucket/other', '/test-bucket/k?x-id=GetObject']) {
      let stolen = '';
      await rawRequest(server, { ...GET, signing: { rewrite: (header) => (stolen = header) } });
      const answer = await rawRequest(server, { target, signing: { rewrite: () => stolen } });
      expect(answer.code).toBe('SignatureDoesNotMatch');
    }
  });

  test.each([-16, 16])('is refused %i minutes off, and the Date header tells', async (minutes) => {
    const now = Date.parse('2030-05-06T07:08:09Z');
    const server = await testServer({ clock: () => now });
    server.objects.put('k', 'bytes');
    const skewed = await rawRequest(server, { ...GET, signing: { time: now + minutes * 60_000 } });
    expect(skewed).toMatchObject({ status: 403, code: 'RequestTimeTooSkewed' });
    expect(skewed.headers.date).toBe('Mon, 06 May 2030 07:08:09 GMT');
    expect(skewed.body).toContain('<ServerTime>2030-05-06T07:08:09Z</ServerTime>');
    const near = await rawRequest(server, {
      ...GET,
      signing: { time: now + Math.sign(minutes) * 14 * 60_000 },
    });
    expect(near.status).toBe(200);
  });

  test('needs a time and the digest of the payload', async () => {
    const server = await testServer();
    const noTime = await rawRequest(server, { ...GET, headers: { 'x-amz-date': 'now' } });
    expect(noTime).toMatchObject({ status: 403, code: 'AccessDenied' });
    const omit = ['x-amz-content-sha256'];
    const answer = await rawRequest(server, { ...GET, signing: { omit, unsigned: omit } });
    expect(answer).toMatchObject({ status: 400, code: 'InvalidRequest' });
  });

  test('is that of the SDK for names with every kind of character', async () => {
    const server = await testServer();
    const client = sdkClient(server);
    const Key = "a b/c+d/%25/é/(x)'!*&=?;@:,$#~日本/😀";
    await client.send(new PutObjectCommand({ Bucket: server.bucket, Key, Body: 'x' }));
    const got = await client.send(new GetObjectCommand({ Bucket: server.bucket, Key }));
    expect(await got.Body?.transformToString()).toBe('x');
    expect(server.objects.keys()).toEqual([Key]);
  });
});

describe('a session token', () => {
  test('is asked for, compared and expires', async () => {
    const server = await testServer({ sessionToken: 'the token' });
    server.objects.put('k', 'bytes');
    const get = new GetObjectCommand({ Bucket: server.bucket, Key: 'k' });
    const { accessKeyId, secretAccessKey } = server;
    await sdkClient(server).send(get);
    const without = sdkClient(server, { credentials: { accessKeyId, secretAccessKey } });
    expect(await failure(without.send(get))).toBe('InvalidAccessKeyId 403');
    const wrong = sdkClient(server, {
      credentials: { accessKeyId, secretAccessKey, sessionToken: 'other' },
    });
    expect(await failure(wrong.send(get))).toBe('InvalidToken 400');
    server.settings.sessionExpired = true;
    expect(await failure(sdkClient(server).send(get))).toBe('ExpiredToken 400');
  });

  test('does not belong to a permanent key', async () => {
    const server = await testServer();
    const answer = await rawRequest(server, { ...GET, headers: { 'x-amz-security-token': 'any' } });
    expect(answer).toMatchObject({ status: 400, code: 'InvalidToken' });
  });
});

describe('a refused request', () => {
  test('stores nothing and leaves the connection in order', async () => {
    const server = await testServer();
    const { accessKeyId } = server;
    const client = sdkClient(server, { credentials: { accessKeyId, secretAccessKey: 'wrong' } });
    const put = (Body: Buffer) =>
      failure(client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'k', Body })));
    expect(await put(Buffer.alloc(10))).toBe('SignatureDoesNotMatch 403');
    // Large enough for the SDK to wait for `100 Continue`: then not even the body is sent.
    expect(await put(Buffer.alloc(8 * 1024 * 1024))).toBe('SignatureDoesNotMatch 403');
    expect(server.objects.keys()).toEqual([]);
    expect(server.log.all()[1]?.headers.expect).toBe('100-continue');
    expect(server.log.all()[1]?.bytesIn).toBe(0);
  });

  test('stores nothing when the body ends early', async () => {
    const server = await testServer();
    const body = Buffer.alloc(100);
    const answer = rawRequest(server, {
      method: 'PUT',
      target: '/test-bucket/k',
      headers: { 'content-length': '200' },
      signing: { payload: createHash('sha256').update(body).digest('hex') },
      body: '',
    });
    await server.log.waitFor(({ operation }) => operation === 'PutObject');
    await server.close();
    await expect(answer).rejects.toThrow(/hang up|ECONNRESET/);
    expect(server.objects.keys()).toEqual([]);
  });
});
