import { MlopsError } from '../../errors.ts';
import { sha256HexInPool } from '../digest.ts';
import { MAX_MANIFEST } from '../manifest.ts';
import {
  assertObjectName,
  damagedObject,
  isNamedBy,
  isObjectName,
  missingObject,
  objectPath,
} from '../object-errors.ts';
import type {
  BatchOptions,
  ByteRange,
  ObjectBatch,
  ObjectInfo,
  ObjectKey,
  ObjectKind,
  ObjectStore,
} from '../object-store.ts';
import { MAX_PACK } from '../pack.ts';
import { Retrier, type RetryOptions } from '../retrying.ts';
import { crypto } from '../../lib/lazy-builtin.ts';
import { collectBody, BodyTooLong, type Body } from './body.ts';
import { CreateOnly } from './create-only.ts';
import { errorCode, invalidAnswer } from './failure.ts';
import { headObject, type Head } from './head.ts';
import { listPages } from './listing.ts';
import { S3ObjectBatch } from './object-batch.ts';
import { S3Requests } from './requests.ts';
import type { S3Settings } from './sdk.ts';

export interface S3StoreOptions {
  retry?: RetryOptions;
  /** Ends every request; what was sent stays. */
  signal?: AbortSignal | undefined;
  /** Takes one line about what the store can't do. */
  warn?: (message: string) => void;
}

/** What of a reason fits into the metadata of an object, which is limited to 2 KB in all. */
const MAX_REASON = 500;

