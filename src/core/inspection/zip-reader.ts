import { createInflateRaw, inflateRawSync } from 'node:zlib';
import { crc32 } from './crc32.ts';
import { streamOf, type ByteStream } from './byte-stream.ts';
import { LimitError, MalformedError } from './inspection.ts';
import { inflated } from './inflated.ts';
import { printable } from './printable.ts';
import { slice, type RandomAccess } from './random-access.ts';

export interface ZipEntry {
  name: string;
  method: number;
  flags: number;
  crc: number;
  compressedSize: number;
  size: number;
  headerOffset: number;
}

export interface ZipArchive {
  source: RandomAccess;
  entries: ZipEntry[];
  /** Disagreements and oddities that loaders treat differently. */
  anomalies: string[];
}

const MAX_ENTRIES = 20_000;
const MAX_DIRECTORY = 16 * 1024 * 1024;
const END_RECORD = 0x06054b50;
const END_RECORD_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

/**
 * Reads the central directory of a zip archive. Nothing is extracted.
 *
 * @throws MalformedError when there is no usable directory
 */
export async function readZip(source: RandomAccess): Promise<ZipArchive> {
  const anomalies: string[] = [];
  const end = await findEnd(source, anomalies);
  if (end.count > MAX_ENTRIES) throw new LimitError(`${end.count} zip entries, the limit is ${MAX_ENTRIES}`);
  if (end.size > MAX_DIRECTORY) throw new LimitError(`a zip directory of ${end.size} bytes`);
  const directory = await source.read(end.offset, end.size);
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  for (let at = 0; at < directory.length;) {
    if (entries.length >= MAX_ENTRIES) throw new LimitError(`more than ${MAX_ENTRIES} zip entries`);
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== CENTRAL)
      throw new MalformedError('the zip directory ends early');
    const { entry, next } = readEntry(directory, at);
    if (names.has(entry.name)) anomalies.push(`two zip entries are called ${printable(entry.name)}`);
    if (/^[/\\]|(?:^|[/\\])\.\.(?:[/\\]|$)|\0/.test(entry.name))
      anomalies.push(`zip entry name ${printable(entry.name)} leaves the archive`);
    names.add(entry.name);
    entries.push(entry);
    at = next;
  }
  if (entries.length !== end.count) {
    anomalies.push(`the zip directory has ${entries.length} entries, its end record says ${end.count}`);
  }
  return { source, entries, anomalies };
}

interface EndRecord {
  count: number;
  offset: number;
  size: number;
}

async function findEnd(source: RandomAccess, anomalies: string[]): Promise<EndRecord> {
  const length = Math.min(source.size, 65_557);
  const base = source.size - length;
  const tail = await source.read(base, length);
  for (let at = length - 22; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== END_RECORD) continue;
    if (at + 22 + tail.readUInt16LE(at + 20) !== length)
      anomalies.push('bytes follow the end of the zip archive');
    const record = {
      count: tail.readUInt16LE(at + 10),
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    const locator =
      at >= 20 && tail.readUInt32LE(at - 20) === LOCATOR_64
        ? Number(tail.readBigUInt64LE(at - 12))
        : undefined;
    if (locator === undefined) {
      if (record.offset + record.size !== base + at)
        anomalies.push('the zip directory is not where its end record says');
      return record;
    }
    const wide = await source.read(locator, 56);
    if (wide.readUInt32LE(0) !== END_RECORD_64) throw new MalformedError('the zip64 end record is missing');
    return {
      count: Number(wide.readBigUInt64LE(32)),
      size: Number(wide.readBigUInt64LE(40)),
      offset: Number(wide.readBigUInt64LE(48)),
    };
  }
  throw new MalformedError('the zip directory is missing');
}

