import { createHash, createHmac } from 'node:crypto';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import type { Settings } from './settings.ts';

const SKEW_MS = 15 * 60 * 1000;
const ALGORITHM = 'AWS4-HMAC-SHA256';
const EMPTY_SHA256 = createHash('sha256').digest('hex');

/** A request whose signature was right, and what its body's chunks have to be signed with. */
export interface Authenticated {
  /** `x-amz-content-sha256`: a digest, `UNSIGNED-PAYLOAD` or `STREAMING-...`. */
  readonly payload: string;
  /** The signature that follows `previous` in an aws-chunked body. */
  chunkSignature(previous: string, sha256: string): string;
  trailerSignature(previous: string, sha256: string): string;
  /** The request's own signature, the first `previous`. */
  readonly seed: string;
}

/**
 * Checks the Authorization header as Signature Version 4 asks.
 * @throws S3Error with the code real S3 gives for each way to be wrong.
 */
export function authenticate(request: S3Request, settings: Settings): Authenticated {
  const authorization = request.header('authorization');
  if (authorization === undefined) throw new S3Error('AccessDenied', 'Access Denied');
  const { credential, signedHeaders, signature } = parseAuthorization(authorization);
  const [accessKeyId, date = '', region = '', service, terminator, ...rest] = credential.split('/');
  if (!/^\d{8}$/.test(date) || service !== 's3' || terminator !== 'aws4_request' || rest.length > 0) {
    throw malformed(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"',
    );
  }
  if (accessKeyId !== settings.accessKeyId) {
    throw new S3Error(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      {
        AWSAccessKeyId: accessKeyId ?? '',
      },
    );
  }
  if (region !== settings.region) {
    throw malformed(`the region '${region}' is wrong; expecting '${settings.region}'`, {
      Region: settings.region,
    });
  }
  const payload = request.header('x-amz-content-sha256');
  if (payload === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  const timestamp = checkTime(request, date, settings.clock());
  checkSignedHeaders(request, signedHeaders);
  const scope = `${date}/${region}/s3/aws4_request`;
  const key = signingKey(settings.secretAccessKey, date, region);
  const canonical = canonicalRequest(request, signedHeaders, payload);
  const toSign = [ALGORITHM, timestamp, scope, sha256Hex(canonical)].join('\n');
  if (hmac(key, toSign).toString('hex') !== signature) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      {
        AWSAccessKeyId: accessKeyId,
        StringToSign: toSign,
        SignatureProvided: signature,
        CanonicalRequest: canonical,
      },
    );
  }
  checkToken(request, settings);
  const sign = (kind: string, ...lines: string[]) =>
    hmac(key, [`${ALGORITHM}-${kind}`, timestamp, scope, ...lines].join('\n')).toString('hex');
  return {
    payload,
    seed: signature,
    chunkSignature: (previous, sha256) => sign('PAYLOAD', previous, EMPTY_SHA256, sha256),
    trailerSignature: (previous, sha256) => sign('TRAILER', previous, sha256),
  };
}

function parseAuthorization(header: string): {
  credential: string;
  signedHeaders: string[];
  signature: string;
} {
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw new S3Error(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
    );
  }
  const fields = new Map<string, string>();
  for (const part of header.slice(ALGORITHM.length).split(',')) {
    const [name = '', ...value] = part.trim().split('=');
    fields.set(name, value.join('='));
  }
  const credential = fields.get('Credential');
  const signedHeaders = fields.get('SignedHeaders');
  const signature = fields.get('Signature');
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw malformed(
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    );
  }
  return { credential, signedHeaders: signedHeaders.split(';'), signature };
}

/** @returns the timestamp the signature covers. */
function checkTime(request: S3Request, date: string, now: number): string {
  const timestamp = request.header('x-amz-date') ?? '';
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  if (year === undefined) {
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  const time = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  if (!(Math.abs(now - time) <= SKEW_MS)) {
    throw new S3Error(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: timestamp,
        ServerTime: new Date(now).toISOString().replace(/\.\d+/, ''),
        MaxAllowedSkewMilliseconds: String(SKEW_MS),
      },
    );
  }
  if (!timestamp.startsWith(date)) {
    throw malformed('Invalid credential date. Date is not the same as X-Amz-Date.');
  }
  return timestamp;
}

/** A header that changes what the request means has to be signed, or someone between could have added it. */
function checkSignedHeaders(request: S3Request, signed: readonly string[]): void {
  const needed = Object.keys(request.raw.headers).filter(
    (name) => name === 'host' || name === 'content-md5' || name.startsWith('x-amz-'),
  );
  const unsigned = needed.filter((name) => !signed.includes(name));
  if (unsigned.length > 0) {
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    });
  }
  const sorted = signed.toSorted((a, b) => (a < b ? -1 : 1));
  if (signed.some((name, index) => name !== sorted[index] || name !== name.toLowerCase())) {
    throw malformed('SignedHeaders are not sorted lower-case names.');
  }
}

function checkToken(request: S3Request, settings: Settings): void {
  const token = request.header('x-amz-security-token');
  if (token === undefined && settings.sessionToken !== undefined) {
    // What AWS says about a temporary key without its token.
    throw new S3Error(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    );
  }
  if (token !== settings.sessionToken) {
    throw new S3Error('InvalidToken', 'The provided token is malformed or otherwise invalid.');
  }
  if (token !== undefined && settings.sessionExpired) {
    throw new S3Error('ExpiredToken', 'The provided token has expired.');
  }
}

function canonicalRequest(request: S3Request, signed: readonly string[], payload: string): string {
  const query = request.query
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const headers = signed.map((name) => {
    const value = (request.header(name) ?? '').trim().replace(/ +/g, ' ');
    return `${name}:${value}\n`;
  });
  const path = encode(decodeURIComponent(request.path)).replaceAll('%2F', '/');
  return [request.method, path, query, headers.join(''), signed.join(';'), payload].join('\n');
}

/** RFC 3986 as AWS wants it: everything but the unreserved characters. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function signingKey(secret: string, date: string, region: string): Buffer {
  return ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${secret}`, date), region));
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function malformed(reason: string, details: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error(
    'AuthorizationHeaderMalformed',
    `The authorization header is malformed; ${reason}`,
    details,
  );
}
