import { type Context, type Reply, receiveDocument, xmlReply } from './context.ts';
import { S3Error } from './errors.ts';
import type { ListFault } from './faults.ts';
import { sliceBody } from './body.ts';
import { integerParameter } from './request.ts';
import { encode } from './signature.ts';
import { type Bucket, type StoredObject, bucketOf, compareKeys } from './store.ts';
import { type XmlNode, element } from './xml.ts';

interface Page {
  /** Keys and common prefixes, in order. */
  readonly entries: readonly (StoredObject | string)[];
  /** Where the next page starts, when there is one. */
  readonly next: Marker | undefined;
}

/** What a page ended with: after a common prefix everything below it has been listed too. */
interface Marker {
  readonly name: string;
  readonly isPrefix: boolean;
}

/** ListObjectsV2 and its elder. */
export async function listObjects(context: Context): Promise<Reply> {
  const { request, settings, operation } = context;
  await receiveDocument(context);
  const bucket = bucketOf(context.store, request.bucket);
  const second = operation === 'ListObjectsV2';
  if (second && request.parameter('list-type') !== '2') throw invalid('list-type');
  const encoding = request.parameter('encoding-type');
  if (encoding !== undefined && encoding !== 'url') throw invalid('encoding-type');
  const name = (text: string) => (encoding === 'url' ? encode(text).replaceAll('%2F', '/') : text);
  const limits = { fallback: settings.pageSize, minimum: 0, maximum: 2 ** 31 - 1 };
  const limit = Math.min(integerParameter(request, 'max-keys', limits), settings.pageSize);
  const prefix = request.parameter('prefix') ?? '';
  const delimiter = request.parameter('delimiter') ?? '';
  const token = request.parameter('continuation-token');
  const start = (second ? request.parameter('start-after') : request.parameter('marker')) ?? '';
  // The first version's marker is a bare name; one that ends in the delimiter is a common prefix of the page before.
  const after =
    token === undefined
      ? { name: start, isPrefix: !second && delimiter !== '' && start.endsWith(delimiter) }
      : parseToken(token);
  const fault = context.fault?.type === 'list' ? context.fault.how : undefined;
  const page = faulty(readPage(bucket, { prefix, delimiter, after, limit }), fault, after);

  const children: XmlNode[] = [
    element('Name', request.bucket),
    element('Prefix', name(prefix)),
    element('MaxKeys', String(limit)),
    element('IsTruncated', String(page.truncated)),
  ];
  const optional = (label: string, text: string | undefined) => {
    if (text !== undefined && text !== '') children.push(element(label, text));
  };
  optional('Delimiter', name(delimiter));
  optional('EncodingType', encoding);
  if (second) {
    children.push(element('KeyCount', String(page.count)));
    optional('ContinuationToken', token);
    optional('StartAfter', token === undefined ? name(start) : undefined);
    optional('NextContinuationToken', page.next && writeToken(page.next));
  } else {
    children.push(element('Marker', name(start)));
    optional('NextMarker', page.next && name(page.next.name));
  }
  for (const entry of page.entries) children.push(entryNode(entry, name));
  const reply = xmlReply(element('ListBucketResult', ...children));
  return fault === 'cut-xml' ? { ...reply, body: sliceBody(reply.body, 0, reply.body.size >> 1) } : reply;
}

function entryNode(entry: StoredObject | string, name: (text: string) => string): XmlNode {
  if (typeof entry === 'string') return element('CommonPrefixes', element('Prefix', name(entry)));
  return element(
    'Contents',
    element('Key', name(entry.key)),
    element('LastModified', new Date(entry.modified).toISOString()),
    element('ETag', `"${entry.etag}"`),
    ...(entry.checksum === undefined
      ? []
      : [element('ChecksumAlgorithm', entry.checksum.algorithm.toUpperCase())]),
    element('Size', String(entry.body.size)),
    element('StorageClass', 'STANDARD'),
  );
}

function readPage(
  bucket: Bucket,
  query: { prefix: string; delimiter: string; after: Marker; limit: number },
): Page {
  const { prefix, delimiter, after, limit } = query;
  const keys = bucket.keys();
  const entries: (StoredObject | string)[] = [];
  let last = after;
  const from = compareKeys(prefix, after.name) > 0 ? prefix : after.name;
  for (let index = lowerBound(keys, from); index < keys.length; index++) {
    const key = keys[index] ?? '';
    if (!key.startsWith(prefix)) {
      if (compareKeys(key, prefix) > 0) break;
      continue;
    }
    if (after.name !== '' && compareKeys(key, after.name) <= 0) continue;
    if (last.isPrefix && key.startsWith(last.name)) continue;
    if (entries.length >= limit) return { entries, next: limit === 0 ? undefined : last };
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const object = bucket.get(key);
    if (end !== -1) {
      last = { name: key.slice(0, end + delimiter.length), isPrefix: true };
      entries.push(last.name);
    } else if (object !== undefined) {
      last = { name: key, isPrefix: false };
      entries.push(object);
    }
  }
  return { entries, next: undefined };
}

/** Index of the first key that is not before `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The page as a store in trouble would send it. */
function faulty(
  page: Page,
  fault: ListFault | undefined,
  after: Marker,
): Page & { truncated: boolean; count: number } {
  const count = page.entries.length;
  const right = { ...page, truncated: page.next !== undefined, count };
  if (fault === 'half') {
    return { ...right, entries: page.entries.slice(0, count >> 1), next: undefined, truncated: false };
  }
  if (fault === 'empty') return { entries: [], next: undefined, truncated: false, count: 0 };
  if (fault === 'no-token') return { ...right, next: undefined, truncated: true };
  if (fault === 'token-loop') return { ...right, next: after, truncated: true };
  return right;
}

function writeToken(marker: Marker): string {
  return Buffer.from(JSON.stringify([marker.name, marker.isPrefix])).toString('base64url');
}

function parseToken(token: string): Marker {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'boolean') {
      return { name: value[0], isPrefix: value[1] };
    }
  } catch {
    // Told below, like every other token that is none.
  }
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
    ArgumentName: 'continuation-token',
  });
}

function invalid(name: string): S3Error {
  return new S3Error('InvalidArgument', `Invalid value of ${name}`, { ArgumentName: name });
}
