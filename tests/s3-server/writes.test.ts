import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import type { S3Server } from '../support/s3-server/server.ts';
import { failure, rawRequest, sdkClient, testServer } from './client.ts';

function put(client: S3Client, server: S3Server, input: Partial<PutObjectCommandInput>) {
  return client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'k', Body: 'bytes', ...input }));
}

describe('a conditional write', () => {
  test('creates only where there is nothing', async () => {
    const server = await testServer();
    const client = sdkClient(server);
    await put(client, server, { IfNoneMatch: '*' });
    const again = put(client, server, { IfNoneMatch: '*', Body: 'other' });
    expect(await failure(again)).toBe('PreconditionFailed 412');
    expect(String(await server.objects.get('k'))).toBe('bytes');
  });

  test('has one winner of twenty that race', async () => {
    const server = await testServer();
    const client = sdkClient(server);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        put(client, server, { IfNoneMatch: '*', Body: Buffer.alloc(300_000, index) }),
      ),
    );
    const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    expect(winners).toHaveLength(1);
    const codes = server.log.of('PutObject').map(({ status }) => status);
    expect(codes.filter((status) => status === 412)).toHaveLength(19);
    expect((await server.objects.get('k'))?.equals(Buffer.alloc(300_000, winners[0]))).toBe(true);
  });

  test('is decided when the body is complete, not when the request arrives', async () => {
    const server = await testServer();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    async function* body() {
      yield Buffer.alloc(9000);
      await gate;
      yield Buffer.alloc(1000);
    }
    const slow = sdkClient(server).send(
      new PutObjectCommand({
        Bucket: server.bucket,
        Key: 'k',
        IfNoneMatch: '*',
        Body: Readable.from(body()),
        ContentLength: 10_000,
      }),
    );
    await server.log.waitFor(({ operation }) => operation === 'PutObject');
    server.objects.put('k', 'the first');
    open();
    expect(await failure(slow)).toBe('PreconditionFailed 412');
    expect(String(await server.objects.get('k'))).toBe('the first');
  });

  test('replaces only the object with that ETag', async () => {
    const server = await testServer();
    const client = sdkClient(server);
    expect(await failure(put(client, server, { IfMatch: '"x"' }))).toBe('NoSuchKey 404');
    const { ETag = '' } = await put(client, server, {});
    expect(await failure(put(client, server, { IfMatch: '"x"', Body: 'no' }))).toBe('PreconditionFailed 412');
    await put(client, server, { IfMatch: ETag, Body: 'new' });
    expect(String(await server.objects.get('k'))).toBe('new');
    const name = { Bucket: server.bucket, Key: 'k' };
    const stale = new DeleteObjectCommand({ ...name, IfMatch: ETag });
    expect(await failure(client.send(stale))).toBe('PreconditionFailed 412');
    expect(server.objects.keys()).toEqual(['k']);
  });

  test('with If-None-Match knows no ETags, as S3', async () => {
    const server = await testServer();
    expect(await failure(put(sdkClient(server), server, { IfNoneMatch: '"x"' }))).toBe('NotImplemented 501');
  });

  test('is a plain one for a store that ignores the condition', async () => {
    const server = await testServer({ conditionalWrites: 'ignored' });
    const client = sdkClient(server);
    await put(client, server, { IfNoneMatch: '*' });
    await put(client, server, { IfNoneMatch: '*', Body: 'second' });
    await put(client, server, { IfMatch: '"x"', Body: 'third' });
    expect(String(await server.objects.get('k'))).toBe('third');
  });

  test('is refused by a store that has none, whatever is there', async () => {
    const server = await testServer({ conditionalWrites: 'not-implemented' });
    const client = sdkClient(server);
    expect(await failure(put(client, server, { IfNoneMatch: '*' }))).toBe('NotImplemented 501');
    expect(await failure(put(client, server, { IfMatch: '"x"' }))).toBe('NotImplemented 501');
    await put(client, server, {});
    expect(server.objects.keys()).toEqual(['k']);
  });
});

const PART = 5 * 1024 * 1024;

