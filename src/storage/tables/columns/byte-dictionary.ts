import { utf8 } from '../values/number.ts';

/** Numbers different texts in the order in which they come, without making a string of each cell. */
export class ByteDictionary {
  #table = new Int32Array(64);
  #hashes = new Int32Array(32);
  /** Where each text lies in `#arena`; one more than there are texts. */
  #starts = new Float64Array(33);
  #arena = Buffer.alloc(1024);
  #arenaView = viewOf(this.#arena);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes of all texts. */
  get bytes(): number {
    return this.#starts[this.#size] as number;
  }

  /** @returns the number of the text, from 0 */
  codeOf(view: DataView, start: number, end: number): number {
    let hash = end - start;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at, true), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    for (; at < end; at += 1) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
    hash ^= hash >>> 13;
    const mask = this.#table.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const code = (this.#table[place] as number) - 1;
      if (code === -1) {
        return this.#add(hash, place, Buffer.from(view.buffer, view.byteOffset + start, end - start));
      }
      if (this.#hashes[code] === hash && this.#equals(code, view, start, end)) return code;
    }
  }

  textOf(code: number): string {
    return utf8(this.#arena, this.#starts[code] as number, this.#starts[code + 1] as number);
  }

  /** Below 0 if the first of two texts comes first, byte by byte. */
  compare(first: number, second: number): number {
    return this.#arena.compare(
      this.#arena,
      this.#starts[second],
      this.#starts[second + 1],
      this.#starts[first],
      this.#starts[first + 1],
    );
  }

  #equals(code: number, view: DataView, start: number, end: number): boolean {
    let from = this.#starts[code] as number;
    if ((this.#starts[code + 1] as number) - from !== end - start) return false;
    const arena = this.#arenaView;
    let at = start;
    for (; at + 4 <= end; at += 4, from += 4) if (view.getInt32(at) !== arena.getInt32(from)) return false;
    for (; at < end; at += 1, from += 1) if (view.getUint8(at) !== arena.getUint8(from)) return false;
    return true;
  }

  #add(hash: number, place: number, text: Buffer): number {
    const code = this.#size;
    const start = this.#starts[code] as number;
    if (start + text.length > this.#arena.length) {
      const larger = Buffer.alloc(2 * (start + text.length));
      this.#arena.copy(larger, 0, 0, start);
      this.#arena = larger;
      this.#arenaView = viewOf(larger);
    }
    text.copy(this.#arena, start);
    this.#table[place] = code + 1;
    this.#hashes[code] = hash;
    this.#starts[code + 1] = start + text.length;
    this.#size += 1;
    if (this.#size === this.#hashes.length) this.#grow();
    return code;
  }

  #grow(): void {
    const starts = new Float64Array(2 * this.#size + 1);
    starts.set(this.#starts);
    this.#starts = starts;
    const hashes = new Int32Array(2 * this.#size);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const table = new Int32Array(2 * this.#table.length);
    const mask = table.length - 1;
    for (const entry of this.#table) {
      if (entry === 0) continue;
      let place = (hashes[entry - 1] as number) & mask;
      while (table[place] !== 0) place = (place + 1) & mask;
      table[place] = entry;
    }
    this.#table = table;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
