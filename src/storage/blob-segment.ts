import { createHash } from 'node:crypto';
import { Encoding, type PackEntry } from './pack.ts';

export interface PackTable {
  name: string;
  /** Bytes of the pack. */
  size: number;
  entries: readonly PackEntry[];
}

export interface SegmentPack {
  readonly name: string;
  readonly size: number;
}

export interface SegmentRecord {
  /** Its number in the packs of the segment. */
  pack: number;
  entry: PackEntry;
}

const MAGIC = Buffer.from('MLOPSBI\u0001', 'latin1');
const HEADER = 16;
const PACK_RECORD = 40;
const RECORD = 48;
const CHECKSUM = 32;
const BROTLI_FLAG = 0x80000000;

/**
 * The tables of some packs in one sorted array, searched in place, so that a million blobs cost 48 MB of bytes and not a
 * million objects.
 *
 * Layout, little-endian: magic (8), packs (4), blobs (4), per pack its name (32) and size (8, double), per blob, sorted by
 * id: id (32), number of the pack (4), offset (4), stored length with the top bit set for brotli (4), length (4); SHA-256
 * of all before.
 */
export class BlobSegment {
  readonly packs: readonly SegmentPack[];
  readonly count: number;
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #records: number;

  private constructor(bytes: Buffer<ArrayBuffer>) {
    const packs = bytes.readUInt32LE(8);
    this.count = bytes.readUInt32LE(12);
    this.packs = Array.from({ length: packs }, (_, index) => {
      const at = HEADER + index * PACK_RECORD;
      return { name: bytes.toString('hex', at, at + 32), size: bytes.readDoubleLE(at + 32) };
    });
    this.#bytes = bytes;
    this.#records = HEADER + packs * PACK_RECORD;
  }

  get bytes(): Buffer<ArrayBuffer> {
    return this.#bytes;
  }

  /** Undefined for anything that is no intact segment. */
  static parse(bytes: Buffer<ArrayBuffer>): BlobSegment | undefined {
    if (bytes.length < HEADER + CHECKSUM || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
    const packs = bytes.readUInt32LE(8);
    const blobs = bytes.readUInt32LE(12);
    if (bytes.length !== HEADER + packs * PACK_RECORD + blobs * RECORD + CHECKSUM) return undefined;
    const body = bytes.subarray(0, bytes.length - CHECKSUM);
    if (!createHash('sha256').update(body).digest().equals(bytes.subarray(body.length))) return undefined;
    return new BlobSegment(bytes);
  }

  static build(tables: readonly PackTable[]): BlobSegment {
    const count = tables.reduce((sum, { entries }) => sum + entries.length, 0);
    function* records(): Iterable<SegmentRecord> {
      for (const [pack, { entries }] of tables.entries()) for (const entry of entries) yield { pack, entry };
    }
    return BlobSegment.collect(tables, count, records());
  }

  /** Keeps nothing of a record after it was given. @param count of records at most */
  static collect(
    packs: readonly SegmentPack[],
    count: number,
    records: Iterable<SegmentRecord>,
  ): BlobSegment {
    const unsorted = Buffer.allocUnsafeSlow(count * RECORD);
    let at = 0;
    for (const { pack, entry } of records) at = writeRecord(unsorted, at, entry, pack);
    return BlobSegment.#of(packs, unsorted.subarray(0, at));
  }

  /**
   * One segment of several. Records are copied as they are: an object for each of a million blobs would cost ten times as much.
   *
   * @param isKept which packs stay; asked once for each pack of each segment
   */
  static merge(segments: readonly BlobSegment[], isKept: (pack: SegmentPack) => boolean): BlobSegment {
    const packs: SegmentPack[] = [];
    const sources = segments.map((segment) => ({
      segment,
      numbers: segment.packs.map((pack) => (isKept(pack) ? packs.push(pack) - 1 : -1)),
    }));
    const unsorted = Buffer.allocUnsafeSlow(segments.reduce((sum, { count }) => sum + count, 0) * RECORD);
    let at = 0;
    for (const { segment, numbers } of sources) at = segment.#copyRecords(unsorted, at, numbers);
    return BlobSegment.#of(packs, unsorted.subarray(0, at));
  }

  static #of(packs: readonly SegmentPack[], unsorted: Buffer): BlobSegment {
    const total = unsorted.length / RECORD;
    const bytes = Buffer.allocUnsafeSlow(HEADER + packs.length * PACK_RECORD + total * RECORD + CHECKSUM);
    MAGIC.copy(bytes);
    bytes.writeUInt32LE(packs.length, 8);
    let at = bytes.writeUInt32LE(total, 12);
    for (const { name, size } of packs) {
      at += bytes.write(name, at, 'hex');
      at = bytes.writeDoubleLE(size, at);
    }
    for (const index of sortedRecords(unsorted, total)) {
      at += unsorted.copy(bytes, at, index * RECORD, (index + 1) * RECORD);
    }
    createHash('sha256').update(bytes.subarray(0, at)).digest().copy(bytes, at);
    return new BlobSegment(bytes);
  }

