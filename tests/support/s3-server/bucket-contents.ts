import { createHash } from 'node:crypto';
import { type Body, flippedBody, memoryBody, readAll, sliceBody } from './body.ts';
import { type StoredObject, type Store, type Upload, bucketOf } from './store.ts';

/** A bucket seen from behind the protocol: what a test arranges and looks at, without a request. */
export class BucketContents {
  readonly #store: Store;
  readonly #name: string;
  readonly #clock: () => number;

  constructor(store: Store, name: string, clock: () => number) {
    this.#store = store;
    this.#name = name;
    this.#clock = clock;
  }

  /** In the order of listings. */
  keys(prefix = ''): string[] {
    return bucketOf(this.#store, this.#name)
      .keys()
      .filter((key) => key.startsWith(prefix));
  }

  /** All that is kept about an object. */
  entry(key: string): StoredObject | undefined {
    return bucketOf(this.#store, this.#name).get(key);
  }

  async get(key: string): Promise<Buffer | undefined> {
    const object = this.entry(key);
    return object && readAll(object.body);
  }

  /** Stores bytes as a client without checksums would have. */
  put(key: string, content: Uint8Array | string, modified = this.#clock()): void {
    const bytes = Buffer.from(content);
    bucketOf(this.#store, this.#name).set({
      key,
      body: memoryBody([bytes]),
      etag: createHash('md5').update(bytes).digest('hex'),
      modified,
      headers: { 'content-type': 'application/octet-stream' },
      checksum: undefined,
    });
  }

  /** False when there was none. */
  delete(key: string): boolean {
    return bucketOf(this.#store, this.#name).delete(key);
  }

  /** Rot: flips a bit of the byte at `at` (negative: from the end); ETag and checksum stay those of the good bytes. */
  flip(key: string, at = 0): void {
    this.#replaceBody(key, (body) => flippedBody(body, at));
  }

  /** Loses all but the first bytes; ETag and checksum stay. */
  truncate(key: string, size: number): void {
    this.#replaceBody(key, (body) => sliceBody(body, 0, size));
  }

  /** Multipart uploads that are neither completed nor aborted. */
  uploads(): Upload[] {
    return [...bucketOf(this.#store, this.#name).uploads.values()];
  }

  #replaceBody(key: string, change: (body: Body) => Body): void {
    const object = this.entry(key);
    if (object === undefined) throw new Error(`no object ${key} in ${this.#name}`);
    bucketOf(this.#store, this.#name).set({ ...object, body: change(object.body) });
  }
}
