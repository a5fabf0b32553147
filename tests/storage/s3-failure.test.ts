import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IntegrityError, InterruptedError, RemoteError } from '../../src/errors.ts';
import { BodyTooLong, collectBody } from '../../src/storage/s3/body.ts';
import { s3Failure, type FailedRequest } from '../../src/storage/s3/failure.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

function request(status?: number, headers: Record<string, string> = {}): FailedRequest {
  return {
    operation: 'PutObject',
    bucket: 'models',
    exchange: { host: 's3.example.org', status, headers },
    signal: undefined,
    now: NOW,
  };
}

/** What the SDK throws for S3's error document. */
function service(name: string, message = 'hunter2'): Error {
  return Object.assign(new Error(message), { name, $metadata: {} });
}

function system(code: string): Error {
  return Object.assign(new Error(`hunter2 ${code}`), { code });
}

describe('what a failed request means', () => {
  test.each<[string, Error, number | undefined, string, boolean]>([
    ['a missing bucket', service('NoSuchBucket'), 404, 'REMOTE_BUCKET_MISSING', false],
    ['a refused key', service('InvalidAccessKeyId'), 403, 'REMOTE_CREDENTIALS_REFUSED', false],
    ['a refused signature', service('SignatureDoesNotMatch'), 403, 'REMOTE_CREDENTIALS_REFUSED', false],
    ['an expired token', service('ExpiredToken'), 400, 'REMOTE_CREDENTIALS_EXPIRED', false],
    ['no permission', service('AccessDenied'), 403, 'REMOTE_FORBIDDEN', false],
    ['403 without a reason', service('403'), 403, 'REMOTE_FORBIDDEN', false],
    ['no credentials', service('CredentialsProviderError'), undefined, 'REMOTE_NO_CREDENTIALS', false],
    [
      'an expired SSO session',
      service('CredentialsProviderError', 'The SSO session has expired'),
      undefined,
      'REMOTE_CREDENTIALS_EXPIRED',
      false,
    ],
    ['no region', new Error('Region is missing'), undefined, 'REMOTE_NO_REGION', false],
    ['a redirect', service('PermanentRedirect'), 301, 'REMOTE_WRONG_REGION', false],
    [
      'a signature for another region',
      service('AuthorizationHeaderMalformed'),
      400,
      'REMOTE_WRONG_REGION',
      false,
    ],
    ['a full disk there', service('XMinioStorageFull'), 507, 'REMOTE_FULL', false],
    ['altered bytes', service('BadDigest'), 400, 'REMOTE_FAILED', true],
    ['throttling', service('SlowDown'), 503, 'REMOTE_BUSY', true],
    ['too many requests', service('429'), 429, 'REMOTE_BUSY', true],
    ['another writer', service('ConditionalRequestConflict'), 409, 'REMOTE_CONFLICT', true],
    ['a slow request', service('RequestTimeout'), 400, 'REMOTE_UNREACHABLE', true],
    ['an internal error', service('InternalError'), 500, 'REMOTE_FAILED', true],
    ['a gateway', service('502'), 502, 'REMOTE_FAILED', true],
    ['something unheard of', service('Whatever'), 418, 'REMOTE_REFUSED', false],
    ['not implemented', service('NotImplemented'), 501, 'REMOTE_UNSUPPORTED', false],
    ['no such host', system('ENOTFOUND'), undefined, 'REMOTE_HOST_NOT_FOUND', false],
    ['a name server that is away', system('EAI_AGAIN'), undefined, 'REMOTE_UNREACHABLE', true],
    ['nobody listening', system('ECONNREFUSED'), undefined, 'REMOTE_UNREACHABLE', true],
    ['a reset', system('ECONNRESET'), 200, 'REMOTE_UNREACHABLE', true],
    [
      'all addresses refused',
      new AggregateError([system('ECONNREFUSED')]),
      undefined,
      'REMOTE_UNREACHABLE',
      true,
    ],
    [
      'silence',
      Object.assign(new Error('x'), { name: 'TimeoutError' }),
      undefined,
      'REMOTE_UNREACHABLE',
      true,
    ],
    ['an unknown authority', system('SELF_SIGNED_CERT_IN_CHAIN'), undefined, 'REMOTE_TLS_FAILED', false],
    ['an expired certificate', system('CERT_HAS_EXPIRED'), undefined, 'REMOTE_TLS_FAILED', false],
    ['another host in it', system('ERR_TLS_CERT_ALTNAME_INVALID'), undefined, 'REMOTE_TLS_FAILED', false],
    ['no XML', service('SyntaxError'), 200, 'REMOTE_ANSWER_INVALID', true],
  ])('%s', (...[, error, status, code, retryable]) => {
    const failure = s3Failure(error, request(status));
    expect(failure).toBeInstanceOf(RemoteError);
    expect(failure).toMatchObject({ code, retryable, exitCode: 7 });
    expect(failure.message).toMatch(/^PutObject in bucket "models" at s3\.example\.org: \S/);
    expect(failure.message + (failure.hint ?? '')).not.toContain('hunter2');
  });

  test('names the region that the answer names, if it is one', () => {
    const right = s3Failure(
      service('PermanentRedirect'),
      request(301, { 'x-amz-bucket-region': 'eu-west-3' }),
    );
    expect(right.message).toContain('in another region, eu-west-3');
    expect(right.hint).toContain('--region eu-west-3');
    const wrong = s3Failure(
      service('PermanentRedirect'),
      request(301, { 'x-amz-bucket-region': 'x; rm -rf' }),
    );
    expect(wrong.message + (wrong.hint ?? '')).not.toContain('rm -rf');
  });

  test('names the permission that is missing', () => {
    expect(s3Failure(service('AccessDenied'), request(403)).hint).toContain('s3:PutObject');
  });

  test.each([
    ['7', 7000],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['soon', undefined],
  ])('Retry-After: %s', (text, expected) => {
    const failure = s3Failure(service('SlowDown'), request(503, { 'retry-after': text }));
    expect(failure).toMatchObject({ retryAfterMs: expected });
  });

  test('our own errors pass through, a signal is an interruption, and a defect stays one', () => {
    const own = new IntegrityError('OBJECT_DAMAGED', 'x');
    expect(s3Failure(own, request())).toBe(own);
    const signal = AbortSignal.abort();
    expect(s3Failure(system('ECONNRESET'), { ...request(), signal })).toBeInstanceOf(InterruptedError);
    const defect = new TypeError('undefined is not a function');
    expect(() => s3Failure(defect, request(200))).toThrow(defect);
  });

  test('control characters of a server never reach the terminal', () => {
    const failure = s3Failure(service('Evil\u001b[31m'), request(418));
    expect(failure.message).not.toContain('\u001b');
  });
});

describe('the body of an answer', () => {
  async function* pieces(sizes: readonly number[]): AsyncIterable<Uint8Array> {
    let at = 0;
    for (const size of sizes) {
      await Promise.resolve();
      yield Uint8Array.from({ length: size }, (_, index) => (at + index) % 251);
      at += size;
    }
  }

  test('is complete and in order, whatever was announced', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(40), { maxLength: 12 }),
        fc.option(fc.nat(300), { nil: undefined }),
        async (sizes, announced) => {
          const total = sizes.reduce((sum, size) => sum + size, 0);
          const bytes = await collectBody(pieces(sizes), { limit: 1000, announced });
          expect([...bytes]).toEqual(Array.from({ length: total }, (_, index) => index % 251));
        },
      ),
    );
  });

  test('is given up when it is longer than allowed', async () => {
    expect(await collectBody(pieces([5, 5]), { limit: 10 })).toHaveLength(10);
    await expect(collectBody(pieces([5, 6]), { limit: 10 })).rejects.toBeInstanceOf(BodyTooLong);
  });
});
