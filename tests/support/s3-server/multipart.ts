import { createHash, randomUUID } from 'node:crypto';
import { joinBodies } from './body.ts';
import { type Checksum, compositeChecksum, declaredChecksum, parseAlgorithm } from './checksum.ts';
import { checkWriteConditions } from './conditions.ts';
import { type Context, NO_BODY, type Reply, receiveDocument, receiveUpload, xmlReply } from './context.ts';
import { S3Error } from './errors.ts';
import { checkKey, checksumHeaders, etagOf, keptHeaders, writtenBody } from './objects.ts';
import { integerParameter } from './request.ts';
import { type Bucket, type Part, type Upload, bucketOf } from './store.ts';
import { childText, element, parseXml } from './xml.ts';

export async function createMultipartUpload(context: Context): Promise<Reply> {
  const { request, settings } = context;
  const bucket = bucketOf(context.store, request.bucket);
  checkKey(request.key);
  await receiveDocument(context);
  const algorithm = request.header('x-amz-checksum-algorithm');
  if (request.header('x-amz-checksum-type') === 'FULL_OBJECT') {
    throw new S3Error('NotImplemented', 'Full object checksums of multipart uploads are not implemented.');
  }
  const upload: Upload = {
    id: randomUUID(),
    key: request.key,
    initiated: settings.clock(),
    headers: keptHeaders(request),
    algorithm:
      algorithm === undefined || settings.checksums === 'ignored' ? undefined : parseAlgorithm(algorithm),
    parts: new Map(),
  };
  bucket.uploads.set(upload.id, upload);
  return xmlReply(
    element(
      'InitiateMultipartUploadResult',
      element('Bucket', request.bucket),
      element('Key', request.key),
      element('UploadId', upload.id),
    ),
    upload.algorithm === undefined
      ? {}
      : { 'x-amz-checksum-algorithm': upload.algorithm.toUpperCase(), 'x-amz-checksum-type': 'COMPOSITE' },
  );
}

