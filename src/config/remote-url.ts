import { isAbsolute, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RefusedError, UsageError } from '../errors.ts';
import { redactUrl } from '../lib/redact-url.ts';
import { linkLocalAddress } from '../lib/link-local.ts';
import { printable } from '../lib/terminal-text.ts';
import type { RemoteConfig } from './schema.ts';

/** Where a remote is, after its URL was understood. */
export type RemoteUrl =
  /** `prefix` has no slash at its ends and may be empty. */
  | { kind: 's3'; bucket: string; prefix: string }
  /** Absolute. */
  | { kind: 'directory'; path: string };

export interface RemoteEndpoint {
  /** `http(s)://host[:port][/path]`, without a slash at the end. */
  url: string;
  /** As the platform's URL parser writes it: `0xA9FEA9FE` has become `169.254.169.254`. */
  host: string;
  /** True for plain HTTP to another machine. */
  readableOnTheWay: boolean;
}

export type ParsedRemote =
  | { kind: 'directory'; path: string }
  | {
      kind: 's3';
      bucket: string;
      prefix: string;
      endpoint: RemoteEndpoint | undefined;
      region: string | undefined;
      profile: string | undefined;
      /** Bucket in the path and not in the host name. */
      pathStyle: boolean;
    };

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Names that AWS reserves: they select other kinds of endpoints. */
const RESERVED_BUCKET = /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/;
const REGION = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const MAX_PREFIX_BYTES = 512;
const LOOPBACK =
  /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/;

/**
 * The one place that understands the URL of a remote.
 * @throws UsageError `REMOTE_URL_INVALID`
 */
export function parseRemoteUrl(url: string): RemoteUrl {
  if (CONTROL.test(url)) throw invalid(url, 'it holds a control character');
  if (/^s3:\/\//i.test(url)) return parseS3(url);
  if (/^file:/i.test(url)) return { kind: 'directory', path: filePath(url) };
  if (/^[A-Za-z][A-Za-z0-9+.-]+:/.test(url)) {
    throw invalid(url, 'only s3:// and directories are supported');
  }
  if (!isAbsolute(url)) throw invalid(url, 'the path of a directory must be absolute');
  return { kind: 'directory', path: directoryPath(url) };
}

/**
 * The one place that understands the endpoint of an S3 server.
 * @throws UsageError `REMOTE_URL_INVALID`
 */
export function parseEndpoint(text: string): RemoteEndpoint {
  const url = CONTROL.test(text) ? undefined : parsedUrl(text);
  if (url === undefined || !/^https?:\/\//i.test(text)) {
    throw invalid(text, 'an endpoint is http://host:port or https://host:port');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(text, 'it holds a user name or password, and credentials have no place in a URL');
  }
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    throw invalid(text, 'it has a query or a fragment');
  }
  return {
    url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    host: url.host,
    readableOnTheWay: url.protocol === 'http:' && !LOOPBACK.test(url.hostname),
  };
}

/**
 * All settings of a remote, checked against each other.
 * @throws UsageError `REMOTE_URL_INVALID`
 */
export function parseRemote(settings: RemoteConfig): ParsedRemote {
  const { url, endpoint, region, profile, pathStyle } = settings;
  const place = parseRemoteUrl(url);
  if (place.kind === 'directory') {
    const extra = Object.entries({ endpoint, region, profile, pathStyle }).find(
      ([, value]) => value !== undefined,
    );
    if (extra !== undefined) throw invalid(url, `a directory has no ${extra[0]}`);
    return place;
  }
  if (region !== undefined && !REGION.test(region)) {
    throw invalid(url, `"${printable(region)}" is no region, such as eu-central-1`);
  }
  if (profile !== undefined && (profile === '' || CONTROL.test(profile) || /[[\]]/.test(profile))) {
    throw invalid(url, `"${printable(profile)}" is no name of a profile`);
  }
  return {
    ...place,
    endpoint: endpoint === undefined ? undefined : parseEndpoint(endpoint),
    region,
    profile,
    pathStyle: pathStyle ?? endpoint !== undefined,
  };
}

/**
 * Addresses of the link itself are where clouds hand out the credentials of a machine. A committed file must not be able to make
 * anybody talk to them.
 * @throws RefusedError `REMOTE_ADDRESS_REFUSED`
 */
export function assertAddressAllowed(remote: ParsedRemote, trusted: boolean): void {
  if (trusted || remote.kind !== 's3' || remote.endpoint === undefined) return;
  const { hostname } = new URL(remote.endpoint.url);
  const address = linkLocalAddress(hostname);
  if (address === undefined) return;
  throw new RefusedError(
    'REMOTE_ADDRESS_REFUSED',
    `the endpoint ${printable(remote.endpoint.host)} is a link-local address, which a shared configuration may not name`,
    { hint: 'if it is really meant, trust the remote in this clone: mlops remote trust <name>' },
  );
}

function parseS3(url: string): RemoteUrl {
  const rest = url.slice('s3://'.length);
  const slash = rest.indexOf('/');
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  if (bucket.includes('@')) {
    throw invalid(url, 'it holds a user name or password, and credentials have no place in a URL');
  }
  if (/[?#]/.test(rest)) throw invalid(url, 'it has a query or a fragment');
  if (!BUCKET.test(bucket) || bucket.includes('..') || /^\d+\.\d+\.\d+\.\d+$/.test(bucket)) {
    throw invalid(url, 'a bucket is 3 to 63 lower-case letters, digits, "." and "-"');
  }
  if (RESERVED_BUCKET.test(bucket)) throw invalid(url, 'AWS reserves this form of bucket name');
  const prefix = (slash < 0 ? '' : rest.slice(slash + 1)).replace(/\/+$/, '');
  if (prefix === '') return { kind: 's3', bucket, prefix };
  if (Buffer.byteLength(prefix) > MAX_PREFIX_BYTES) {
    throw invalid(url, `a prefix has at most ${MAX_PREFIX_BYTES} bytes`);
  }
  if (/[\\\p{Surrogate}]/u.test(prefix))
    throw invalid(url, 'its prefix holds a character that is not allowed');
  if (prefix.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw invalid(url, 'a part of its prefix is empty, "." or ".."');
  }
  return { kind: 's3', bucket, prefix };
}

function filePath(url: string): string {
  const parsed = parsedUrl(url);
  try {
    if (!/^file:\/\//i.test(url)) throw new TypeError('not absolute');
    if (parsed === undefined || parsed.search !== '' || parsed.hash !== '') throw new TypeError('not plain');
    return directoryPath(fileURLToPath(parsed));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalid(url, 'a file URL is file:///absolute/path');
  }
}

function directoryPath(path: string): string {
  if (CONTROL.test(path)) throw invalid(path, 'it holds a control character');
  const plain = normalize(path);
  return plain.length > 1 ? plain.replace(/[/\\]+$/, '') : plain;
}

function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function invalid(url: string, problem: string): UsageError {
  return new UsageError('REMOTE_URL_INVALID', `${printable(redactUrl(url)).slice(0, 200)}: ${problem}`, {
    hint: 'a remote is s3://<bucket>/<prefix>, with --endpoint for servers other than AWS, or an absolute directory',
  });
}
