import { crypto } from '../../lib/lazy-builtin.ts';
import { MlopsError, RemoteError } from '../../errors.ts';
import { sha256HexInPool } from '../digest.ts';
import { alteredBytes, assertObjectName, damagedOnRemote, isNamedBy, objectPath } from '../object-errors.ts';
import type {
  HashFunction,
  ObjectBatch,
  ObjectKey,
  ObjectKind,
  ObjectStore,
  PutOutcome,
} from '../object-store.ts';
import type { CreateOnly } from './create-only.ts';
import { invalidAnswer } from './failure.ts';
import { headObject, hexOfChecksum, type Head } from './head.ts';
import type { S3Requests } from './requests.ts';

interface BatchParts {
  requests: S3Requests;
  createOnly: CreateOnly;
  store: ObjectStore;
  pathOf(key: ObjectKey): string;
  onDamaged: 'refuse' | 'replace';
  /** Ask before sending what an answer of "it exists" would make useless. */
  likelyThere: boolean;
  copyToQuarantine(key: ObjectKey, reason: string): Promise<string>;
}

interface Upload {
  key: ObjectKey;
  bytes: Uint8Array;
  /** 64 hex digits. */
  sha256: string;
}

/** An object is there as soon as it is put, so there is nothing left to commit, and nothing to take back. */
export class S3ObjectBatch implements ObjectBatch {
  readonly #parts: BatchParts;
  readonly #put = new Set<string>();

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  async put(key: ObjectKey, bytes: Uint8Array): Promise<PutOutcome> {
    assertObjectName(key);
    const sha256 = await sha256HexInPool(bytes);
    if (!isNamedBy(key, sha256)) throw alteredBytes(key);
    return this.#upload({ key, bytes, sha256 });
  }

  async store(kind: ObjectKind, bytes: Uint8Array, hash: HashFunction = sha256HexInPool): Promise<string> {
    const name = await hash(bytes);
    const key = { kind, name };
    assertObjectName(key);
    await this.#upload({ key, bytes, sha256: name });
    return name;
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }

  async #upload(upload: Upload): Promise<PutOutcome> {
    const id = objectPath(upload.key);
    if (this.#put.has(id)) return 'present';
    this.#put.add(id);
    try {
      const head = this.#parts.likelyThere ? await this.#head(upload.key) : undefined;
      if (head !== undefined) return await this.#settle(upload, head);
      return (await this.#parts.createOnly.supported())
        ? await this.#createOnly(upload)
        : await this.#lookThenWrite(upload);
    } catch (error) {
      this.#put.delete(id);
      throw error;
    }
  }

  async #createOnly(upload: Upload): Promise<PutOutcome> {
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      if (await this.#write(upload, { ifAbsent: true })) return 'stored';
      const head = await this.#head(upload.key);
      if (head !== undefined) return this.#settle(upload, head);
      // Whoever was there has taken it away again.
    }
    throw new RemoteError(
      'REMOTE_CONFLICT',
      `bucket "${this.#parts.requests.bucket}": ${objectPath(upload.key)} comes and goes: another program removes what is being written`,
      { hint: 'see that no gc runs on the remote, and run the same command again', retryable: true },
    );
  }

  /** Where the store can't refuse: another writer may come between the look and the write, but only with the same bytes. */
  async #lookThenWrite(upload: Upload): Promise<PutOutcome> {
    const head = await this.#head(upload.key);
    if (head !== undefined) return this.#settle(upload, head);
    await this.#write(upload, { ifAbsent: false });
    const written = await this.#head(upload.key);
    const problem =
      written === undefined ? 'it is not there after it was written' : await this.#problemOf(upload, written);
    if (problem !== undefined) throw damagedOnRemote(upload.key, problem);
    return 'stored';
  }

  /** Something is there under the name: is it these bytes, or does it have to give way? */
  async #settle(upload: Upload, head: Head): Promise<PutOutcome> {
    const { key } = upload;
    const problem = await this.#problemOf(upload, head);
    if (problem === undefined) return 'present';
    if (this.#parts.onDamaged === 'refuse') throw damagedOnRemote(key, problem);
    // Overwritten and not removed first: there is no moment without an object of the name.
    await this.#parts.copyToQuarantine(key, problem);
    await this.#write(upload, { ifAbsent: false });
    return 'replaced';
  }

  /** What the store says of it proves it only by a hash of its content; without one, the content itself has to. */
  async #problemOf({ key, bytes, sha256 }: Upload, head: Head): Promise<string | undefined> {
    if (head.size !== bytes.length) return `it has ${head.size} bytes instead of ${bytes.length}`;
    if (head.sha256 !== undefined) {
      return head.sha256 === sha256 ? undefined : 'the checksum of its bytes is another one';
    }
    if (head.md5 !== undefined && head.md5 === md5Of(bytes)) return undefined;
    try {
      await this.#parts.store.get(key);
      return undefined;
    } catch (error) {
      if (error instanceof MlopsError && error.code === 'OBJECT_DAMAGED') return error.message;
      throw error;
    }
  }

  /** False: there was something already. */
  #write({ key, bytes, sha256 }: Upload, { ifAbsent }: { ifAbsent: boolean }): Promise<boolean> {
    const { requests, pathOf } = this.#parts;
    return requests.run({
      operation: 'PutObject',
      contentSha256: sha256,
      send: async ({ sdk, client, options, exchange, failed }) => {
        try {
          const { ETag, ChecksumSHA256 } = await client.send(
            new sdk.PutObjectCommand({
              Bucket: requests.bucket,
              Key: pathOf(key),
              Body: bytes,
              ContentLength: bytes.length,
              ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
              ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
            }),
            options,
          );
          if (ETag === undefined) throw invalidAnswer('the write was not confirmed', failed);
          const echoed = hexOfChecksum(ChecksumSHA256);
          if (echoed !== undefined && echoed !== sha256) {
            throw damagedOnRemote(key, 'the store confirmed the checksum of other bytes');
          }
          return true;
        } catch (error) {
          if (ifAbsent && exchange.status === 412) return false;
          throw error;
        }
      },
    });
  }

  #head(key: ObjectKey): Promise<Head | undefined> {
    return headObject(this.#parts.requests, this.#parts.pathOf(key));
  }
}

/** Undefined where MD5 is switched off (FIPS). */
function md5Of(bytes: Uint8Array): string | undefined {
  try {
    return crypto().createHash('md5').update(bytes).digest('hex');
  } catch {
    return undefined;
  }
}