export async function uploadPart(context: Context): Promise<Reply> {
  const { request, settings } = context;
  const number = integerParameter(request, 'partNumber', { fallback: 0, minimum: 1, maximum: 10_000 });
  const { upload } = findUpload(context);
  const declared = settings.checksums === 'verified' ? declaredChecksum(request) : undefined;
  if (upload.algorithm !== undefined && declared?.algorithm !== upload.algorithm) {
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm}, actual checksum Type: ${declared?.algorithm ?? 'null'}`,
    );
  }
  const received = await receiveUpload(context);
  // It may have been completed or aborted while the part came in.
  findUpload(context);
  const etag = etagOf(received.md5, settings);
  const body = writtenBody(context, received.body);
  const { checksum } = received;
  if (body !== undefined) {
    upload.parts.set(number, { number, body, etag, modified: settings.clock(), checksum });
  }
  return { status: 200, headers: { etag: `"${etag}"`, ...checksumHeaders(checksum) }, body: NO_BODY };
}

export async function completeMultipartUpload(context: Context): Promise<Reply> {
  const { request, settings } = context;
  const document = await receiveDocument({ ...context, settings: { ...settings, checksums: 'ignored' } });
  const { bucket, upload } = findUpload(context);
  const parts = chosenParts(document, upload, settings.minimumPartSize);
  const checksum = objectChecksum(parts);
  if (checksum !== undefined) {
    const declared = request.header(`x-amz-checksum-${checksum.algorithm}`);
    if (declared !== undefined && declared.split('-')[0] !== checksum.value.split('-')[0]) {
      throw new S3Error(
        settings.checksumError,
        'The checksum of the object does not match the one you gave.',
      );
    }
  }
  checkWriteConditions(request, bucket.get(upload.key), settings);
  const md5 = createHash('md5');
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'));
  const etag = `${md5.digest('hex')}-${parts.length}`;
  const body = writtenBody(context, joinBodies(parts.map((part) => part.body)));
  bucket.uploads.delete(upload.id);
  if (body !== undefined) {
    const modified = settings.clock();
    bucket.set({ key: upload.key, body, etag, modified, headers: upload.headers, checksum });
  }
  return xmlReply(
    element(
      'CompleteMultipartUploadResult',
      element('Bucket', request.bucket),
      element('Key', upload.key),
      element('ETag', `"${etag}"`),
      ...(checksum === undefined ? [] : [element(elementName(checksum), checksum.value)]),
    ),
  );
}

export async function abortMultipartUpload(context: Context): Promise<Reply> {
  await receiveDocument(context);
  const { bucket, upload } = findUpload(context);
  bucket.uploads.delete(upload.id);
  return { status: 204, headers: {}, body: NO_BODY };
}

export async function listParts(context: Context): Promise<Reply> {
  const { request, settings } = context;
  await receiveDocument(context);
  const { upload } = findUpload(context);
  const limits = { fallback: settings.pageSize, minimum: 0, maximum: 2 ** 31 - 1 };
  const limit = Math.min(integerParameter(request, 'max-parts', limits), settings.pageSize);
  const after = integerParameter(request, 'part-number-marker', { ...limits, fallback: 0 });
  const all = [...upload.parts.values()].filter((part) => part.number > after);
  const page = all.sort((a, b) => a.number - b.number).slice(0, limit);
  const rows = page.map((part) =>
    element(
      'Part',
      element('PartNumber', String(part.number)),
      element('LastModified', new Date(part.modified).toISOString()),
      element('ETag', `"${part.etag}"`),
      element('Size', String(part.body.size)),
      ...(part.checksum === undefined ? [] : [element(elementName(part.checksum), part.checksum.value)]),
    ),
  );
  return xmlReply(
    element(
      'ListPartsResult',
      element('Bucket', request.bucket),
      element('Key', upload.key),
      element('UploadId', upload.id),
      element('PartNumberMarker', String(after)),
      element('NextPartNumberMarker', String(page.at(-1)?.number ?? 0)),
      element('MaxParts', String(limit)),
      element('IsTruncated', String(all.length > page.length)),
      ...rows,
    ),
  );
}

export async function listMultipartUploads(context: Context): Promise<Reply> {
  const { request, settings } = context;
  await receiveDocument(context);
  const bucket = bucketOf(context.store, request.bucket);
  const prefix = request.parameter('prefix') ?? '';
  const marker = [
    request.parameter('key-marker') ?? '',
    request.parameter('upload-id-marker') ?? '',
  ] as const;
  const limits = { fallback: settings.pageSize, minimum: 1, maximum: 1000 };
  const limit = Math.min(integerParameter(request, 'max-uploads', limits), settings.pageSize);
  const all = [...bucket.uploads.values()]
    .filter(({ key, id }) => key.startsWith(prefix) && isAfter([key, id], marker))
    .sort((a, b) => (isAfter([a.key, a.id], [b.key, b.id]) ? 1 : -1));
  const page = all.slice(0, limit);
  const last = all.length > page.length ? page.at(-1) : undefined;
  const rows = page.map((upload) =>
    element(
      'Upload',
      element('Key', upload.key),
      element('UploadId', upload.id),
      element('Initiated', new Date(upload.initiated).toISOString()),
    ),
  );
  const next = [element('NextKeyMarker', last?.key), element('NextUploadIdMarker', last?.id)];
  return xmlReply(
    element(
      'ListMultipartUploadsResult',
      element('Bucket', request.bucket),
      element('KeyMarker', marker[0]),
      element('UploadIdMarker', marker[1]),
      ...(last === undefined ? [] : next),
      element('MaxUploads', String(limit)),
      element('IsTruncated', String(last !== undefined)),
      element('Prefix', prefix),
      ...rows,
    ),
  );
}

function isAfter(a: readonly [string, string], b: readonly [string, string]): boolean {
  return a[0] === b[0] ? a[1] > b[1] : a[0] > b[0];
}

/** @throws S3Error `NoSuchUpload`. */
function findUpload({ request, store }: Context): { bucket: Bucket; upload: Upload } {
  const bucket = bucketOf(store, request.bucket);
  const upload = bucket.uploads.get(request.parameter('uploadId') ?? '');
  if (upload === undefined || upload.key !== request.key) {
    throw new S3Error('NoSuchUpload', 'The specified multipart upload does not exist.');
  }
  return { bucket, upload };
}

/** The parts a client names for its object, in their order. */
function chosenParts(document: Buffer, upload: Upload, minimumSize: number): Part[] {
  const root = parseXml(document, 'CompleteMultipartUpload');
  const parts: Part[] = [];
  for (const node of root.children) {
    const number = Number(childText(node, 'PartNumber'));
    const part = upload.parts.get(number);
    const previous = parts.at(-1);
    if (previous !== undefined && previous.number >= number) {
      throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    const etag = childText(node, 'ETag')?.replace(/^"(.*)"$/, '$1');
    const checksum = part?.checksum && childText(node, elementName(part.checksum));
    if (
      part === undefined ||
      part.etag !== etag ||
      (checksum ?? part.checksum?.value) !== part.checksum?.value
    ) {
      throw new S3Error('InvalidPart', 'One or more of the specified parts could not be found.', {
        PartNumber: String(number),
      });
    }
    if (previous !== undefined && previous.body.size < minimumSize) {
      throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    }
    parts.push(part);
  }
  if (parts.length > 0) return parts;
  throw new S3Error('MalformedXML', 'You must specify at least one part');
}

function objectChecksum(parts: readonly Part[]): Checksum | undefined {
  const checksums = parts.flatMap((part) => part.checksum ?? []);
  const [first] = checksums;
  if (first === undefined || checksums.length < parts.length) return undefined;
  if (checksums.some(({ algorithm }) => algorithm !== first.algorithm)) return undefined;
  return compositeChecksum(first.algorithm, checksums);
}

function elementName({ algorithm }: Checksum): string {
  return `Checksum${algorithm.toUpperCase()}`;
}
