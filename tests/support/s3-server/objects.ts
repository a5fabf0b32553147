import { randomBytes } from 'node:crypto';
import { type Body, flippedBody, sliceBody } from './body.ts';
import type { Checksum } from './checksum.ts';
import { checkReadConditions, checkWriteConditions, noSuchKey } from './conditions.ts';
import { type Context, NO_BODY, type Reply, receiveDocument, receiveUpload, xmlReply } from './context.ts';
import { S3Error } from './errors.ts';
import { parseRange } from './range.ts';
import type { S3Request } from './request.ts';
import type { Settings } from './settings.ts';
import { type StoredObject, bucketOf } from './store.ts';
import { childText, element, parseXml } from './xml.ts';

const KEPT = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-language',
  'content-encoding',
  'expires',
];

export async function putObject(context: Context): Promise<Reply> {
  const { request, settings } = context;
  const bucket = bucketOf(context.store, request.bucket);
  checkKey(request.key);
  checkWriteConditions(request, bucket.get(request.key), settings);
  const received = await receiveUpload(context);
  const object: StoredObject = {
    key: request.key,
    body: received.body,
    etag: etagOf(received.md5, settings),
    modified: settings.clock(),
    headers: keptHeaders(request),
    checksum: received.checksum,
  };
  // Somebody may have been faster while the body came in.
  checkWriteConditions(request, bucket.get(request.key), settings);
  const stored = writtenBody(context, object.body);
  if (stored !== undefined) bucket.set({ ...object, body: stored });
  const headers = { etag: `"${object.etag}"`, ...checksumHeaders(object.checksum) };
  return { status: 200, headers, body: NO_BODY };
}

/** What a store keeps of the bytes it says it has stored: under `lost-write` other ones, or nothing. */
export function writtenBody({ fault }: Context, body: Body): Body | undefined {
  if (fault?.type !== 'lost-write') return body;
  if (fault.how === 'absent') return undefined;
  return fault.how === 'short' ? sliceBody(body, 0, body.size >> 1) : flippedBody(body, body.size >> 1);
}

export async function copyObject(context: Context): Promise<Reply> {
  const { request, settings } = context;
  const bucket = bucketOf(context.store, request.bucket);
  checkKey(request.key);
  await receiveDocument(context);
  const source = decodeURIComponent(request.header('x-amz-copy-source') ?? '').replace(/^\//, '');
  const slash = source.indexOf('/');
  const from = bucketOf(context.store, source.slice(0, slash)).get(source.slice(slash + 1));
  if (from === undefined) throw noSuchKey(source.slice(slash + 1));
  checkWriteConditions(request, bucket.get(request.key), settings);
  const copy = { ...from, key: request.key, modified: settings.clock() };
  bucket.set(copy);
  const modified = element('LastModified', new Date(copy.modified).toISOString());
  return xmlReply(element('CopyObjectResult', modified, element('ETag', `"${copy.etag}"`)));
}

export async function getObject(context: Context): Promise<Reply> {
  await receiveDocument(context);
  const { request } = context;
  const object = find(context);
  const headers = objectHeaders(object);
  if (!checkReadConditions(request, object)) return { status: 304, headers, body: NO_BODY };
  const range = parseRange(request.header('range'), object.body.size);
  if (range === undefined) {
    return { status: 200, headers: { ...headers, ...echoedChecksum(context, object) }, body: object.body };
  }
  // The checksum is that of the whole object: S3 does not send it with a part.
  return {
    status: 206,
    headers: {
      ...headers,
      'content-range': `bytes ${range.start}-${range.end - 1}/${object.body.size}`,
    },
    body: sliceBody(object.body, range.start, range.end),
  };
}

export async function deleteObject(context: Context): Promise<Reply> {
  const { request, settings } = context;
  await receiveDocument(context);
  const bucket = bucketOf(context.store, request.bucket);
  const existing = bucket.get(request.key);
  if (request.header('if-match') !== undefined) checkWriteConditions(request, existing, settings);
  bucket.delete(request.key);
  return { status: 204, headers: {}, body: NO_BODY };
}

export async function deleteObjects(context: Context): Promise<Reply> {
  const { request } = context;
  const bucket = bucketOf(context.store, request.bucket);
  const names = Object.keys(request.raw.headers);
  if (!names.some((name) => name === 'content-md5' || name.startsWith('x-amz-checksum-'))) {
    throw new S3Error(
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  }
  const root = parseXml(await receiveDocument(context), 'Delete');
  const keys = root.children
    .filter((child) => child.name === 'Object')
    .map((child) => childText(child, 'Key'));
  if (keys.length === 0 || keys.length > 1000 || keys.some((key) => key === undefined || key === '')) {
    throw new S3Error(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  }
  for (const key of keys) bucket.delete(key ?? '');
  const quiet = childText(root, 'Quiet') === 'true';
  const deleted = quiet ? [] : keys.map((key) => element('Deleted', element('Key', key)));
  return xmlReply(element('DeleteResult', ...deleted));
}

/** @throws S3Error `KeyTooLongError`. */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > 1024) {
    throw new S3Error('KeyTooLongError', 'Your key is too long', { MaxSizeAllowed: '1024' });
  }
}

/** What of a request's headers comes back with the object; `aws-chunked` is no encoding of the object. */
export function keptHeaders(request: S3Request): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'application/octet-stream' };
  for (const name of Object.keys(request.raw.headers)) {
    const value = request.header(name) ?? '';
    if (KEPT.includes(name) || name.startsWith('x-amz-meta-')) kept[name] = value;
  }
  const encodings = (kept['content-encoding'] ?? '').split(',').map((encoding) => encoding.trim());
  const own = encodings.filter((encoding) => encoding !== '' && encoding !== 'aws-chunked');
  if (own.length > 0) kept['content-encoding'] = own.join(', ');
  else delete kept['content-encoding'];
  return kept;
}

export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  const type = checksum.value.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT';
  return { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': type };
}

/** The MD5, or what is not the MD5 but looks like it. */
export function etagOf(md5: string, settings: Settings): string {
  return settings.etags === 'md5' ? md5 : randomBytes(16).toString('hex');
}

function find({ request, store }: Context): StoredObject {
  const object = bucketOf(store, request.bucket).get(request.key);
  if (object === undefined) throw noSuchKey(request.key);
  return object;
}

function echoedChecksum({ request, settings }: Context, object: StoredObject): Record<string, string> {
  if (settings.checksums === 'ignored' || request.header('x-amz-checksum-mode') !== 'ENABLED') return {};
  return checksumHeaders(object.checksum);
}

function objectHeaders(object: StoredObject): Record<string, string> {
  return {
    ...object.headers,
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modified).toUTCString(),
    'accept-ranges': 'bytes',
  };
}