  /**
   * Calls `found` for each entry of this id: the number of its pack in `packs`, and the entry, which has the very string `id`.
   * @param key the bytes of `id`
   */
  find(id: string, key: Buffer, found: (pack: number, entry: PackEntry) => void): void {
    const bytes = this.#bytes;
    const prefix = key.readUInt32BE(0);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#records + middle * RECORD;
      // Four bytes nearly always tell, and a call of `compare` costs as much as all the rest.
      const order = bytes.readUInt32BE(at) - prefix || bytes.compare(key, 0, 32, at, at + 32);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    for (; low < this.count; low += 1) {
      const at = this.#records + low * RECORD;
      if (bytes.compare(key, 0, 32, at, at + 32) !== 0) return;
      found(bytes.readUInt32LE(at + 32), this.#entry(at, id));
    }
  }

  /** What a pack holds, in order of the ids. @param number of the pack in `packs` */
  entriesOf(number: number): PackEntry[] {
    const entries: PackEntry[] = [];
    for (let index = 0; index < this.count; index += 1) {
      const at = this.#records + index * RECORD;
      if (this.#bytes.readUInt32LE(at + 32) === number)
        entries.push(this.#entry(at, this.#bytes.toString('hex', at, at + 32)));
    }
    return entries;
  }

  #entry(at: number, id: string): PackEntry {
    const stored = this.#bytes.readUInt32LE(at + 40);
    return {
      id,
      offset: this.#bytes.readUInt32LE(at + 36),
      storedLength: stored & ~BROTLI_FLAG,
      length: this.#bytes.readUInt32LE(at + 44),
      encoding: (stored & BROTLI_FLAG) === 0 ? Encoding.raw : Encoding.brotli,
    };
  }

  /** @param numbers what each pack is called there; -1 leaves its records out */
  #copyRecords(into: Buffer, at: number, numbers: readonly number[]): number {
    for (let index = 0; index < this.count; index += 1) {
      const start = this.#records + index * RECORD;
      const number = numbers[this.#bytes.readUInt32LE(start + 32)] ?? -1;
      if (number === -1) continue;
      this.#bytes.copy(into, at, start, start + RECORD);
      into.writeUInt32LE(number, at + 32);
      at += RECORD;
    }
    return at;
  }
}

function writeRecord(buffer: Buffer, at: number, entry: PackEntry, pack: number): number {
  let next = at + buffer.write(entry.id, at, 'hex');
  next = buffer.writeUInt32LE(pack, next);
  next = buffer.writeUInt32LE(entry.offset, next);
  const flag = entry.encoding === Encoding.brotli ? BROTLI_FLAG : 0;
  next = buffer.writeUInt32LE((entry.storedLength | flag) >>> 0, next);
  return buffer.writeUInt32LE(entry.length, next);
}

function sortedRecords(records: Buffer, total: number): Uint32Array {
  return Uint32Array.from({ length: total }, (_, index) => index).sort((first, second) => {
    const byStart = records.readUInt32BE(first * RECORD) - records.readUInt32BE(second * RECORD);
    if (byStart !== 0) return byStart;
    return records.compare(
      records,
      second * RECORD,
      second * RECORD + 32,
      first * RECORD,
      first * RECORD + 32,
    );
  });
}
