import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tempDirectory } from '../support/temp-repo.ts';
import { failure, rawRequest, sdkClient, testServer } from './client.ts';

const BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 251));

describe('objects', () => {
  test('give back what was put, with length, type, MD5, time and metadata', async () => {
    const server = await testServer({ clock: () => Date.now() });
    const client = sdkClient(server);
    const name = { Bucket: server.bucket, Key: 'a/b c+d/ü.bin' };
    const put = await client.send(
      new PutObjectCommand({ ...name, Body: BYTES, ContentType: 'text/csv', Metadata: { origin: 'here' } }),
    );
    const etag = `"${createHash('md5').update(BYTES).digest('hex')}"`;
    expect(put.ETag).toBe(etag);
    const got = await client.send(new GetObjectCommand(name));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(BYTES)).toBe(true);
    expect(got).toMatchObject({ ContentType: 'text/csv', ETag: etag, Metadata: { origin: 'here' } });
    const head = await client.send(new HeadObjectCommand(name));
    expect(head).toMatchObject({ ContentLength: BYTES.length, ETag: etag, AcceptRanges: 'bytes' });
    expect(head.LastModified?.getMilliseconds()).toBe(0);
    expect(server.objects.keys()).toEqual([name.Key]);
    await client.send(new DeleteObjectCommand(name));
    expect(await failure(client.send(new GetObjectCommand(name)))).toBe('NoSuchKey 404');
    expect(await failure(client.send(new HeadObjectCommand(name)))).toBe('NotFound 404');
  });

  test('are the same from a stream, whose chunk framing is taken off', async () => {
    const server = await testServer();
    const client = sdkClient(server);
    const name = { Bucket: server.bucket, Key: 'stream' };
    await client.send(
      new PutObjectCommand({ ...name, Body: Readable.from([BYTES]), ContentLength: BYTES.length }),
    );
    expect((await server.objects.get('stream'))?.equals(BYTES)).toBe(true);
    expect(server.objects.entry('stream')?.headers).toEqual({ 'content-type': 'application/octet-stream' });
    expect(server.objects.entry('stream')?.checksum?.algorithm).toBe('crc32');
    const [request] = server.log.of('PutObject');
    expect(request?.headers['x-amz-content-sha256']).toBe('STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    expect(request?.bytesIn).toBeGreaterThan(BYTES.length);
  });

  test('may be kept in a directory', async () => {
    const directory = await tempDirectory();
    const server = await testServer({ directory, etags: 'opaque' });
    const client = sdkClient(server);
    const name = { Bucket: server.bucket, Key: 'on-disk' };
    const put = await client.send(new PutObjectCommand({ ...name, Body: BYTES }));
    expect(put.ETag).not.toBe(`"${createHash('md5').update(BYTES).digest('hex')}"`);
    const got = await client.send(new GetObjectCommand({ ...name, Range: 'bytes=99000-' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(BYTES.subarray(99_000))).toBe(
      true,
    );
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=99990-200000', 99_990, 100_000],
    ['bytes=-5', 99_995, 100_000],
    ['bytes=-200000', 0, 100_000],
  ])('are read in part: %s', async (range, start, end) => {
    const server = await testServer();
    server.objects.put('k', BYTES);
    const got = await sdkClient(server).send(
      new GetObjectCommand({ Bucket: server.bucket, Key: 'k', Range: range }),
    );
    expect(got.$metadata.httpStatusCode).toBe(206);
    expect(got.ContentRange).toBe(`bytes ${start}-${end - 1}/100000`);
    expect(got.ContentLength).toBe(end - start);
    const bytes = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(BYTES.subarray(start, end))).toBe(true);
    expect(server.log.of('GetObject')[0]?.bytesOut).toBe(end - start);
  });

  test.each(['bytes=100000-', 'bytes=100000-100001', 'bytes=-0'])('end before %s', async (range) => {
    const server = await testServer();
    server.objects.put('k', BYTES);
    const answer = await rawRequest(server, { target: '/test-bucket/k', headers: { range } });
    expect(answer).toMatchObject({ status: 416, code: 'InvalidRange' });
    expect(answer.headers['content-range']).toBe('bytes */100000');
  });

  test.each(['bytes=5-4', 'bytes=0-1,4-5', 'lines=0-1', 'bytes=-'])(
    'come whole for a range that S3 does not understand: %s',
    async (range) => {
      const server = await testServer();
      server.objects.put('k', BYTES);
      const answer = await rawRequest(server, { target: '/test-bucket/k', headers: { range } });
      expect(answer.status).toBe(200);
      expect(answer.body.length).toBe(BYTES.length);
    },
  );

  test('are read under conditions', async () => {
    const server = await testServer();
    server.objects.put('k', 'one');
    const client = sdkClient(server);
    const name = { Bucket: server.bucket, Key: 'k' };
    const { ETag = '' } = await client.send(new HeadObjectCommand({ ...name }));
    const right = await client.send(new GetObjectCommand({ ...name, IfMatch: ETag }));
    expect(await right.Body?.transformToString()).toBe('one');
    expect(await failure(client.send(new GetObjectCommand({ ...name, IfMatch: '"other"' })))).toBe(
      'PreconditionFailed 412',
    );
    const same = await rawRequest(server, { target: '/test-bucket/k', headers: { 'if-none-match': ETag } });
    expect(same).toMatchObject({ status: 304, body: '' });
    const other = await rawRequest(server, { target: '/test-bucket/k', headers: { 'if-none-match': '"x"' } });
    expect(other).toMatchObject({ status: 200, body: 'one' });
  });

  test('are deleted many at a time, which needs a checksum of the list', async () => {
    const server = await testServer();
    for (const key of ['a', 'b', 'c']) server.objects.put(key, key);
    const deleted = await sdkClient(server).send(
      new DeleteObjectsCommand({
        Bucket: server.bucket,
        Delete: { Objects: [{ Key: 'a' }, { Key: 'c' }, { Key: 'never there' }] },
      }),
    );
    expect(deleted.Deleted?.map(({ Key }) => Key)).toEqual(['a', 'c', 'never there']);
    expect(server.objects.keys()).toEqual(['b']);
    const body = '<Delete><Object><Key>b</Key></Object></Delete>';
    const bare = await rawRequest(server, { method: 'POST', target: '/test-bucket?delete', body });
    expect(bare).toMatchObject({ status: 400, code: 'InvalidRequest' });
    expect(server.objects.keys()).toEqual(['b']);
  });

  test.each([
    '<Delete><Object><Key>b</Key></Delete>',
    '<Delete><Object><Key>b</Other></Object></Delete>',
    '<Other><Object><Key>b</Key></Object></Other>',
    '<!DOCTYPE Delete><Delete><Object><Key>b</Key></Object></Delete>',
    '<Delete><Object><Key>&b;</Key></Object></Delete>',
    '<Delete/>',
    'no XML',
  ])('are not deleted by a malformed list: %s', async (body) => {
    const server = await testServer();
    server.objects.put('b', 'b');
    const answer = await rawRequest(server, {
      method: 'POST',
      target: '/test-bucket?delete',
      body,
      headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
    });
    expect(answer).toMatchObject({ status: 400, code: 'MalformedXML' });
    expect(server.objects.keys()).toEqual(['b']);
  });

  test('are copied within the store', async () => {
    const server = await testServer();
    server.objects.put('from here', 'bytes');
    await sdkClient(server).send(
      new CopyObjectCommand({ Bucket: server.bucket, Key: 'to', CopySource: 'test-bucket/from%20here' }),
    );
    expect(String(await server.objects.get('to'))).toBe('bytes');
  });

  test('have a name of at most 1024 bytes', async () => {
    const server = await testServer();
    const client = sdkClient(server);
    const put = (Key: string) => client.send(new PutObjectCommand({ Bucket: server.bucket, Key, Body: 'x' }));
    expect(await failure(put('é'.repeat(513)))).toBe('KeyTooLongError 400');
    await put('é'.repeat(512));
    expect(server.objects.keys()).toHaveLength(1);
  });
});

describe('buckets', () => {
  test('are there, made, or missing', async () => {
    const server = await testServer({ region: 'eu-central-1' });
    const client = sdkClient(server);
    await client.send(new HeadBucketCommand({ Bucket: 'test-bucket' }));
    const location = await client.send(new GetBucketLocationCommand({ Bucket: 'test-bucket' }));
    expect(location.LocationConstraint).toBe('eu-central-1');
    expect(await failure(client.send(new HeadBucketCommand({ Bucket: 'other' })))).toBe('NotFound 404');
    const put = new PutObjectCommand({ Bucket: 'other', Key: 'k', Body: 'x' });
    expect(await failure(client.send(put))).toBe('NoSuchBucket 404');
    await client.send(new CreateBucketCommand({ Bucket: 'other' }));
    expect(await failure(client.send(new CreateBucketCommand({ Bucket: 'other' })))).toBe(
      'BucketAlreadyOwnedByYou 409',
    );
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['other', 'test-bucket']);
    expect(server.contentsOf('other').keys()).toEqual([]);
  });

  test('are found by host name as well', async () => {
    const server = await testServer({ domain: 's3.test' });
    server.objects.put('a/k', 'found');
    const answer = await rawRequest(server, {
      target: '/a/k',
      headers: { host: `test-bucket.s3.test:${server.port}` },
    });
    expect(answer).toMatchObject({ status: 200, body: 'found' });
  });

  test('are found by the host name that the SDK makes', async () => {
    const server = await testServer();
    // `lookup` stands in for a name server that knows every bucket.
    const httpAgent = new Agent({
      lookup: (_name, options, callback) =>
        options.all === true
          ? callback(null, [{ address: '127.0.0.1', family: 4 }])
          : callback(null, '127.0.0.1', 4),
    });
    onTestFinished(() => httpAgent.destroy());
    const client = sdkClient(server, {
      endpoint: `http://localhost:${server.port}`,
      forcePathStyle: false,
      requestHandler: { httpAgent },
    });
    await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'a/k', Body: 'x' }));
    expect(server.objects.keys()).toEqual(['a/k']);
    expect(server.log.all()[0]?.headers.host).toBe(`test-bucket.localhost:${server.port}`);
  });

  test('have names that a host can have', async () => {
    const server = await testServer();
    const answer = await rawRequest(server, { method: 'PUT', target: '/Not_a_bucket' });
    expect(answer).toMatchObject({ status: 400, code: 'InvalidBucketName' });
  });

  test.each(['acl', 'tagging', 'versionId=1', 'versions', 'policy'])(
    'do not ignore a parameter they do not know: %s',
    async (query) => {
      const server = await testServer();
      server.objects.put('k', 'x');
      const answer = await rawRequest(server, { target: `/test-bucket/k?${query}` });
      expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' });
    },
  );

  test('answer errors in XML with the ids of the request', async () => {
    const server = await testServer();
    const answer = await rawRequest(server, { target: '/test-bucket/a%26b' });
    expect(answer).toMatchObject({ status: 404, code: 'NoSuchKey' });
    expect(answer.headers['content-type']).toBe('application/xml');
    expect(answer.body).toContain('<Key>a&#x26;b</Key>');
    expect(answer.body).toContain(`<RequestId>${String(answer.headers['x-amz-request-id'])}</RequestId>`);
  });

  test('refuse methods and paths that are none', async () => {
    const server = await testServer();
    expect(await rawRequest(server, { method: 'PATCH', target: '/test-bucket/k' })).toMatchObject({
      status: 405,
      code: 'MethodNotAllowed',
    });
    expect(await rawRequest(server, { target: '/test-bucket/%E0%A4%A' })).toMatchObject({
      status: 400,
      code: 'InvalidURI',
    });
  });
});
