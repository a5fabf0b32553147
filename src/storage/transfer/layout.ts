import { IntegrityError } from '../../errors.ts';
import type { BlobLocation } from '../blob-index.ts';
import { MAX_CHUNK } from '../chunker.ts';
import { isSha256Hex, sha256Hex } from '../digest.ts';
import { MAX_MANIFEST } from '../manifest.ts';
import { Encoding, HEADER_LENGTH, MAX_PACK, TRAILER_LENGTH } from '../pack.ts';

export interface LayoutPack {
  /** 64 hex digits. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** Where a blob lies on a remote. */
export interface RemoteLocation extends BlobLocation {
  /** Bytes of the pack. */
  packSize: number;
}

const MAGIC = Buffer.from('MLOPSLY\u0001', 'latin1');
const HEADER = MAGIC.length + 32 + 8;
const PACK_RECORD = 36;
const BLOB_RECORD = 17;
/** What a pack has at least besides its blobs: header, one line of its table, trailer. */
const PACK_OVERHEAD = HEADER_LENGTH + 49 + TRAILER_LENGTH;
/** Larger than any offset in a pack, so that (pack, offset) is one number. */
const PACK_STRIDE = 2 * MAX_PACK;

/**
 * Where the blobs of one manifest lie in packs (docs/format.md 6.4). Entries are read in place, so that an artifact of a million
 * blobs costs 17 MB and not a million objects.
 */
export class Layout {
  /** 64 hex digits. */
  readonly manifest: string;
  readonly packs: readonly LayoutPack[];
  /** Distinct blobs of the manifest. */
  readonly count: number;
  readonly bytes: Buffer<ArrayBuffer>;
  readonly #blobs: number;

  private constructor(bytes: Buffer<ArrayBuffer>) {
    this.bytes = bytes;
    this.manifest = bytes.toString('hex', MAGIC.length, MAGIC.length + 32);
    const packs = bytes.readUInt32LE(HEADER - 8);
    this.count = bytes.readUInt32LE(HEADER - 4);
    this.packs = Array.from({ length: packs }, (_, index) => {
      const at = HEADER + index * PACK_RECORD;
      return { name: bytes.toString('hex', at, at + 32), size: bytes.readUInt32LE(at + 32) };
    });
    this.#blobs = HEADER + packs * PACK_RECORD;
  }

  /** @param locations of the manifest's distinct blobs, in the order in which its files first need them */
  static build(manifest: string, locations: readonly RemoteLocation[]): Layout {
    const sizes = new Map(locations.map(({ pack, packSize }) => [pack, packSize]));
    const packs = [...sizes.keys()].toSorted();
    const numbers = new Map(packs.map((pack, number) => [pack, number]));
    const size = HEADER + packs.length * PACK_RECORD + locations.length * BLOB_RECORD;
    const bytes = Buffer.allocUnsafeSlow(size);
    let at = MAGIC.copy(bytes);
    at += bytes.write(manifest, at, 'hex');
    at = bytes.writeUInt32LE(packs.length, at);
    at = bytes.writeUInt32LE(locations.length, at);
    for (const pack of packs) {
      at += bytes.write(pack, at, 'hex');
      at = bytes.writeUInt32LE(sizes.get(pack) ?? 0, at);
    }
    for (const { pack, offset, storedLength, length, encoding } of locations) {
      at = bytes.writeUInt32LE(numbers.get(pack) ?? 0, at);
      at = bytes.writeUInt32LE(offset, at);
      at = bytes.writeUInt32LE(storedLength, at);
      at = bytes.writeUInt32LE(length, at);
      at = bytes.writeUInt8(encoding, at);
    }
    return new Layout(bytes);
  }

