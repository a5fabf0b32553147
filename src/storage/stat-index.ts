import { createHash } from 'node:crypto';
import type { SegmentPack } from './blob-segment.ts';

/** One file as it looked; times in milliseconds. */
export interface StampedFile {
  path: string;
  executable: boolean;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
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

/** The part of a tree that is compared: count, then size, mtime, ctime, inode and executable bit of each, then the paths. */
export function stampsOf(files: readonly StampedFile[]): Buffer<ArrayBuffer> {
  const paths = Buffer.from(files.map(({ path }) => path).join('\0'));
  const bytes = Buffer.allocUnsafeSlow(8 + files.length * STAMP + paths.length);
  bytes.writeDoubleLE(files.length, 0);
  let at = 8;
  for (const file of files) {
    at = bytes.writeDoubleLE(file.size, at);
    at = bytes.writeDoubleLE(file.mtimeMs, at);
    at = bytes.writeDoubleLE(file.ctimeMs, at);
    at = bytes.writeDoubleLE(file.ino, at);
    bytes[at] = file.executable ? 1 : 0;
    at += 1;
  }
  paths.copy(bytes, at);
  return bytes;
}

/**
 * Marks files whose mtime or ctime is less than two seconds before `clock`: a change right after they were read could leave
 * both times as they are.
 *
 * @param clock the file system's own idea of now, in milliseconds, taken before the files were read
 */
export function racyFlags(files: readonly StampedFile[], clock: number): Uint8Array {
  return Uint8Array.from(files, ({ mtimeMs, ctimeMs }) =>
    Math.max(mtimeMs, ctimeMs) >= clock - RACY_MS ? 1 : 0,
  );
}

/** The files of an index by path, without the racy ones. */
export function trustedFiles({ stamps, racy }: StatIndex): Map<string, StampedFile> {
  const count = racy.length;
  const paths = stamps.toString('utf8', 8 + count * STAMP).split('\0');
  const files = new Map<string, StampedFile>();
  for (const [index, path] of paths.entries()) {
    if (racy[index] !== 0) continue;
    const at = 8 + index * STAMP;
    files.set(path, {
      path,
      size: stamps.readDoubleLE(at),
      mtimeMs: stamps.readDoubleLE(at + 8),
      ctimeMs: stamps.readDoubleLE(at + 16),
      ino: stamps.readDoubleLE(at + 24),
      executable: stamps[at + 32] === 1,
    });
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
