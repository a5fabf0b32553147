import { createHash } from 'node:crypto';
import {
  ChecksumAlgorithm,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import type { S3Server } from '../support/s3-server/server.ts';
import { type RawAnswer, failure, rawRequest, sdkClient, testServer } from './client.ts';

const BODY = Buffer.from('123456789');
// The check values of the algorithms' own specifications for these nine bytes.
const CHECKSUMS = {
  crc32: Buffer.from('cbf43926', 'hex').toString('base64'),
  crc32c: Buffer.from('e3069283', 'hex').toString('base64'),
  sha1: createHash('sha1').update(BODY).digest('base64'),
  sha256: createHash('sha256').update(BODY).digest('base64'),
};

function put(
  server: S3Server,
  headers: Record<string, string>,
  payload = 'UNSIGNED-PAYLOAD',
): Promise<RawAnswer> {
  const target = '/test-bucket/k';
  return rawRequest(server, { method: 'PUT', target, headers, body: BODY, signing: { payload } });
}

describe('a checksum in a header', () => {
  test.each(Object.entries(CHECKSUMS))('%s is verified, kept and echoed when asked', async (name, value) => {
    const server = await testServer();
    const header = `x-amz-checksum-${name}`;
    const wrong = Buffer.from(value, 'base64');
    wrong.writeUInt8(wrong.readUInt8(0) ^ 1);
    const refused = await put(server, { [header]: wrong.toString('base64') });
    expect(refused).toMatchObject({ status: 400, code: 'BadDigest' });
    expect(server.objects.keys()).toEqual([]);
    const stored = await put(server, { [header]: value });
    expect(stored.status).toBe(200);
    expect(stored.headers[header]).toBe(value);
    const target = '/test-bucket/k';
    const asked = { 'x-amz-checksum-mode': 'ENABLED' };
    for (const method of ['HEAD', 'GET']) {
      const plain = await rawRequest(server, { method, target });
      expect(plain.headers[header]).toBeUndefined();
      const echoed = await rawRequest(server, { method, target, headers: asked });
      expect(echoed.headers[header]).toBe(value);
    }
    const part = await rawRequest(server, { target, headers: { ...asked, range: 'bytes=0-1' } });
    expect(part.status).toBe(206);
    expect(part.headers[header]).toBeUndefined();
  });

  test('is refused with the code other stores use, when told to', async () => {
    const server = await testServer({ checksumError: 'XAmzContentChecksumMismatch' });
    const answer = await put(server, { 'x-amz-checksum-crc32': 'AAAAAA==' });
    expect(answer).toMatchObject({ status: 400, code: 'XAmzContentChecksumMismatch' });
  });

  test.each<[string, Record<string, string>, string]>([
    ['of the wrong length', { 'x-amz-checksum-sha256': CHECKSUMS.crc32 }, 'InvalidRequest'],
    ['without its padding', { 'x-amz-checksum-crc32': 'AAAAAA' }, 'InvalidRequest'],
    [
      'beside another',
      { 'x-amz-checksum-crc32': CHECKSUMS.crc32, 'x-amz-checksum-sha1': CHECKSUMS.sha1 },
      'InvalidRequest',
    ],
    [
      'of another kind than the SDK says',
      { 'x-amz-checksum-crc32': CHECKSUMS.crc32, 'x-amz-sdk-checksum-algorithm': 'SHA256' },
      'InvalidRequest',
    ],
    ['that only the SDK speaks of', { 'x-amz-sdk-checksum-algorithm': 'SHA256' }, 'InvalidRequest'],
    ['that the server cannot compute', { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, 'NotImplemented'],
  ])('is refused %s', async (_, headers, code) => {
    const server = await testServer();
    expect((await put(server, headers)).code).toBe(code);
    expect(server.objects.keys()).toEqual([]);
  });

  test('is neither compared nor kept by a store that ignores it', async () => {
    const server = await testServer({ checksums: 'ignored' });
    const stored = await put(server, { 'x-amz-checksum-crc32': 'AAAAAA==' });
    expect(stored).toMatchObject({ status: 200 });
    expect(stored.headers['x-amz-checksum-crc32']).toBeUndefined();
    const head = await rawRequest(server, {
      method: 'HEAD',
      target: '/test-bucket/k',
      headers: { 'x-amz-checksum-mode': 'ENABLED' },
    });
    expect(head.headers['x-amz-checksum-crc32']).toBeUndefined();
  });

  test('lets the SDK notice bytes that rotted in the store', async () => {
    const server = await testServer();
    const client = sdkClient(server);
    const name = { Bucket: server.bucket, Key: 'k' };
    for (const algorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
      const options: PutObjectCommandInput = { ...name, ChecksumAlgorithm: ChecksumAlgorithm[algorithm] };
      await client.send(new PutObjectCommand({ ...options, Body: BODY }));
      const head = await client.send(new HeadObjectCommand({ ...name, ChecksumMode: 'ENABLED' }));
      const lower = algorithm.toLowerCase() as keyof typeof CHECKSUMS;
      expect(head[`Checksum${algorithm}`]).toBe(CHECKSUMS[lower]);
      const whole = await client.send(new GetObjectCommand(name));
      expect(await whole.Body?.transformToString()).toBe('123456789');
      server.objects.flip('k', 4);
      const rotten = await client.send(new GetObjectCommand(name));
      await expect(rotten.Body?.transformToString()).rejects.toThrow(/[Cc]hecksum/);
    }
  });
});

describe('Content-MD5 and x-amz-content-sha256', () => {
  test('are compared with the body', async () => {
    const server = await testServer();
    const md5 = (text: string) => createHash('md5').update(text).digest('base64');
    expect(await put(server, { 'content-md5': md5('other') })).toMatchObject({
      code: 'BadDigest',
      status: 400,
    });
    expect(await put(server, { 'content-md5': 'AAAA' })).toMatchObject({
      code: 'InvalidDigest',
      status: 400,
    });
    const sha256 = createHash('sha256').update('other').digest('hex');
    expect(await put(server, {}, sha256)).toMatchObject({ code: 'XAmzContentSHA256Mismatch', status: 400 });
    expect(server.objects.keys()).toEqual([]);
    expect((await put(server, { 'content-md5': md5('123456789') })).status).toBe(200);
  });

  test('and a sha256 that serves as both is still verified against both headers', async () => {
    const server = await testServer();
    const payload = createHash('sha256').update(BODY).digest('hex');
    const other = createHash('sha256').update('other').digest('base64');
    expect(await put(server, { 'x-amz-checksum-sha256': other }, payload)).toMatchObject({
      code: 'BadDigest',
    });
    const good = await put(server, { 'x-amz-checksum-sha256': CHECKSUMS.sha256 }, payload);
    expect(good.status).toBe(200);
  });

  test('need a length, and no transfer coding', async () => {
    const server = await testServer();
    const chunked = await put(server, { 'transfer-encoding': 'chunked' });
    expect(chunked).toMatchObject({ status: 501, code: 'NotImplemented' });
    const none = await rawRequest(server, {
      method: 'PUT',
      target: '/test-bucket/k',
      signing: { omit: ['content-length', 'transfer-encoding'] },
    });
    expect(none).toMatchObject({ status: 411, code: 'MissingContentLength' });
    expect(server.objects.keys()).toEqual([]);
  });
});

const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const UNSIGNED = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const CRC_TRAILER = `x-amz-checksum-crc32c:${CHECKSUMS.crc32c}`;

interface Chunked {
  payload?: string;
  trailer?: string;
  decoded?: number;
  headers?: Record<string, string>;
  /** Spoils the finished body. */
  spoil?: (body: string) => string;
  chunks?: readonly string[];
}

function putChunked(server: S3Server, options: Chunked): Promise<RawAnswer> {
  const { payload = UNSIGNED, trailer = CRC_TRAILER, chunks = ['123456789'], decoded = 9 } = options;
  const signing = {
    payload,
    body(seed: string, sign: (kind: string, ...lines: string[]) => string): Buffer {
      const hash = (text: string) => createHash('sha256').update(text).digest('hex');
      let previous = seed;
      let body = '';
      for (const chunk of [...chunks, '']) {
        const size = Buffer.byteLength(chunk).toString(16);
        if (payload === UNSIGNED) body += `${size}\r\n`;
        else {
          previous = sign('PAYLOAD', previous, hash(''), hash(chunk));
          body += `${size};chunk-signature=${previous}\r\n`;
        }
        if (chunk !== '') body += `${chunk}\r\n`;
      }
      if (payload.endsWith('-TRAILER')) body += `${trailer}\r\n`;
      if (payload === `${SIGNED}-TRAILER`) {
        body += `x-amz-trailer-signature:${sign('TRAILER', previous, hash(`${trailer}\n`))}\r\n`;
      }
      return Buffer.from(options.spoil?.(`${body}\r\n`) ?? `${body}\r\n`);
    },
  };
  return rawRequest(server, {
    method: 'PUT',
    target: '/test-bucket/k',
    signing,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(decoded),
      ...(payload.endsWith('-TRAILER') ? { 'x-amz-trailer': 'x-amz-checksum-crc32c' } : {}),
      ...options.headers,
    },
  });
}

/** Bit by bit, as the polynomial says. */
function crc32c(text: string): string {
  let state = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0);
  }
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(~state);
  return bytes.toString('base64');
}

