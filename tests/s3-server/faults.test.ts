import { once } from 'node:events';
import { type IncomingMessage, get } from 'node:http';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { failure, rawRequest, sdkClient, testServer } from './client.ts';

const TEXT = 'abcdefghijklmnopqrstuvwxyz';
const TARGET = { target: '/test-bucket/k' };

async function withObject() {
  const server = await testServer();
  server.objects.put('k', TEXT);
  return server;
}

describe('a fault', () => {
  test('strikes what its rule names, as often as it says', async () => {
    const server = await withObject();
    server.objects.put('other', 'x');
    const rule = server.faults.add({
      operation: 'GetObject',
      key: /^k/,
      skip: 1,
      times: 2,
      fault: { type: 'status', status: 500 },
    });
    const statuses = [];
    for (let round = 0; round < 5; round++) statuses.push((await rawRequest(server, TARGET)).status);
    expect(statuses).toEqual([200, 500, 500, 200, 200]);
    expect(rule.hits).toBe(2);
    server.faults.add({ key: 'k', method: 'GET', fault: { type: 'status', status: 404 } });
    expect((await rawRequest(server, TARGET)).code).toBe('NoSuchKey');
    expect((await rawRequest(server, { ...TARGET, method: 'HEAD' })).status).toBe(200);
    expect((await rawRequest(server, { target: '/test-bucket/other' })).status).toBe(200);
    server.faults.clear();
    expect((await rawRequest(server, TARGET)).status).toBe(200);
    const away = server.faults.add({ fault: { type: 'status', status: 403 } });
    away.remove();
    expect((await rawRequest(server, TARGET)).status).toBe(200);
    expect(server.log.all().filter(({ fault }) => fault === 'status')).toHaveLength(3);
  });

  test('does not hide a wrong signature', async () => {
    const server = await withObject();
    const rule = server.faults.add({ fault: { type: 'status', status: 503 } });
    const answer = await rawRequest(server, { ...TARGET, signing: { secret: 'wrong' } });
    expect(answer.code).toBe('SignatureDoesNotMatch');
    expect(rule.hits).toBe(0);
  });

  test('may be a status with its code, after which the SDK tries again', async () => {
    const server = await withObject();
    server.faults.add({ times: 2, fault: { type: 'status', status: 503, retryAfterSeconds: 0 } });
    const busy = await rawRequest(server, TARGET);
    expect(busy).toMatchObject({ status: 503, code: 'SlowDown' });
    expect(busy.headers['retry-after']).toBe('0');
    const patient = sdkClient(server, { maxAttempts: 3 });
    const got = await patient.send(new GetObjectCommand({ Bucket: server.bucket, Key: 'k' }));
    expect(got.$metadata.attempts).toBe(2);
    const codes: [number, string | undefined, string][] = [
      [403, undefined, 'AccessDenied'],
      [400, 'ExpiredToken', 'ExpiredToken'],
      [409, undefined, 'ConditionalRequestConflict'],
      [500, undefined, 'InternalError'],
    ];
    for (const [status, code, expected] of codes) {
      const given = code === undefined ? {} : { code };
      server.faults.add({ times: 1, fault: { type: 'status', status, ...given } });
      const put = new PutObjectCommand({ Bucket: server.bucket, Key: 'new', Body: 'x', IfNoneMatch: '*' });
      expect(await failure(sdkClient(server).send(put))).toBe(`${expected} ${status}`);
      expect(server.objects.keys()).toEqual(['k']);
    }
  });

  test('may come after the work was done', async () => {
    const server = await withObject();
    const fault = { type: 'status', status: 500, performed: true } as const;
    server.faults.add({ times: 1, fault });
    const put = new PutObjectCommand({ Bucket: server.bucket, Key: 'new', Body: 'x' });
    expect(await failure(sdkClient(server).send(put))).toBe('InternalError 500');
    expect(server.objects.keys()).toEqual(['k', 'new']);
  });

  test('may reset the connection, before or after the work', async () => {
    const server = await withObject();
    const client = sdkClient(server);
    const Body = Buffer.alloc(1_000_000);
    const name = { Bucket: server.bucket, Key: 'new' };
    server.faults.add({ times: 1, fault: { type: 'reset-request', afterBytes: 100_000 } });
    expect(await failure(client.send(new PutObjectCommand({ ...name, Body })))).toMatch(/ECONNRESET|EPIPE/);
    expect(server.objects.keys()).toEqual(['k']);
    expect(server.log.all().at(-1)).toMatchObject({ status: undefined, fault: 'reset-request' });
    expect(server.log.all().at(-1)?.bytesIn).toBeGreaterThanOrEqual(100_000);
    server.faults.add({ times: 1, fault: { type: 'reset-response', afterBytes: 0 } });
    await client.send(new PutObjectCommand({ ...name, Body })).catch(() => {});
    expect(server.objects.keys()).toEqual(['k', 'new']);
    server.faults.add({ times: 1, fault: { type: 'reset-response', afterBytes: 100_000 } });
    // On a new connection: the old one may be closed only after the client has taken it for its next request.
    const got = await sdkClient(server).send(new GetObjectCommand(name));
    await expect(got.Body?.transformToByteArray()).rejects.toThrow(/aborted|ECONNRESET/);
    expect(server.log.of('GetObject')[0]?.bytesOut).toBe(100_000);
  });

  test('may cut the body under the right length', async () => {
    const server = await withObject();
    server.faults.add({ fault: { type: 'truncate', bytes: 10 } });
    const got = await sdkClient(server).send(new GetObjectCommand({ Bucket: server.bucket, Key: 'k' }));
    expect(got.ContentLength).toBe(26);
    await expect(got.Body?.transformToString()).rejects.toThrow(/aborted|ECONNRESET/);
    expect(server.log.of('GetObject')[0]?.bytesOut).toBe(10);
  });

  test('may cut the body and its length alike', async () => {
    const server = await withObject();
    server.faults.add({ fault: { type: 'short', bytes: 10 } });
    const answer = await rawRequest(server, TARGET);
    expect(answer).toMatchObject({ status: 200, body: 'abcdefghij' });
    expect(answer.headers['content-length']).toBe('10');
  });

  test('may flip a bit, so that the length stays', async () => {
    const server = await withObject();
    server.faults.add({ times: 1, fault: { type: 'flip' } });
    server.faults.add({ times: 1, fault: { type: 'flip', at: 0 } });
    server.faults.add({ times: 1, fault: { type: 'flip', at: -1 } });
    expect((await rawRequest(server, TARGET)).body).toBe('abcdefghijklmoopqrstuvwxyz');
    expect((await rawRequest(server, TARGET)).body).toBe(`\`${TEXT.slice(1)}`);
    expect((await rawRequest(server, TARGET)).body).toBe(`${TEXT.slice(0, -1)}{`);
    expect((await rawRequest(server, TARGET)).body).toBe(TEXT);
  });

  test('may be 200 with a page or an error in it', async () => {
    const server = await withObject();
    server.faults.add({ times: 1, fault: { type: 'html-200', body: 'html' } });
    server.faults.add({ times: 1, fault: { type: 'html-200', body: 'error-xml' } });
    const html = await rawRequest(server, { ...TARGET, method: 'PUT', body: 'new' });
    expect(html.status).toBe(200);
    expect(html.body).toMatch(/^<!DOCTYPE html>/);
    expect(await rawRequest(server, TARGET)).toMatchObject({ status: 200, code: 'InternalError' });
    expect(String(await server.objects.get('k'))).toBe(TEXT);
  });

  test('may answer a range with something else', async () => {
    const server = await withObject();
    const ranged = { ...TARGET, headers: { range: 'bytes=5-9' } };
    for (const how of ['shifted', 'ignored', 'unsatisfiable'] as const) {
      server.faults.add({ times: 1, fault: { type: 'wrong-range', how } });
    }
    const shifted = await rawRequest(server, ranged);
    expect(shifted).toMatchObject({ status: 206, body: 'ghijk' });
    expect(shifted.headers['content-range']).toBe('bytes 6-10/26');
    const ignored = await rawRequest(server, ranged);
    expect(ignored).toMatchObject({ status: 200, body: TEXT });
    expect(ignored.headers['content-range']).toBeUndefined();
    expect(await rawRequest(server, ranged)).toMatchObject({ status: 416, code: 'InvalidRange' });
    expect((await rawRequest(server, ranged)).body).toBe('fghij');
    server.faults.add({ times: 2, fault: { type: 'wrong-range', how: 'shifted' } });
    const last = await rawRequest(server, { ...TARGET, headers: { range: 'bytes=20-25' } });
    expect(last.headers['content-range']).toBe('bytes 19-24/26');
    expect(last.body).toBe('tuvwxy');
  });

  test('may lose a write that it confirms', async () => {
    const server = await withObject();
    const client = sdkClient(server);
    const Body = '0123456789';
    for (const how of ['absent', 'short', 'altered'] as const) {
      server.faults.add({ method: 'PUT', times: 1, fault: { type: 'lost-write', how } });
      await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: how, Body }));
    }
    expect(server.objects.keys()).toEqual(['altered', 'k', 'short']);
    expect(String(await server.objects.get('short'))).toBe('01234');
    expect(String(await server.objects.get('altered'))).toBe('0123446789');
    const head = await client.send(new HeadObjectCommand({ Bucket: server.bucket, Key: 'short' }));
    expect(head.ContentLength).toBe(5);
  });

  test('may let the answer drip', async () => {
    const server = await withObject();
    server.faults.add({ fault: { type: 'drip', bytes: 4, intervalMs: 1 } });
    expect((await rawRequest(server, TARGET)).body).toBe(TEXT);
    server.faults.clear();
    server.faults.add({ fault: { type: 'drip', bytes: 1, intervalMs: 3_600_000 } });
    const answer = rawRequest(server, TARGET);
    await server.log.waitFor(({ bytesOut }) => bytesOut === 1);
    await server.close();
    await expect(answer).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  test('may be no answer, or one that stops', async () => {
    const server = await withObject();
    server.faults.add({ times: 1, fault: { type: 'hang' } });
    server.faults.add({ times: 1, fault: { type: 'hang', afterBytes: 5 } });
    const silent = rawRequest(server, TARGET);
    const first = await server.log.waitFor(({ fault, finished }) => fault === 'hang' && finished);
    expect(first.status).toBeUndefined();
    const partial = rawRequest(server, TARGET);
    await server.log.waitFor(({ bytesOut, finished }) => bytesOut === 5 && finished);
    expect((await rawRequest(server, TARGET)).body).toBe(TEXT);
    const settled = Promise.allSettled([silent, partial]);
    await server.close();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test('may be another ETag or another date', async () => {
    const now = Date.parse('2030-05-06T07:08:09Z');
    const server = await testServer({ clock: () => now });
    server.objects.put('k', TEXT);
    server.faults.add({ times: 1, fault: { type: 'etag', etag: 'changed' } });
    server.faults.add({ times: 1, fault: { type: 'date', skewMs: -3_600_000 } });
    const signing = { time: now };
    expect((await rawRequest(server, { ...TARGET, signing })).headers.etag).toBe('"changed"');
    const late = await rawRequest(server, { ...TARGET, signing });
    expect(late).toMatchObject({ status: 200, body: TEXT });
    expect(late.headers.date).toBe('Mon, 06 May 2030 06:08:09 GMT');
  });

  test('may spoil a listing', async () => {
    const server = await testServer({ pageSize: 4 });
    for (let index = 0; index < 6; index++) server.objects.put(`k${index}`, 'x');
    const client = sdkClient(server);
    const list = (ContinuationToken?: string) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: server.bucket,
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
    const next = (how: 'half' | 'empty' | 'no-token' | 'token-loop' | 'cut-xml', times = 1) =>
      server.faults.add({ operation: 'ListObjectsV2', times, fault: { type: 'list', how } });
    next('half');
    const half = await list();
    expect(half.Contents).toHaveLength(2);
    expect(half).toMatchObject({ IsTruncated: false, KeyCount: 4 });
    next('empty');
    expect(await list()).toMatchObject({ IsTruncated: false, KeyCount: 0 });
    next('no-token');
    const stuck = await list();
    expect(stuck.IsTruncated).toBe(true);
    expect(stuck.NextContinuationToken).toBeUndefined();
    next('token-loop', 3);
    const first = await list();
    const second = await list(first.NextContinuationToken);
    expect(second.Contents).toEqual(first.Contents);
    expect(second.NextContinuationToken).toBe(first.NextContinuationToken);
    server.faults.clear();
    next('cut-xml');
    await expect(list()).rejects.toThrow(/./);
    expect((await list()).Contents).toHaveLength(4);
  });
});

describe('the log', () => {
  test('counts requests, bytes and what ran at once, and keeps no signature', async () => {
    const server = await withObject();
    const client = sdkClient(server);
    await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'new', Body: '12345' }));
    await client.send(new DeleteObjectCommand({ Bucket: server.bucket, Key: 'new' }));
    const [put, removed] = server.log.all();
    expect(put).toMatchObject({ method: 'PUT', operation: 'PutObject', key: 'new', bytesIn: 5, status: 200 });
    expect(put?.headers).toMatchObject({ 'content-length': '5' });
    expect(put?.headers).not.toHaveProperty('authorization');
    expect(removed).toMatchObject({ operation: 'DeleteObject', status: 204, finished: true });
    expect(server.log.peakConcurrency).toBe(1);
    server.log.clear();
    server.faults.add({ times: 2, fault: { type: 'drip', bytes: 26, intervalMs: 200 } });
    await Promise.all([rawRequest(server, TARGET), rawRequest(server, TARGET)]);
    expect(server.log.peakConcurrency).toBe(2);
    const missing = await rawRequest(server, { target: '/test-bucket/none' });
    expect(missing.status).toBe(404);
    expect(server.log.all().at(-1)).toMatchObject({ errorCode: 'NoSuchKey', status: 404 });
  });

  test('of a request without a signature has no more than was sent', async () => {
    const server = await withObject();
    const [response] = (await once(get(`${server.endpoint}/test-bucket/k`), 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    expect(response.statusCode).toBe(403);
    expect(server.log.all()[0]).toMatchObject({ key: 'k', errorCode: 'AccessDenied', status: 403 });
  });
});