  /**
   * Reads a layout from anybody.
   * @param name the object's name, whose first part is the manifest's
   * @throws IntegrityError `OBJECT_DAMAGED`
   */
  static decode(bytes: Uint8Array, name: string): Layout {
    const fail = (problem: string): never => {
      throw new IntegrityError('OBJECT_DAMAGED', `layouts/${name.slice(0, 2)}/${name}: ${problem}`);
    };
    if (bytes.length < HEADER || bytes.length > MAX_MANIFEST) fail(`${bytes.length} bytes can't be a layout`);
    const view = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    if (!view.subarray(0, MAGIC.length).equals(MAGIC)) fail('it does not start as a layout');
    const packs = view.readUInt32LE(HEADER - 8);
    const blobs = view.readUInt32LE(HEADER - 4);
    if (bytes.length !== HEADER + packs * PACK_RECORD + blobs * BLOB_RECORD) {
      fail(`${bytes.length} bytes can't hold ${packs} packs and ${blobs} blobs`);
    }
    const layout = new Layout(view);
    if (!isSha256Hex(layout.manifest) || !name.startsWith(`${layout.manifest}-`))
      fail('it belongs to another manifest');
    const problem = layout.#packProblem() ?? layout.#blobProblem();
    if (problem !== undefined) fail(problem);
    return layout;
  }

  /** The name of the object. */
  get name(): string {
    return `${this.manifest}-${sha256Hex(this.bytes).slice(0, 16)}`;
  }

  /** Where the blob of this number lies. @param id of that blob, from the manifest */
  locate(index: number, id: string): RemoteLocation {
    const at = this.#blobs + index * BLOB_RECORD;
    const pack = this.packs[this.bytes.readUInt32LE(at)];
    return {
      id,
      pack: pack?.name ?? '',
      packSize: pack?.size ?? 0,
      offset: this.bytes.readUInt32LE(at + 4),
      storedLength: this.bytes.readUInt32LE(at + 8),
      length: this.bytes.readUInt32LE(at + 12),
      encoding: this.bytes.readUInt8(at + 16) as Encoding,
    };
  }

  #packProblem(): string | undefined {
    let previous = '';
    for (const { name, size } of this.packs) {
      if (name <= previous) return 'its packs are not sorted or not unique';
      previous = name;
      if (size <= PACK_OVERHEAD || size > MAX_PACK) return `a pack of ${size} bytes is impossible`;
    }
    return undefined;
  }

  #blobProblem(): string | undefined {
    const used = new Uint8Array(this.packs.length);
    const starts = new Float64Array(this.count);
    const ends = new Float64Array(this.count);
    for (let index = 0; index < this.count; index += 1) {
      const number = this.bytes.readUInt32LE(this.#blobs + index * BLOB_RECORD);
      if (number >= this.packs.length) return `blob ${index} is in pack ${number} of ${this.packs.length}`;
      used[number] = 1;
      const { offset, storedLength, length, encoding, packSize } = this.locate(index, '');
      if (encoding !== Encoding.raw && encoding !== Encoding.brotli)
        return `blob ${index} has the unknown encoding ${String(encoding)}`;
      const fits = encoding === Encoding.raw ? storedLength === length : storedLength < length;
      if (length === 0 || length > MAX_CHUNK || storedLength === 0 || !fits)
        return `blob ${index} claims ${length} bytes stored as ${storedLength}`;
      if (offset < HEADER_LENGTH || offset + storedLength > packSize - PACK_OVERHEAD + HEADER_LENGTH)
        return `blob ${index} lies outside its pack`;
      starts[index] = number * PACK_STRIDE + offset;
      ends[index] = number * PACK_STRIDE + offset + storedLength;
    }
    if (used.includes(0)) return 'it names a pack that holds none of the blobs';
    // Intervals are apart exactly when each of the sorted ends lies before the next of the sorted starts.
    starts.sort();
    ends.sort();
    for (let index = 1; index < this.count; index += 1) {
      if ((ends[index - 1] ?? 0) > (starts[index] ?? 0)) return 'two blobs lie over each other';
    }
    return undefined;
  }
}