describe('an aws-chunked body', () => {
  test.each([UNSIGNED, SIGNED, `${SIGNED}-TRAILER`])('is decoded: %s', async (payload) => {
    const server = await testServer();
    const first = 'x'.repeat(8192);
    const answer = await putChunked(server, {
      payload,
      chunks: [first, '123456789'],
      decoded: 8201,
      trailer: `x-amz-checksum-crc32c:${crc32c(`${first}123456789`)}`,
    });
    expect(answer).toMatchObject({ status: 200 });
    expect(String(await server.objects.get('k'))).toBe(`${first}123456789`);
  });

  test.each<[string, Chunked, string]>([
    ['a wrong checksum in the trailer', { trailer: 'x-amz-checksum-crc32c:AAAAAA==' }, 'BadDigest'],
    [
      'no checksum in the trailer',
      { spoil: (body) => body.replace(/x-amz-ch.*\r\n/, '') },
      'MalformedTrailerError',
    ],
    [
      'a trailer nobody announced',
      { spoil: (body) => body.replace('0\r\n', '0\r\nx-amz-meta-a:b\r\n') },
      'MalformedTrailerError',
    ],
    ['a trailer that is none', { trailer: 'nothing' }, 'MalformedTrailerError'],
    ['fewer bytes than announced', { decoded: 10 }, 'IncompleteBody'],
    ['more bytes than announced', { decoded: 8 }, 'IncompleteBody'],
    ['a size that is none', { spoil: (body) => `x${body}` }, 'IncompleteBody'],
    ['a chunk without its end', { spoil: (body) => body.replace('789', '789more') }, 'IncompleteBody'],
    ['no last chunk', { spoil: (body) => body.slice(0, body.indexOf('\r\n0\r\n') + 2) }, 'IncompleteBody'],
    ['something after the end', { spoil: (body) => `${body}more` }, 'IncompleteBody'],
    ['small chunks in the middle', { chunks: ['1234', '56789'] }, 'InvalidChunkSizeError'],
    ['no decoded length', { headers: { 'x-amz-decoded-content-length': '' } }, 'MissingContentLength'],
    ['no coding named', { headers: { 'content-encoding': 'gzip' } }, 'InvalidRequest'],
    ['no trailer announced', { headers: { 'x-amz-trailer': '' } }, 'InvalidRequest'],
    [
      'signatures missing',
      { payload: SIGNED, spoil: (body) => body.replace(/;[^\r]*/g, '') },
      'IncompleteBody',
    ],
    [
      'a byte changed under its signature',
      { payload: SIGNED, spoil: (body) => body.replace('12345', '12346') },
      'SignatureDoesNotMatch',
    ],
    [
      'the signature of the last chunk wrong',
      { payload: SIGNED, spoil: (body) => body.replace(/0;chunk-signature=..../, '0;chunk-signature=0000') },
      'SignatureDoesNotMatch',
    ],
    [
      'the signature of the trailer wrong',
      {
        payload: `${SIGNED}-TRAILER`,
        spoil: (body) => body.replace(/trailer-signature:..../, 'trailer-signature:0000'),
      },
      'SignatureDoesNotMatch',
    ],
    [
      'the signature of the trailer missing',
      { payload: `${SIGNED}-TRAILER`, spoil: (body) => body.replace(/x-amz-trailer-signature.*\r\n/, '') },
      'SignatureDoesNotMatch',
    ],
  ])('is refused with %s', async (_, options, code) => {
    const server = await testServer();
    expect((await putChunked(server, options)).code).toBe(code);
    expect(server.objects.keys()).toEqual([]);
  });

  test('is that of the SDK, whose wrong claims are refused too', async () => {
    const server = await testServer();
    const command = new PutObjectCommand({
      Bucket: server.bucket,
      Key: 'k',
      Body: BODY,
      ChecksumSHA256: createHash('sha256').update('other').digest('base64'),
    });
    expect(await failure(sdkClient(server).send(command))).toBe('BadDigest 400');
    expect(server.objects.keys()).toEqual([]);
  });
});
