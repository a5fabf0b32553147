import { MalformedError } from './inspection.ts';
import { buffered, type RandomAccess } from './random-access.ts';

/** A position in content that only moves forward; reads are buffered. */
export class Cursor {
  readonly #source: RandomAccess;
  position: number;

  constructor(source: RandomAccess, position = 0) {
    this.#source = buffered(source);
    this.position = position;
  }

  get left(): number {
    return this.#source.size - this.position;
  }

  async bytes(count: number): Promise<Buffer> {
    const bytes = await this.#source.read(this.position, count);
    this.position += count;
    return bytes;
  }

  /** Steps over `count` bytes that must exist. */
  skip(count: number): void {
    if (!Number.isSafeInteger(count) || count < 0 || count > this.left) {
      throw new MalformedError(`${count} bytes expected at byte ${this.position}, ${this.left} are left`);
    }
    this.position += count;
  }

  async u8(): Promise<number> {
    return (await this.bytes(1)).readUInt8(0);
  }

  async u32(): Promise<number> {
    return (await this.bytes(4)).readUInt32LE(0);
  }

  async u64(): Promise<bigint> {
    return (await this.bytes(8)).readBigUInt64LE(0);
  }
}
