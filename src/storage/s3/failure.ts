import { errnoOf, InterruptedError, MlopsError, RemoteError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';

/** One request as far as it came. */
export interface Exchange {
  /** Host and port it went to. */
  host: string | undefined;
  /** HTTP status of the answer; undefined without one. */
  status: number | undefined;
  /** Of the answer; names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** SHA-256 of the request's body as hex digits, where it is known. */
  contentSha256?: string;
}

export interface FailedRequest {
  /** As S3 calls it, which is also the permission it needs: `PutObject`. */
  operation: string;
  bucket: string;
  /** Of the AWS configuration, where the remote names one. */
  profile?: string | undefined;
  exchange: Exchange;
  signal: AbortSignal | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

interface Verdict {
  code: string;
  problem: string;
  hint?: string;
  retryable?: boolean;
}

const CREDENTIALS_HINT =
  'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`; see docs/remotes.md';

/**
 * What a failed request means for the person at the terminal. Nothing that the server or the SDK wrote is repeated but S3's error
 * code: a hostile server could answer with what it was sent.
 */
export function s3Failure(error: unknown, request: FailedRequest): MlopsError {
  if (error instanceof MlopsError) return error;
  if (request.signal?.aborted === true) return new InterruptedError(undefined, { cause: error });
  if (isDefect(error)) throw error;
  const { operation, bucket, exchange } = request;
  const { code, problem, hint, retryable = false } = judge(error, request);
  const place = `bucket "${bucket}" at ${printable(exchange.host ?? 'its endpoint')}`;
  return new RemoteError(code, `${operation} in ${place}: ${problem}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
    retryable,
    retryAfterMs: retryable ? retryAfter(exchange.headers['retry-after'], request.now) : undefined,
  });
}

/** A mistake of this program must not pass for one of the remote; the SDK marks what it threw about an answer. */
function isDefect(error: unknown): boolean {
  const kinds = [TypeError, RangeError, ReferenceError];
  return kinds.some((kind) => error instanceof kind) && !Object.hasOwn(error as object, '$metadata');
}

/** The answer was no answer of S3: a proxy, a captive portal, or a connection that broke. May pass. */
export function invalidAnswer(problem: string, { operation, bucket, exchange }: FailedRequest): RemoteError {
  const place = `bucket "${bucket}" at ${printable(exchange.host ?? 'its endpoint')}`;
  return new RemoteError('REMOTE_ANSWER_INVALID', `${operation} in ${place}: ${problem}`, {
    hint: 'a proxy or a login page may be in the way, or the endpoint is no S3 server: mlops remote test',
    retryable: true,
  });
}

/** S3's own name of the error, where there is one. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { Code, code, name } = error as { Code?: unknown; code?: unknown; name?: unknown };
  for (const each of [Code, name, code]) {
    if (typeof each === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(each) && each !== 'Error')
      return each;
  }
  return '';
}

function judge(error: unknown, request: FailedRequest): Verdict {
  const code = errorCode(error);
  return (
    byNetwork(error) ??
    byCredentials(error, { code, profile: request.profile }) ??
    byName(code, request) ??
    byStatus(code, request) ?? {
      code: 'REMOTE_ANSWER_INVALID',
      problem: 'the answer could not be understood',
      hint: 'a proxy may be in the way, or the endpoint is no S3 server: mlops remote test',
      retryable: true,
    }
  );
}

const NETWORK: Readonly<Record<string, Omit<Verdict, 'code'> & { code?: string }>> = {
  ENOTFOUND: {
    code: 'REMOTE_HOST_NOT_FOUND',
    problem: 'there is no host of that name (DNS)',
    hint: 'check the endpoint and the region: mlops remote list',
  },
  EAI_AGAIN: { problem: 'the name of the host can not be looked up now (DNS)', retryable: true },
  ECONNREFUSED: {
    problem: 'the connection was refused: nothing listens there',
    hint: 'check host and port of the endpoint, and that the server runs: mlops remote list',
    retryable: true,
  },
  ECONNRESET: { problem: 'the connection broke', retryable: true },
  EPIPE: { problem: 'the connection broke', retryable: true },
  ETIMEDOUT: { problem: 'the host did not answer in time', retryable: true },
  EHOSTUNREACH: { problem: 'the host can not be reached', retryable: true },
  ENETUNREACH: { problem: 'the network can not be reached', retryable: true },
  EADDRNOTAVAIL: { problem: 'the network can not be reached', retryable: true },
  TimeoutError: { problem: 'nothing came for too long', retryable: true },
};

const NETWORK_HINT = 'check the network and run the same command again; what was sent stays';
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH|CRL_)/;

function byNetwork(error: unknown): Verdict | undefined {
  const code = networkCode(error);
  if (TLS_CODE.test(code)) {
    return {
      code: 'REMOTE_TLS_FAILED',
      problem: `no secure connection (${code})`,
      hint:
        code === 'EPROTO' || code.includes('WRONG_VERSION')
          ? 'the server may speak plain http: compare with the scheme of the endpoint'
          : 'the certificate is not valid for that host or comes from an unknown authority: give its file in NODE_EXTRA_CA_CERTS',
    };
  }
  const known = Object.hasOwn(NETWORK, code) ? NETWORK[code] : undefined;
  return known && { code: 'REMOTE_UNREACHABLE', hint: NETWORK_HINT, ...known };
}

/** Of several addresses of a host each has failed for its own reason; the first one's is as good as any. */
function networkCode(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors as unknown[])[0] : error;
  if (typeof first !== 'object' || first === null) return '';
  const { code, name } = first as { code?: unknown; name?: unknown };
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  return name === 'TimeoutError' ? name : (errnoOf(first) ?? '');
}

function byCredentials(
  error: unknown,
  { code, profile }: { code: string; profile: string | undefined },
): Verdict | undefined {
  const message = error instanceof Error ? error.message : '';
  if (code === 'CredentialsProviderError' || code === 'TokenProviderError') {
    if (/expired|refresh/i.test(message))
      return { ...EXPIRED, problem: 'the credentials of this machine have expired' };
    if (profile === undefined)
      return { code: 'REMOTE_NO_CREDENTIALS', problem: 'no credentials were found', hint: CREDENTIALS_HINT };
    return {
      code: 'REMOTE_NO_CREDENTIALS',
      problem: `the profile "${printable(profile)}", which the remote names, gives no credentials`,
      hint: 'see the profiles there are with `aws configure list-profiles`, and the remote with `mlops remote list`',
    };
  }
  if (message === 'Region is missing') {
    return {
      code: 'REMOTE_NO_REGION',
      problem: 'no region is configured',
      hint: 'set AWS_REGION, or give the remote one: mlops remote add <name> <url> --region <region>',
    };
  }
  return undefined;
}

const EXPIRED = {
  code: 'REMOTE_CREDENTIALS_EXPIRED',
  problem: 'the credentials have expired',
  hint: 'get new ones, such as by `aws sso login`, and run the same command again',
} as const;

const REFUSED_CREDENTIALS = {
  code: 'REMOTE_CREDENTIALS_REFUSED',
  hint: 'these are not the credentials of this server: check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
} as const;

const EXPIRED_CODES = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'];
const REFUSED_CODES = ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'InvalidClientTokenId'];
const REGION_CODES = [
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
];
const FULL_CODES = [
  'XMinioStorageFull',
  'QuotaExceeded',
  'XMinioAdminBucketQuotaExceeded',
  'InsufficientStorage',
];
/** The bytes that arrived are not those that were sent. */
const ALTERED_CODES = [
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'IncompleteBody',
];

function byName(code: string, request: FailedRequest): Verdict | undefined {
  if (code === 'NoSuchBucket') {
    return {
      code: 'REMOTE_BUCKET_MISSING',
      problem: 'the bucket does not exist',
      hint: 'check the name with `mlops remote list`, or create the bucket',
    };
  }
  if (EXPIRED_CODES.includes(code)) return EXPIRED;
  if (REFUSED_CODES.includes(code)) {
    return { ...REFUSED_CREDENTIALS, problem: `the server does not accept the credentials (${code})` };
  }
  if (code === 'RequestTimeTooSkewed') return clockSkew(request);
  if (REGION_CODES.includes(code)) return wrongRegion(request, code);
  if (FULL_CODES.includes(code)) {
    return {
      code: 'REMOTE_FULL',
      problem: `no space is left there (${code})`,
      hint: 'see what could go: mlops gc',
    };
  }
  if (ALTERED_CODES.includes(code)) {
    return { code: 'REMOTE_FAILED', problem: `the bytes changed on their way (${code})`, retryable: true };
  }
  if (code === 'RequestTimeout') {
    return { code: 'REMOTE_UNREACHABLE', problem: `the request took too long (${code})`, retryable: true };
  }
  return undefined;
}

function byStatus(code: string, request: FailedRequest): Verdict | undefined {
  const { status } = request.exchange;
  if (status === undefined || status < 300) return undefined;
  const answer = `the server answered ${status}${code === '' || /^\d/.test(code) ? '' : ` ${code}`}`;
  if (status === 301 || status === 307) return wrongRegion(request, code);
  if (status === 401 || status === 403) {
    // An answer to HEAD has no body that could name the reason.
    if (skewOf(request) > FIFTEEN_MINUTES_MS) return clockSkew(request);
    return {
      code: 'REMOTE_FORBIDDEN',
      problem: `${answer}: the credentials may not do this`,
      hint: `these permissions are needed: ${permissionsFor(request.operation)}; see docs/remotes.md`,
    };
  }
  if (status === 409) {
    return { code: 'REMOTE_CONFLICT', problem: `${answer}: another writer was at it`, retryable: true };
  }
  if (status === 429 || status === 503) {
    return {
      code: 'REMOTE_BUSY',
      problem: `${answer}: too many requests for it now`,
      hint: 'run the same command again later, or with fewer requests at once (--jobs)',
      retryable: true,
    };
  }
  if (status === 501 || status === 405) {
    return { code: 'REMOTE_UNSUPPORTED', problem: `${answer}: the server can not do this` };
  }
  if (status >= 500) {
    return {
      code: 'REMOTE_FAILED',
      problem: answer,
      hint: 'the server has a problem of its own: run the same command again later',
      retryable: true,
    };
  }
  return { code: 'REMOTE_REFUSED', problem: answer, hint: 'see whether the remote works: mlops remote test' };
}

const FIFTEEN_MINUTES_MS = 15 * 60_000;

/** How far the clocks are apart in milliseconds, as far as the answer tells. */
function skewOf({ exchange, now }: FailedRequest): number {
  const theirs = Date.parse(exchange.headers['date'] ?? '');
  return Number.isNaN(theirs) ? 0 : Math.abs(now - theirs);
}

function clockSkew({ exchange, now }: FailedRequest): Verdict {
  const theirs = Date.parse(exchange.headers['date'] ?? '');
  const minutes = Math.round(Math.abs(now - theirs) / 60_000);
  const direction = now > theirs ? 'ahead of' : 'behind';
  const apart = Number.isNaN(theirs) ? 'too far from' : `${minutes} minutes ${direction}`;
  return {
    code: 'REMOTE_CLOCK_SKEW',
    problem: `the clock of this machine is ${apart} that of the server (RequestTimeTooSkewed)`,
    hint: 'set the clock of this machine, best by NTP, and run the same command again',
  };
}

function wrongRegion({ exchange }: FailedRequest, code: string): Verdict {
  const region = exchange.headers['x-amz-bucket-region'] ?? '';
  const known = /^[a-z0-9-]{1,63}$/.test(region);
  return {
    code: 'REMOTE_WRONG_REGION',
    problem: `the bucket is in another region${known ? `, ${region}` : ''}${code === '' ? '' : ` (${code})`}`,
    hint: `take the remote away (mlops remote remove <name>) and add it with its region: mlops remote add <name> <url> --region ${known ? region : '<region>'}`,
  };
}

function permissionsFor(operation: string): string {
  if (operation === 'HeadObject') return 's3:GetObject and s3:ListBucket';
  if (operation === 'ListObjectsV2') return 's3:ListBucket';
  return operation === 'CopyObject' ? 's3:GetObject and s3:PutObject' : `s3:${operation}`;
}

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
function retryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