async function upload(server: S3Server, options: { sizes: readonly number[]; algorithm?: 'SHA256' }) {
  const client = sdkClient(server);
  const name = { Bucket: server.bucket, Key: 'big' };
  const { algorithm } = options;
  const checksum = algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...name, ...checksum, ContentType: 'text/plain' }),
  );
  const parts: CompletedPart[] = [];
  for (const [index, size] of options.sizes.entries()) {
    const PartNumber = index + 1;
    const Body = Buffer.alloc(size, PartNumber);
    const sent = await client.send(
      new UploadPartCommand({ ...name, ...checksum, UploadId, PartNumber, Body }),
    );
    const { ETag, ChecksumSHA256 } = sent;
    parts.push({ PartNumber, ETag, ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }) });
  }
  const complete = (Parts: CompletedPart[], condition: { IfNoneMatch?: string } = {}) =>
    client.send(
      new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts }, ...condition }),
    );
  return { client, name, UploadId, parts, complete };
}

describe('a multipart upload', () => {
  test('puts its parts together, with the ETag and checksum of parts', async () => {
    const server = await testServer();
    const { client, name, UploadId, parts, complete } = await upload(server, {
      sizes: [PART, PART, 10],
      algorithm: 'SHA256',
    });
    const listed = await client.send(new ListPartsCommand({ ...name, UploadId }));
    expect(
      listed.Parts?.map(({ PartNumber, Size, ETag, ChecksumSHA256 }) => [
        PartNumber,
        Size,
        ETag,
        ChecksumSHA256,
      ]),
    ).toEqual(
      parts.map(({ PartNumber, ETag, ChecksumSHA256 }) => [
        PartNumber,
        PartNumber === 3 ? 10 : PART,
        ETag,
        ChecksumSHA256,
      ]),
    );
    expect(server.objects.keys()).toEqual([]);
    const done = await complete(parts);
    const bodies = [Buffer.alloc(PART, 1), Buffer.alloc(PART, 2), Buffer.alloc(10, 3)];
    const combined = (algorithm: string) =>
      createHash(algorithm).update(
        Buffer.concat(bodies.map((body) => createHash(algorithm).update(body).digest())),
      );
    expect(done.ETag).toBe(`"${combined('md5').digest('hex')}-3"`);
    expect(done.ChecksumSHA256).toBe(`${combined('sha256').digest('base64')}-3`);
    expect((await server.objects.get('big'))?.equals(Buffer.concat(bodies))).toBe(true);
    const head = await client.send(new HeadObjectCommand({ ...name, ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({
      ContentType: 'text/plain',
      ContentLength: 2 * PART + 10,
      ChecksumSHA256: done.ChecksumSHA256,
      ChecksumType: 'COMPOSITE',
    });
    const across = await client.send(
      new GetObjectCommand({ ...name, Range: `bytes=${PART - 2}-${PART + 1}` }),
    );
    expect([...((await across.Body?.transformToByteArray()) ?? [])]).toEqual([1, 1, 2, 2]);
    expect(await failure(complete(parts))).toBe('NoSuchUpload 404');
  });

  test('is refused for parts that are wrong', async () => {
    const server = await testServer();
    const { parts, complete } = await upload(server, { sizes: [PART, 10, 10], algorithm: 'SHA256' });
    const [first = {}, second = {}, third = {}] = parts;
    expect(await failure(complete([second, first]))).toBe('InvalidPartOrder 400');
    expect(await failure(complete([first, second, third]))).toBe('EntityTooSmall 400');
    expect(await failure(complete([{ ...first, ETag: '"x"' }]))).toBe('InvalidPart 400');
    expect(await failure(complete([{ ...first, PartNumber: 9 }]))).toBe('InvalidPart 400');
    const { ChecksumSHA256 } = second;
    expect(await failure(complete([{ ...first, ChecksumSHA256 }]))).toBe('InvalidPart 400');
    expect(await failure(complete([]))).toBe('MalformedXML 400');
    expect(server.objects.keys()).toEqual([]);
    await complete([first, third]);
    expect(server.objects.entry('big')?.body.size).toBe(PART + 10);
  });

  test('keeps to the checksum algorithm it started with', async () => {
    const server = await testServer();
    const { client, name, UploadId } = await upload(server, { sizes: [], algorithm: 'SHA256' });
    const part = new UploadPartCommand({
      ...name,
      UploadId,
      PartNumber: 1,
      Body: 'x',
      ChecksumAlgorithm: 'CRC32',
    });
    expect(await failure(client.send(part))).toBe('InvalidRequest 400');
    const wrong = Buffer.alloc(32).toString('base64');
    const bad = new UploadPartCommand({ ...name, UploadId, PartNumber: 1, Body: 'x', ChecksumSHA256: wrong });
    expect(await failure(client.send(bad))).toBe('BadDigest 400');
    const far = new UploadPartCommand({ ...name, UploadId, PartNumber: 10_001, Body: 'x' });
    expect(await failure(client.send(far))).toBe('InvalidArgument 400');
    expect(server.objects.uploads()[0]?.parts.size).toBe(0);
  });

  test('is completed only with the checksum that its parts make, and under its own key', async () => {
    const server = await testServer();
    const { client, name, UploadId, parts } = await upload(server, { sizes: [10], algorithm: 'SHA256' });
    const [{ ChecksumSHA256 = '' } = {}] = parts;
    const composite = createHash('sha256').update(Buffer.from(ChecksumSHA256, 'base64')).digest('base64');
    const complete = (checksum: string, Key = name.Key) =>
      client.send(
        new CompleteMultipartUploadCommand({
          ...name,
          Key,
          UploadId,
          MultipartUpload: { Parts: parts },
          ChecksumSHA256: checksum,
        }),
      );
    expect(await failure(complete(`${ChecksumSHA256}-1`))).toBe('BadDigest 400');
    expect(await failure(complete(`${composite}-1`, 'other'))).toBe('NoSuchUpload 404');
    expect(server.objects.keys()).toEqual([]);
    await complete(`${composite}-1`);
    expect(server.objects.keys()).toEqual(['big']);
  });

  test('creates only where there is nothing, when asked', async () => {
    const server = await testServer();
    const [one, two] = [await upload(server, { sizes: [10] }), await upload(server, { sizes: [20] })];
    const outcomes = await Promise.allSettled(
      [one, two].map(({ complete, parts }) => complete(parts, { IfNoneMatch: '*' })),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(
      server.log
        .of('CompleteMultipartUpload')
        .map(({ status }) => String(status))
        .sort(),
    ).toEqual(['200', '412']);
    expect(server.objects.uploads()).toHaveLength(1);
  });

  test('is listed page by page until it is aborted', async () => {
    const server = await testServer({ pageSize: 2 });
    const started = [];
    for (let index = 0; index < 5; index++) started.push(await upload(server, { sizes: [1, 1, 1] }));
    const [first] = started;
    const client = sdkClient(server);
    const seen: string[] = [];
    let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (let more = true; more;) {
      const page = await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket, ...marker }));
      seen.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId ?? ''));
      more = page.IsTruncated === true;
      expect(page.Uploads?.length).toBeLessThanOrEqual(2);
      if (more)
        marker = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
    }
    expect(seen.sort()).toEqual(started.map(({ UploadId = '' }) => UploadId).sort());

    const name = { Bucket: server.bucket, Key: 'big', UploadId: first?.UploadId };
    const parts = await client.send(new ListPartsCommand(name));
    expect(parts).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' });
    const rest = await client.send(new ListPartsCommand({ ...name, PartNumberMarker: '2' }));
    expect(rest.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([3]);
    expect(rest.IsTruncated).toBe(false);

    for (const { UploadId } of started) {
      await client.send(new AbortMultipartUploadCommand({ ...name, UploadId }));
    }
    expect(server.objects.uploads()).toEqual([]);
    expect(await failure(client.send(new ListPartsCommand(name)))).toBe('NoSuchUpload 404');
  });

  test('of full-object checksums is not pretended', async () => {
    const server = await testServer();
    const answer = await rawRequest(server, {
      method: 'POST',
      target: '/test-bucket/k?uploads',
      headers: { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' },
    });
    expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' });
  });
});
