import type { IncomingMessage } from 'node:http';
import { createHash } from 'node:crypto';
import type { Body, BodySink } from './body.ts';
import {
  type Checksum,
  type ChecksumAlgorithm,
  announcedTrailers,
  checkValue,
  createHasher,
  declaredChecksum,
} from './checksum.ts';
import { decodeChunked } from './chunked.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import type { Settings } from './settings.ts';
import type { Authenticated } from './signature.ts';

/** The body as it comes over the wire. Leaving a loop over it early keeps the connection, so that an error can be answered. */
export class RequestBody implements AsyncIterable<Buffer> {
  /** Bytes that have come so far. */
  bytes = 0;
  readonly #iterator: AsyncIterator<Buffer>;
  readonly #beforeFirst: () => void;
  #asked = false;

  constructor(raw: IncomingMessage, beforeFirst: () => void) {
    this.#iterator = raw.iterator({ destroyOnReturn: false });
    this.#beforeFirst = beforeFirst;
  }

  /** Whether anything of it has been asked for: before that, a client may still wait for `100 Continue`. */
  get asked(): boolean {
    return this.#asked;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return { next: () => this.#next() };
  }

  /** Reads what is left and forgets it. */
  async drain(): Promise<void> {
    while ((await this.#next()).done !== true);
  }

  async #next(): Promise<IteratorResult<Buffer>> {
    if (!this.#asked) this.#beforeFirst();
    this.#asked = true;
    const next = await this.#iterator.next();
    if (next.done !== true) this.bytes += next.value.length;
    return next;
  }
}

export interface Received {
  readonly body: Body;
  /** Hexadecimal; empty unless it was asked for. */
  readonly md5: string;
  /** The checksum the client declared, found right. */
  readonly checksum: Checksum | undefined;
}

interface Receiving {
  readonly request: S3Request;
  readonly wire: RequestBody;
  readonly authenticated: Authenticated;
  readonly settings: Settings;
  /** Whether the MD5 is needed for an ETag. */
  readonly md5: boolean;
}

/**
 * Reads a body into the sink and compares it with all that the request says about it: framing, SHA-256, checksum, MD5.
 * @throws S3Error, with nothing left in the sink.
 */
export async function receive(receiving: Receiving, sink: BodySink): Promise<Received> {
  try {
    const checked = await readChecked(receiving, sink);
    return { ...checked, body: await sink.finish() };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

async function readChecked(receiving: Receiving, sink: BodySink): Promise<Omit<Received, 'body'>> {
  const { request, authenticated, settings } = receiving;
  const declared = settings.checksums === 'verified' ? declaredChecksum(request) : undefined;
  const contentMd5 = declaredMd5(request);
  const trailers = new Map<string, string>();
  const source = framed(receiving, trailers);
  const digests = await hashInto(sink, source, {
    sha256: /^[0-9a-f]{64}$/.test(authenticated.payload),
    md5: receiving.md5 || contentMd5 !== undefined,
    checksum: declared?.algorithm,
  });
  checkSha256(authenticated.payload, digests.sha256);
  if (contentMd5 !== undefined && contentMd5 !== digests.md5) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  if (declared === undefined) return { md5: digests.md5, checksum: undefined };
  const { algorithm } = declared;
  const trailing = trailers.get(`x-amz-checksum-${algorithm}`) ?? '';
  const expected = declared.value ?? checkValue(algorithm, trailing);
  if (digests.checksum !== expected) {
    throw new S3Error(
      settings.checksumError,
      `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
  }
  return { md5: digests.md5, checksum: { algorithm, value: expected } };
}

/** One pass over the bytes: into the sink and into what has to be known of them. */
async function hashInto(
  sink: BodySink,
  source: AsyncIterable<Buffer>,
  wanted: { sha256: boolean; md5: boolean; checksum: ChecksumAlgorithm | undefined },
): Promise<{ sha256: Buffer | undefined; md5: string; checksum: string | undefined }> {
  const sha256 = wanted.sha256 ? createHash('sha256') : undefined;
  const md5 = wanted.md5 ? createHash('md5') : undefined;
  // The digest that the signature needs is the checksum too.
  const shared = wanted.sha256 && wanted.checksum === 'sha256';
  const hasher = wanted.checksum === undefined || shared ? undefined : createHasher(wanted.checksum);
  for await (const bytes of source) {
    sha256?.update(bytes);
    md5?.update(bytes);
    hasher?.update(bytes);
    await sink.write(bytes);
  }
  const digest = sha256?.digest();
  return {
    sha256: digest,
    md5: md5?.digest('hex') ?? '',
    checksum: shared ? digest?.toString('base64') : hasher?.digest(),
  };
}

function checkSha256(claimed: string, digest: Buffer | undefined): void {
  const computed = digest?.toString('hex');
  if (computed === undefined || computed === claimed) return;
  throw new S3Error(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: computed },
  );
}

/** The object's own bytes, out of whatever framing `x-amz-content-sha256` names. */
function framed(receiving: Receiving, trailers: Map<string, string>): AsyncIterable<Buffer> {
  const { request, wire, authenticated } = receiving;
  const { payload } = authenticated;
  const streaming =
    /^STREAMING-(UNSIGNED-PAYLOAD-TRAILER|AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?)$/.exec(payload) !== null;
  if (!streaming) {
    if (payload !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(payload)) {
      throw new S3Error(
        'InvalidArgument',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, one of the STREAMING- values, or a valid sha256 value.',
        { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payload },
      );
    }
    if (request.header('transfer-encoding') !== undefined) {
      throw new S3Error(
        'NotImplemented',
        'A header you provided implies functionality that is not implemented',
        {
          Header: 'Transfer-Encoding',
        },
      );
    }
    if (request.method === 'PUT' && request.header('content-length') === undefined) throw missingLength();
    return wire;
  }
  const decoded = request.header('x-amz-decoded-content-length') ?? '';
  if (!/^\d{1,15}$/.test(decoded)) throw missingLength();
  const announced = announcedTrailers(request);
  if (payload.endsWith('-TRAILER') !== announced.length > 0) {
    throw new S3Error('InvalidRequest', 'x-amz-trailer does not fit the value of x-amz-content-sha256.');
  }
  const encodings = (request.header('content-encoding') ?? '').split(',').map((name) => name.trim());
  if (!encodings.includes('aws-chunked')) {
    throw new S3Error('InvalidRequest', 'A streaming payload needs Content-Encoding: aws-chunked.');
  }
  return decodeChunked(wire, { authenticated, announced, decodedLength: Number(decoded), trailers });
}

/** @returns Content-MD5 as hexadecimal. */
function declaredMd5(request: S3Request): string | undefined {
  const text = request.header('content-md5');
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 16 && bytes.toString('base64') === text) return bytes.toString('hex');
  throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
}

function missingLength(): S3Error {
  return new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
}