function readEntry(directory: Buffer, at: number): { entry: ZipEntry; next: number } {
  const nameEnd = at + 46 + directory.readUInt16LE(at + 28);
  const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
  const next = extraEnd + directory.readUInt16LE(at + 32);
  if (next > directory.length) throw new MalformedError('a zip directory entry ends early');
  const entry: ZipEntry = {
    name: directory.toString('utf8', at + 46, nameEnd),
    flags: directory.readUInt16LE(at + 8),
    method: directory.readUInt16LE(at + 10),
    crc: directory.readUInt32LE(at + 16),
    compressedSize: directory.readUInt32LE(at + 20),
    size: directory.readUInt32LE(at + 24),
    headerOffset: directory.readUInt32LE(at + 42),
  };
  widen(entry, directory.subarray(nameEnd, extraEnd));
  return { entry, next };
}

/** Takes 64-bit sizes from the zip64 extra field (id 1) where the 32-bit ones are saturated. */
function widen(entry: ZipEntry, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let cursor = at + 4;
    for (const key of ['size', 'compressedSize', 'headerOffset'] as const) {
      if (entry[key] !== 0xffffffff) continue;
      if (cursor + 8 > extra.length) throw new MalformedError('a zip64 field ends early');
      entry[key] = Number(extra.readBigUInt64LE(cursor));
      cursor += 8;
    }
  }
}

/**
 * The compressed bytes of an entry, with its local header checked against the directory.
 *
 * @throws MalformedError for an encrypted entry or a header that is not there
 */
async function locate(archive: ZipArchive, entry: ZipEntry): Promise<RandomAccess> {
  const header = await archive.source.read(entry.headerOffset, 30);
  const name = printable(entry.name);
  if (header.readUInt32LE(0) !== LOCAL) throw new MalformedError(`zip entry ${name} has no local header`);
  const nameLength = header.readUInt16LE(26);
  const localName = (await archive.source.read(entry.headerOffset + 30, nameLength)).toString('utf8');
  if (localName !== entry.name)
    archive.anomalies.push(`zip entry ${name} is called ${printable(localName)} in its local header`);
  if (header.readUInt16LE(6) !== entry.flags)
    archive.anomalies.push(`zip entry ${name} has other flags in its local header`);
  if (header.readUInt16LE(8) !== entry.method)
    archive.anomalies.push(`zip entry ${name} has another method in its local header`);
  if ((entry.flags & ENCRYPTED) !== 0) archive.anomalies.push(`zip entry ${name} is marked as encrypted`);
  if (entry.method !== STORED && entry.method !== DEFLATED)
    throw new MalformedError(`zip entry ${name} has method ${entry.method}`);
  return slice(
    archive.source,
    entry.headerOffset + 30 + nameLength + header.readUInt16LE(28),
    entry.compressedSize,
  );
}

/** A whole small entry, such as a JSON document; its checksum is checked. */
export async function readEntryBytes(
  archive: ZipArchive,
  entry: ZipEntry,
  maxBytes: number,
): Promise<Buffer> {
  const raw = await locate(archive, entry);
  if (entry.size > maxBytes || raw.size > maxBytes)
    throw new LimitError(`zip entry ${printable(entry.name)} has ${entry.size} bytes`);
  const packed = await raw.read(0, raw.size);
  const bytes = entry.method === STORED ? packed : inflateWhole(packed, maxBytes);
  if (crc32(bytes) !== entry.crc)
    archive.anomalies.push(`zip entry ${printable(entry.name)} fails its checksum`);
  return bytes;
}

/** The bytes of an entry as a stream, decompressed on the way. */
export async function streamEntry(archive: ZipArchive, entry: ZipEntry): Promise<ByteStream> {
  const raw = await locate(archive, entry);
  return entry.method === STORED ? streamOf(raw) : inflated(raw, createInflateRaw());
}

function inflateWhole(packed: Buffer, maxBytes: number): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw new MalformedError(
      `a zip entry can't be decompressed: ${cause instanceof Error ? cause.message : 'unknown'}`,
    );
  }
}