/**
 * Objects in a bucket: `<prefix>/packs/<aa>/<sha256>` and so on, each visible as soon as it is put. Nothing that comes over the
 * network is believed: lengths, ranges and hashes are checked on every read.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #requests: S3Requests;
  readonly #retrier: Retrier;
  readonly #createOnly: CreateOnly;
  readonly #top: string;

  constructor(settings: S3Settings, { retry, signal, warn = () => undefined }: S3StoreOptions = {}) {
    this.#retrier = new Retrier(retry);
    this.#requests = new S3Requests(settings, { retrier: this.#retrier, signal });
    this.#top = settings.prefix === '' ? '' : `${settings.prefix}/`;
    this.#createOnly = new CreateOnly(this.#requests, { top: this.#top, warn });
  }

  set onRetry(listener: ((error: unknown) => void) | undefined) {
    this.#retrier.onRetry = listener;
  }

  get onRetry(): ((error: unknown) => void) | undefined {
    return this.#retrier.onRetry;
  }

  batch({ onDamaged = 'refuse', likelyThere = false }: BatchOptions = {}): ObjectBatch {
    return new S3ObjectBatch({
      requests: this.#requests,
      createOnly: this.#createOnly,
      store: this,
      pathOf: (key) => this.#path(key),
      onDamaged,
      likelyThere,
      copyToQuarantine: (key, reason) => this.#copyToQuarantine(key, reason),
    });
  }

  createOnly(): Promise<boolean> {
    return this.#createOnly.supported();
  }

  async get(key: ObjectKey, range?: ByteRange): Promise<Uint8Array> {
    assertObjectName(key);
    if (range === undefined) return this.#getWhole(key);
    const { offset, length } = range;
    if (offset < 0 || length < 0)
      throw damagedObject(key, `there is no range of ${length} bytes at ${offset}`);
    if (length > 0) return this.#getRange(key, range);
    const head = await this.#head(key);
    if (head === undefined) throw missingObject(key);
    if (offset > head.size) throw outside(key, range, head.size);
    return new Uint8Array(0);
  }

  #getWhole(key: ObjectKey): Promise<Uint8Array<ArrayBuffer>> {
    const limit = key.kind === 'packs' ? MAX_PACK : MAX_MANIFEST;
    return twice(async () => {
      const bytes = await this.#read(key, { limit });
      if (isNamedBy(key, await sha256HexInPool(bytes))) return bytes;
      throw damagedObject(key, 'its bytes do not hash to its name');
    });
  }

  #getRange(key: ObjectKey, range: ByteRange): Promise<Uint8Array> {
    return twice(async () => {
      const bytes = await this.#read(key, { limit: range.length, range, into: range.into });
      if (bytes.length === range.length) return bytes;
      throw damagedObject(key, `${bytes.length} bytes came instead of ${range.length}`);
    });
  }

  #read<Memory extends ArrayBufferLike = ArrayBuffer>(
    key: ObjectKey,
    { limit, range, into }: { limit: number; range?: ByteRange; into?: Uint8Array<Memory> | undefined },
  ): Promise<Uint8Array<ArrayBuffer | Memory>> {
    const header = range && `bytes=${range.offset}-${range.offset + range.length - 1}`;
    return this.#requests.run({
      operation: 'GetObject',
      send: async ({ sdk, client, options, exchange, failed }) => {
        const command = new sdk.GetObjectCommand({
          Bucket: this.#requests.bucket,
          Key: this.#path(key),
          ...(header === undefined ? {} : { Range: header }),
        });
        try {
          const output = await client.send(command, options);
          const body = output.Body as Body | undefined;
          const problem =
            body === undefined || output.ETag === undefined
              ? 'the answer is no object'
              : range && rangeProblem(range, { status: exchange.status, contentRange: output.ContentRange });
          if (body === undefined || problem !== undefined) {
            // Nobody will read it, and an open body would keep the connection.
            if (body !== undefined && 'destroy' in body) body.destroy();
            throw invalidAnswer(problem ?? 'the answer has no body', failed);
          }
          const bytes = await collectBody(body, { limit, announced: output.ContentLength, into });
          if (output.ContentLength !== undefined && bytes.length !== output.ContentLength) {
            throw invalidAnswer(`${bytes.length} of ${output.ContentLength} bytes came`, failed);
          }
          return bytes;
        } catch (error) {
          if (errorCode(error) === 'NoSuchKey') throw missingObject(key);
          if (error instanceof BodyTooLong) throw damagedObject(key, `it has more than ${limit} bytes`);
          if (exchange.status === 416 && range !== undefined) throw outside(key, range, undefined);
          throw error;
        }
      },
    });
  }

  async stat(key: ObjectKey): Promise<ObjectInfo | undefined> {
    assertObjectName(key);
    const head = await this.#head(key);
    if (head === undefined) return undefined;
    const { size, modified } = head;
    return { key, size, ...(modified === undefined ? {} : { modified }) };
  }

  async *list(kind: ObjectKind, prefix = ''): AsyncIterable<ObjectInfo> {
    const top = `${this.#top}${kind}/`;
    const start = prefix.length < 2 ? prefix : `${prefix.slice(0, 2)}/${prefix}`;
    for await (const { name: path, size, modified } of listPages(this.#requests, { top, start })) {
      const name = path.slice(3);
      const key = { kind, name };
      // Something else that somebody put there is no object of ours.
      if (!isObjectName(key) || path !== `${name.slice(0, 2)}/${name}` || !name.startsWith(prefix)) continue;
      yield { key, size, ...(modified === undefined ? {} : { modified }) };
    }
  }

  async delete(key: ObjectKey): Promise<boolean> {
    assertObjectName(key);
    // S3 answers alike whether there was something or not.
    if ((await this.#head(key)) === undefined) return false;
    await this.#remove(key);
    return true;
  }

  async quarantine(key: ObjectKey, reason: string): Promise<string> {
    assertObjectName(key);
    const place = await this.#copyToQuarantine(key, reason);
    await this.#remove(key);
    return place;
  }

  async #copyToQuarantine(key: ObjectKey, reason: string): Promise<string> {
    const head = await this.#head(key);
    if (head === undefined) throw missingObject(key);
    const place = `${this.#top}quarantine/${key.kind}-${key.name}-${crypto().randomBytes(8).toString('hex')}`;
    const bucket = this.#requests.bucket;
    await this.#requests.run({
      operation: 'CopyObject',
      send: async ({ sdk, client, options, failed }) => {
        const { CopyObjectResult } = await client.send(
          new sdk.CopyObjectCommand({
            Bucket: bucket,
            Key: place,
            CopySource: `${bucket}/${this.#path(key)}`.split('/').map(encodeURIComponent).join('/'),
            MetadataDirective: 'REPLACE',
            Metadata: {
              object: objectPath(key),
              reason: reason.slice(0, MAX_REASON).replace(/[^ -~]/g, '?'),
              time: new Date().toISOString(),
            },
          }),
          options,
        );
        if (CopyObjectResult?.ETag === undefined) throw invalidAnswer('the copy was not confirmed', failed);
      },
    });
    const copy = await headObject(this.#requests, place);
    if (copy?.size !== head.size) {
      throw damagedObject(
        key,
        `its copy for the quarantine has ${copy?.size ?? 'no'} bytes; nothing was removed`,
      );
    }
    return `s3://${bucket}/${place}`;
  }

  #head(key: ObjectKey): Promise<Head | undefined> {
    return headObject(this.#requests, this.#path(key));
  }

  async #remove(key: ObjectKey): Promise<void> {
    await this.#requests.run({
      operation: 'DeleteObject',
      send: ({ sdk, client, options }) =>
        client.send(
          new sdk.DeleteObjectCommand({ Bucket: this.#requests.bucket, Key: this.#path(key) }),
          options,
        ),
    });
  }

  #path(key: ObjectKey): string {
    return `${this.#top}${objectPath(key)}`;
  }
}

/** Bytes that are wrong may have gone wrong on the way, so they are asked for once more before the object is called damaged. */
async function twice<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof MlopsError) || error.code !== 'OBJECT_DAMAGED') throw error;
    return read();
  }
}

function outside(key: ObjectKey, { offset, length }: ByteRange, size: number | undefined): Error {
  const where = size === undefined ? 'it' : `its ${size} bytes`;
  return damagedObject(key, `bytes ${offset} to ${offset + length} lie outside ${where}`);
}

/** Why the answer to a request for a range is none, or undefined. A range that is cut short at the end is left to the caller. */
function rangeProblem(
  { offset, length }: ByteRange,
  { status, contentRange = '' }: { status: number | undefined; contentRange: string | undefined },
): string | undefined {
  if (status !== 206) return 'the range was ignored';
  const [, first, last] = /^bytes (\d+)-(\d+)\/(?:\d+|\*)$/.exec(contentRange) ?? [];
  if (Number(first) !== offset || !(Number(last) < offset + length)) return 'another range came';
  return undefined;
}
