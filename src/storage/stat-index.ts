import { createHash } from 'node:crypto';
import type { SegmentPack } from './blob-segment.ts';

/** What a file looked like; times are in milliseconds with a resolution of about 0.25 µs. */
export interface FileStamp {
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
}

/** The stamps of many files in columns. */
export interface Stamps {
  paths: readonly string[];
  /** Size, mtime, ctime and inode of each file. */
  numbers: Float64Array<ArrayBuffer>;
  /** 1 where the owner may execute the file. */
  executable: Uint8Array<ArrayBuffer>;
}

export function stampAt({ numbers, executable }: Stamps, index: number): FileStamp & { executable: boolean } {
  const [size = 0, mtimeMs = 0, ctimeMs = 0, ino = 0] = numbers.subarray(index * 4, index * 4 + 4);
  return { size, mtimeMs, ctimeMs, ino, executable: executable[index] === 1 };
}

/** What was stored from a source, and how the source looked then. */
export interface StatIndex {
  /** 64 hex digits: the manifest. */
  manifest: string;
  kind: 'file' | 'directory';
  /** Distinct blobs. */
  blobs: number;
  /** Bytes of the files. */
  size: number;
  /** Packs which together hold all blobs. */
  packs: readonly SegmentPack[];
  /** {@link stampsOf} the tree: equal bytes mean that no name, size, time, inode or executable bit changed. */
  stamps: Buffer;
  /** One byte a file, in the order of `stamps`: 1 when it was so young that a later change may not show. */
  racy: Uint8Array;
}

const MAGIC = Buffer.from('MLOPSSI\u0001', 'latin1');
const HEADER = 80;
const PACK_RECORD = 40;
const STAMP = 33;
const CHECKSUM = 32;
/** Coarsest clock of a file system in use (FAT), and then some for clocks that do not agree. */
const RACY_MS = 2000;

/** The part of a tree that is compared: count, the numbers, the executable bits, then the paths. In this machine's byte order. */
export function stampsOf({ paths, numbers, executable }: Stamps): Buffer<ArrayBuffer> {
  const count = Buffer.alloc(8);
  count.writeDoubleLE(paths.length, 0);
  const values = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return Buffer.concat([count, values, executable, Buffer.from(paths.join('\0'))]);
}

/**
 * Marks files whose mtime or ctime is less than two seconds before `clock`: a change right after they were read could leave
 * both times as they are.
 *
 * @param clock the file system's own idea of now, in milliseconds, taken before the files were read
 */
export function racyFlags({ paths, numbers }: Stamps, clock: number): Uint8Array {
  const limit = clock - RACY_MS;
  return Uint8Array.from(paths, (_, index) => {
    const young = (numbers[index * 4 + 1] ?? clock) >= limit || (numbers[index * 4 + 2] ?? clock) >= limit;
    return young ? 1 : 0;
  });
}

/** The files of an index by path, without the racy ones. */
export function trustedFiles({ stamps, racy }: StatIndex): Map<string, FileStamp & { executable: boolean }> {
  const count = racy.length;
  // Copied, because a view of doubles has to start at a multiple of eight.
  const numbers = new Float64Array(new Uint8Array(stamps.subarray(8, 8 + count * 32)).buffer);
  const executable = new Uint8Array(stamps.subarray(8 + count * 32, 8 + count * STAMP));
  const paths = stamps.toString('utf8', 8 + count * STAMP).split('\0');
  const files = new Map<string, FileStamp & { executable: boolean }>();
  for (const [index, path] of paths.entries()) {
    if (racy[index] === 0) files.set(path, stampAt({ paths, numbers, executable }, index));
  }
  return files;
}

export function encodeStatIndex(index: StatIndex): Buffer {
  const header = Buffer.alloc(HEADER);
  MAGIC.copy(header);
  header.write(index.manifest, 8, 'hex');
  header.writeUInt32LE(index.kind === 'file' ? 1 : 0, 40);
  header.writeUInt32LE(index.packs.length, 44);
  header.writeDoubleLE(index.blobs, 48);
  header.writeDoubleLE(index.size, 56);
  header.writeDoubleLE(index.stamps.length, 64);
  header.writeDoubleLE(index.racy.length, 72);
  const packs = Buffer.alloc(index.packs.length * PACK_RECORD);
  for (const [number, { name, size }] of index.packs.entries()) {
    packs.write(name, number * PACK_RECORD, 'hex');
    packs.writeDoubleLE(size, number * PACK_RECORD + 32);
  }
  const parts = [header, packs, index.stamps, index.racy];
  const checksum = createHash('sha256');
  for (const part of parts) checksum.update(part);
  return Buffer.concat([...parts, checksum.digest()]);
}

/** Undefined for anything that is no intact index. */
export function decodeStatIndex(bytes: Buffer): StatIndex | undefined {
  if (bytes.length < HEADER + CHECKSUM || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  const packCount = bytes.readUInt32LE(44);
  const stampsLength = bytes.readDoubleLE(64);
  const count = bytes.readDoubleLE(72);
  const packsEnd = HEADER + packCount * PACK_RECORD;
  if (bytes.length !== packsEnd + stampsLength + count + CHECKSUM) return undefined;
  const body = bytes.subarray(0, bytes.length - CHECKSUM);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(body.length))) return undefined;
  const stamps = bytes.subarray(packsEnd, packsEnd + stampsLength);
  if (stamps.length < 8 + count * STAMP || stamps.readDoubleLE(0) !== count) return undefined;
  return {
    manifest: bytes.toString('hex', 8, 40),
    kind: bytes.readUInt32LE(40) === 1 ? 'file' : 'directory',
    blobs: bytes.readDoubleLE(48),
    size: bytes.readDoubleLE(56),
    packs: Array.from({ length: packCount }, (_, index) => {
      const at = HEADER + index * PACK_RECORD;
      return { name: bytes.toString('hex', at, at + 32), size: bytes.readDoubleLE(at + 32) };
    }),
    stamps,
    racy: bytes.subarray(packsEnd + stampsLength, packsEnd + stampsLength + count),
  };
}
