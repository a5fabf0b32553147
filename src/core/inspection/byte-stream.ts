import { LimitError } from './inspection.ts';
import type { RandomAccess } from './random-access.ts';

/** Where a stream gets its bytes: `pull` gives the next chunk or undefined at the end, `seek` skips what it can cheaply. */
export interface ByteSupplier {
  pull(): Promise<Uint8Array | undefined>;
  /** Skips up to `count` bytes without reading them and tells how many. */
  seek(count: number): number;
}

const CHUNK = 64 * 1024;
/** The most bytes looked at in one stream; skipped tensor data does not count. */
export const MAX_LOOK = 64 * 1024 * 1024;

/** Sequential bytes with a look-ahead buffer: `fill` awaits, everything else works on what is buffered. */
export class ByteStream {
  readonly #supplier: ByteSupplier;
  readonly #maxLook: number;
  #looked = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #base = 0;

  constructor(supplier: ByteSupplier, maxLook: number = MAX_LOOK) {
    this.#supplier = supplier;
    this.#maxLook = maxLook;
  }

  /** Bytes consumed since the start. */
  get position(): number {
    return this.#base + this.#at;
  }

  /** Bytes that can be used without awaiting. */
  get available(): number {
    return this.#buffer.length - this.#at;
  }

  /** The buffered bytes that were not consumed yet. */
  get view(): Buffer {
    return this.#buffer.subarray(this.#at);
  }

  /** Byte at `index` of the buffered ones; the caller made sure that it is there. */
  byte(index: number): number {
    return this.#buffer[this.#at + index] ?? 0;
  }

  advance(count: number): void {
    this.#at += count;
  }

  /**
   * Buffers at least `count` bytes; false when the content ends before.
   *
   * @throws LimitError when more than the look limit would be read
   */
  async fill(count: number): Promise<boolean> {
    if (this.available >= count) return true;
    const parts: Uint8Array[] = [this.#buffer.subarray(this.#at)];
    let have = this.available;
    let ended = false;
    while (have < count && !ended) {
      if (this.#looked >= this.#maxLook)
        throw new LimitError(`only the first ${this.#maxLook} bytes were looked at`);
      const chunk = await this.#supplier.pull();
      if (chunk === undefined) {
        ended = true;
      } else {
        parts.push(chunk);
        have += chunk.length;
        this.#looked += chunk.length;
      }
    }
    this.#base += this.#at;
    this.#at = 0;
    this.#buffer =
      parts.length === 1 ? this.#buffer.subarray(this.#buffer.length - have) : Buffer.concat(parts);
    return have >= count;
  }

  /** Consumes `count` bytes without keeping them; false when the content ends before. */
  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0) {
      const now = Math.min(left, this.available);
      this.#at += now;
      left -= now;
      if (left === 0) break;
      const jumped = this.#supplier.seek(left);
      this.#base += jumped;
      left -= jumped;
      if (left > 0 && !(await this.fill(1))) return false;
    }
    return true;
  }
}

/** A stream over random access, from `start`; skipping costs nothing. */
export function streamOf(source: RandomAccess, start = 0): ByteStream {
  let offset = start;
  return new ByteStream({
    async pull() {
      const length = Math.min(CHUNK, source.size - offset);
      if (length <= 0) return undefined;
      const chunk = await source.read(offset, length);
      offset += length;
      return chunk;
    },
    seek(count) {
      const jump = Math.max(0, Math.min(count, source.size - offset));
      offset += jump;
      return jump;
    },
  });
}
