import { IntegrityError } from '../errors.ts';
import { MAX_CHUNK } from './chunker.ts';
import { sharedBytes, type SharedBytes } from './hash-thread.ts';

/** How a blob's bytes are kept in a pack. */
export const Encoding = { raw: 0, brotli: 1 } as const;
export type Encoding = (typeof Encoding)[keyof typeof Encoding];

/** One line of a pack's table of contents. Numbers are bytes; `offset` counts from the start of the pack. */
export interface PackEntry {
  /** 64 hex digits. */
  id: string;
  offset: number;
  storedLength: number;
  length: number;
  encoding: Encoding;
}

const MAGIC = Buffer.from('MLOPSPK\u0001', 'latin1');
const TRAILER_MAGIC = Buffer.from('MLOPSPKT', 'latin1');
export const HEADER_LENGTH = MAGIC.length;
export const TRAILER_LENGTH = 16;
export const ENTRY_LENGTH = 49;

export const MAX_PACK = 64 * 1024 * 1024;
/** A pack is closed when it reaches this, so it ends between 16 and about 20 MiB. */
export const PACK_TARGET = 16 * 1024 * 1024;
const FIRST_CAPACITY = 256 * 1024;
const SECOND_CAPACITY = 2 * 1024 * 1024;

/** Collects blobs and lays them out as a pack. Holds at most `PACK_TARGET` and one blob when used as intended. */
export class PackBuilder {
  readonly entries: PackEntry[] = [];
  #buffer: SharedBytes;
  #end = HEADER_LENGTH;

  /** @param buffer memory of an earlier builder to use again, see {@link PackBuilder.memory} */
  constructor(buffer: SharedBytes = sharedBytes(FIRST_CAPACITY)) {
    this.#buffer = buffer;
    MAGIC.copy(buffer);
  }

  /** The memory that {@link finish} gave a view of, for the next builder once that view is done with. */
  get memory(): SharedBytes {
    return this.#buffer;
  }

  /** Bytes that the finished pack would have now. */
  get size(): number {
    return this.#end + this.entries.length * ENTRY_LENGTH + TRAILER_LENGTH;
  }

  get isFull(): boolean {
    return this.size >= PACK_TARGET;
  }

  /** Copies `stored`, which the caller may reuse at once. */
  add(blob: Omit<PackEntry, 'offset'>, stored: Uint8Array): void {
    this.#reserve(this.size + stored.length + ENTRY_LENGTH);
    this.#buffer.set(stored, this.#end);
    this.entries.push({ ...blob, offset: this.#end });
    this.#end += stored.length;
  }

  /** The pack's bytes. The builder must not be used afterwards. */
  finish(): SharedBytes {
    const size = this.size;
    this.#reserve(size);
    const buffer = this.#buffer;
    let at = this.#end;
    for (const entry of this.entries) {
      at += buffer.write(entry.id, at, 'hex');
      at = buffer.writeBigUInt64LE(BigInt(entry.offset), at);
      at = buffer.writeUInt32LE(entry.storedLength, at);
      at = buffer.writeUInt32LE(entry.length, at);
      at = buffer.writeUInt8(entry.encoding, at);
    }
    at = buffer.writeUInt32LE(this.entries.length, at);
    at = buffer.writeUInt32LE(this.entries.length * ENTRY_LENGTH, at);
    TRAILER_MAGIC.copy(buffer, at);
    return buffer.subarray(0, size);
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return;
    // Two steps at most, so that a full pack is not copied again and again.
    const capacity = size <= SECOND_CAPACITY ? SECOND_CAPACITY : PACK_TARGET + MAX_CHUNK;
    const larger = sharedBytes(Math.max(size, capacity));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

function damaged(source: string, problem: string): IntegrityError {
  return new IntegrityError('OBJECT_DAMAGED', `${source}: ${problem}`, {
    hint: 'run `mlops verify --deep` to see what else is damaged',
  });
}

/**
 * Where the table of a pack lies, from its last 16 bytes.
 * @throws IntegrityError `OBJECT_DAMAGED`
 */
export function locateTable(
  trailer: Uint8Array,
  packSize: number,
  source: string,
): { offset: number; length: number } {
  if (packSize > MAX_PACK) throw damaged(source, `a pack of ${packSize} bytes is larger than ${MAX_PACK}`);
  if (trailer.length !== TRAILER_LENGTH || packSize < HEADER_LENGTH + TRAILER_LENGTH) {
    throw damaged(source, `${packSize} bytes are too few for a pack`);
  }
  const view = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (!view.subarray(8).equals(TRAILER_MAGIC)) throw damaged(source, 'the pack does not end in its trailer');
  const count = view.readUInt32LE(0);
  const length = view.readUInt32LE(4);
  const offset = packSize - TRAILER_LENGTH - length;
  if (length !== count * ENTRY_LENGTH || offset < HEADER_LENGTH) {
    throw damaged(source, `the pack's trailer claims ${count} blobs in ${length} bytes`);
  }
  return { offset, length };
}

/**
 * Reads a table of contents that lies at `tableOffset`. Entries have to be in order, inside the blob area and apart from
 * each other.
 * @throws IntegrityError `OBJECT_DAMAGED`
 */
export function decodeTable(table: Uint8Array, tableOffset: number, source: string): PackEntry[] {
  const view = Buffer.from(table.buffer, table.byteOffset, table.byteLength);
  const entries: PackEntry[] = [];
  let free = HEADER_LENGTH;
  for (let at = 0; at < view.length; at += ENTRY_LENGTH) {
    const offset = Number(view.readBigUInt64LE(at + 32));
    const storedLength = view.readUInt32LE(at + 40);
    const length = view.readUInt32LE(at + 44);
    const encoding = view.readUInt8(at + 48);
    const fits = encoding === Encoding.raw ? storedLength === length : storedLength < length;
    if (encoding !== Encoding.raw && encoding !== Encoding.brotli) {
      throw damaged(source, `blob ${entries.length} has the unknown encoding ${encoding}`);
    }
    if (length === 0 || length > MAX_CHUNK || storedLength === 0 || !fits) {
      throw damaged(source, `blob ${entries.length} claims ${length} bytes stored as ${storedLength}`);
    }
    if (offset < free || offset + storedLength > tableOffset) {
      throw damaged(source, `blob ${entries.length} lies outside the pack or over another blob`);
    }
    free = offset + storedLength;
    entries.push({ id: view.toString('hex', at, at + 32), offset, storedLength, length, encoding });
  }
  return entries;
}

/** Reads the table of a whole pack; the blobs themselves are not hashed. @throws IntegrityError `OBJECT_DAMAGED` */
export function decodePack(bytes: Uint8Array, source: string): PackEntry[] {
  const trailer = bytes.subarray(Math.max(0, bytes.length - TRAILER_LENGTH));
  const { offset, length } = locateTable(trailer, bytes.length, source);
  if (!MAGIC.equals(bytes.subarray(0, HEADER_LENGTH))) throw damaged(source, 'the pack has no header');
  return decodeTable(bytes.subarray(offset, offset + length), offset, source);
}
