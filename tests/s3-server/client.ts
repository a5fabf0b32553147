import { createHash, createHmac } from 'node:crypto';
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { type S3Server, type S3ServerOptions, startS3Server } from '../support/s3-server/server.ts';

/** A server that is closed when the test ends; a mistake of the server itself fails the test. */
export async function testServer(options: S3ServerOptions = {}): Promise<S3Server> {
  const server = await startS3Server(options);
  onTestFinished(() => server.close());
  return server;
}

/** The SDK's client for it, without retries, so that a test sees each answer. */
export function sdkClient(server: S3Server, config: S3ClientConfig = {}): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken } = server.settings;
  const client = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    maxAttempts: 1,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    ...config,
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** The name and the status of what a client's call fails with. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return `${name} ${$metadata?.httpStatusCode ?? (error as NodeJS.ErrnoException).code}`;
  }
  throw new Error('the call was expected to fail');
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** S3's error code, empty without one. */
  readonly code: string;
}

export interface RawRequest {
  readonly method?: string;
  /** Path and query, encoded. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** What to spoil of a right signature. */
  readonly signing?: Partial<Signing>;
}

interface Signing {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
  readonly date: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly payload: string;
  /** Headers that are not sent at all. */
  readonly omit: readonly string[];
  /** Headers sent but left out of the signature. */
  readonly unsigned: readonly string[];
  /** Replaces the finished Authorization header. */
  readonly rewrite: (header: string) => string | undefined;
  /** Makes the body once the request's own signature is known. */
  readonly body: (seed: string, sign: (kind: string, ...lines: string[]) => string) => Buffer;
}

/** Sends one request signed by this code, which shares nothing with the server's, on a connection of its own. */
export function rawRequest(server: S3Server, request: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', target, signing = {} } = request;
  const { headers, body } = signed(server, request);
  if (signing.rewrite !== undefined) {
    const rewritten = signing.rewrite(headers.authorization ?? '');
    if (rewritten === undefined) delete headers.authorization;
    else headers.authorization = rewritten;
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port: server.port, method, path: target, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1');
          const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? '';
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, code });
        });
      },
    );
    outgoing.on('error', reject);
    // Node would add the length of an empty body.
    for (const name of signing.omit ?? []) outgoing.removeHeader(name);
    outgoing.end(body);
  });
}

function signed(
  server: S3Server,
  { method = 'GET', target, headers = {}, body = '', signing = {} }: RawRequest,
): { headers: Record<string, string>; body: string | Buffer } {
  const stamp = new Date(signing.time ?? Date.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const payload = signing.payload ?? createHash('sha256').update(body).digest('hex');
  const all: Record<string, string> = {
    host: `127.0.0.1:${server.port}`,
    'x-amz-date': stamp,
    'x-amz-content-sha256': payload,
    ...headers,
  };
  const names = Object.keys(all)
    .filter((name) => name === 'host' || name.startsWith('x-amz-') || name === 'content-md5')
    .filter((name) => signing.unsigned?.includes(name) !== true)
    .sort();
  const [path = '', query = ''] = target.split('?');
  const canonicalQuery = query
    .split('&')
    .filter(Boolean)
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&');
  const lines = names.map((name) => `${name}:${all[name]?.trim()}\n`).join('');
  const canonical = [method, path, canonicalQuery, lines, names.join(';'), payload].join('\n');
  const { date = stamp.slice(0, 8), region = server.region, service = 's3' } = signing;
  const { terminator = 'aws4_request' } = signing;
  const scope = `${date}/${region}/${service}/${terminator}`;
  let key: Buffer = Buffer.from(`AWS4${signing.secret ?? server.secretAccessKey}`);
  for (const part of [date, region, service, terminator])
    key = createHmac('sha256', key).update(part).digest();
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('hex');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const seed = sign(['AWS4-HMAC-SHA256', stamp, scope, digest].join('\n'));
  const credential = `${signing.accessKeyId ?? server.accessKeyId}/${scope}`;
  all.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${seed}`;
  const chunkSign = (kind: string, ...rest: string[]) =>
    sign([`AWS4-HMAC-SHA256-${kind}`, stamp, scope, ...rest].join('\n'));
  return { headers: all, body: signing.body?.(seed, chunkSign) ?? body };
}
