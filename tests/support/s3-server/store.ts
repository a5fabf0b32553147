import type { Body, BodySink } from './body.ts';
import type { Checksum, ChecksumAlgorithm } from './checksum.ts';
import { S3Error } from './errors.ts';

export interface StoredObject {
  readonly key: string;
  readonly body: Body;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Content-Type and what else the client gave to be given back. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: Checksum | undefined;
}

export interface Part {
  readonly number: number;
  readonly body: Body;
  readonly etag: string;
  readonly modified: number;
  readonly checksum: Checksum | undefined;
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly initiated: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly parts: Map<number, Part>;
}

/** One bucket. Every change is a single synchronous call, which is what makes conditional writes atomic. */
export class Bucket {
  readonly uploads = new Map<string, Upload>();
  readonly #objects = new Map<string, StoredObject>();
  #sorted: string[] | undefined;

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  set(object: StoredObject): void {
    if (!this.#objects.has(object.key)) this.#sorted = undefined;
    this.#objects.set(object.key, object);
  }

  delete(key: string): boolean {
    const found = this.#objects.delete(key);
    if (found) this.#sorted = undefined;
    return found;
  }

  /** All keys, in the order of their UTF-8 bytes. */
  keys(): readonly string[] {
    return (this.#sorted ??= [...this.#objects.keys()].sort(compareKeys));
  }
}

/** The order of S3's listings. */
export function compareKeys(a: string, b: string): number {
  const outside = /[\uD800-\uFFFF]/;
  if (outside.test(a) || outside.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface Store {
  readonly buckets: Map<string, Bucket>;
  /** Where the next body goes: memory or a file. */
  sink(): Promise<BodySink>;
}

/** @throws S3Error `NoSuchBucket`. */
export function bucketOf(store: Store, name: string): Bucket {
  const bucket = store.buckets.get(name);
  if (bucket === undefined) {
    throw new S3Error('NoSuchBucket', 'The specified bucket does not exist', { BucketName: name });
  }
  return bucket;
}
