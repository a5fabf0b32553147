import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';

interface Route {
  readonly method: string;
  readonly level: 'service' | 'bucket' | 'object';
  /** Query parameters that make it this operation. */
  readonly requires?: readonly string[];
  readonly allows?: readonly string[];
  /** A request header that makes it this operation. */
  readonly header?: string;
}

const LISTING = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];

/** In order of choice: the first whose method, level, parameters and header fit. */
const ROUTES = {
  ListBuckets: { method: 'GET', level: 'service' },
  ListObjectsV2: {
    method: 'GET',
    level: 'bucket',
    requires: ['list-type'],
    allows: [...LISTING, 'continuation-token', 'start-after', 'fetch-owner'],
  },
  GetBucketLocation: { method: 'GET', level: 'bucket', requires: ['location'] },
  ListMultipartUploads: {
    method: 'GET',
    level: 'bucket',
    requires: ['uploads'],
    allows: ['prefix', 'max-uploads', 'key-marker', 'upload-id-marker', 'encoding-type'],
  },
  ListObjects: { method: 'GET', level: 'bucket', allows: [...LISTING, 'marker'] },
  HeadBucket: { method: 'HEAD', level: 'bucket' },
  CreateBucket: { method: 'PUT', level: 'bucket' },
  DeleteObjects: { method: 'POST', level: 'bucket', requires: ['delete'] },
  ListParts: {
    method: 'GET',
    level: 'object',
    requires: ['uploadId'],
    allows: ['max-parts', 'part-number-marker', 'encoding-type'],
  },
  GetObject: { method: 'GET', level: 'object' },
  HeadObject: { method: 'HEAD', level: 'object' },
  UploadPart: { method: 'PUT', level: 'object', requires: ['uploadId', 'partNumber'] },
  CopyObject: { method: 'PUT', level: 'object', header: 'x-amz-copy-source' },
  PutObject: { method: 'PUT', level: 'object' },
  AbortMultipartUpload: { method: 'DELETE', level: 'object', requires: ['uploadId'] },
  DeleteObject: { method: 'DELETE', level: 'object' },
  CreateMultipartUpload: { method: 'POST', level: 'object', requires: ['uploads'] },
  CompleteMultipartUpload: { method: 'POST', level: 'object', requires: ['uploadId'] },
} as const satisfies Record<string, Route>;

export type Operation = keyof typeof ROUTES;

/** A request, taken apart but not yet trusted. */
export interface S3Request {
  readonly raw: IncomingMessage;
  readonly method: string;
  /** The path as it was sent, percent-encoded. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Empty where the request is to the service itself. */
  readonly bucket: string;
  /** Empty where the request is to a bucket. */
  readonly key: string;
  header(name: string): string | undefined;
  parameter(name: string): string | undefined;
}

/** @throws S3Error `InvalidURI` when the path or the query can't be decoded. */
export function parseRequest(raw: IncomingMessage, domain: string): S3Request {
  const url = raw.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = (mark === -1 ? '' : url.slice(mark + 1))
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = equals === -1 ? pair : pair.slice(0, equals);
      return [decode(name), decode(equals === -1 ? '' : pair.slice(equals + 1))] as const;
    });
  const host = (raw.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const virtual = host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : undefined;
  const decoded = decode(path).replace(/^\//, '');
  const slash = decoded.indexOf('/');
  return {
    raw,
    method: raw.method ?? 'GET',
    path,
    query,
    bucket: virtual ?? (slash === -1 ? decoded : decoded.slice(0, slash)),
    key: virtual === undefined ? (slash === -1 ? '' : decoded.slice(slash + 1)) : decoded,
    header: (name) => raw.headersDistinct[name]?.join(','),
    parameter: (name) => query.find((pair) => pair[0] === name)?.[1],
  };
}

/**
 * Which operation a request asks for. A parameter that the operation doesn't know is never ignored: `?acl` is not a GetObject.
 * @throws S3Error `NotImplemented`, or `MethodNotAllowed` for a method that S3 has nowhere.
 */
export function operationOf(request: S3Request): Operation {
  const level = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object';
  const sent = request.query.map(([name]) => name).filter((name) => name !== 'x-id');
  for (const [name, row] of Object.entries(ROUTES)) {
    const route: Route = row;
    const { requires = [], allows = [] } = route;
    if (route.method !== request.method || route.level !== level) continue;
    if (!requires.every((parameter) => sent.includes(parameter))) continue;
    if (!sent.every((parameter) => requires.includes(parameter) || allows.includes(parameter))) continue;
    if (route.header === undefined || request.header(route.header) !== undefined) return name as Operation;
  }
  if (!['GET', 'HEAD', 'PUT', 'POST', 'DELETE'].includes(request.method)) {
    throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.');
  }
  throw new S3Error(
    'NotImplemented',
    'A header or query you provided implies functionality that is not implemented.',
  );
}

/** A whole number in a query parameter. */
export function integerParameter(
  request: S3Request,
  name: string,
  limits: { fallback: number; minimum: number; maximum: number },
): number {
  const text = request.parameter(name);
  if (text === undefined) return limits.fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (value >= limits.minimum && value <= limits.maximum) return value;
  throw new S3Error('InvalidArgument', `Provided ${name} not an integer or within integer range`, {
    ArgumentName: name,
    ArgumentValue: text,
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.", { URI: text });
  }
}
