import { deflateRawSync } from 'node:zlib';
import { crc32 } from '../../src/core/inspection/crc32.ts';

/** A protobuf field: numbers as varints, texts and bytes length-delimited. */
export function field(number: number, value: number | bigint | string | Buffer): Buffer {
  if (typeof value === 'number' || typeof value === 'bigint')
    return Buffer.concat([varint(number * 8), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

export function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

export interface ZipOptions {
  deflate?: boolean;
  /** Replaces the name in the local header only. */
  localName?: string;
  /** Replaces the flags in the local header only. */
  localFlags?: number;
  badChecksum?: boolean;
}

/** A zip archive with these entries. */
export function zip(files: Readonly<Record<string, string | Buffer>>, options: ZipOptions = {}): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    const packed = options.deflate === true ? deflateRawSync(bytes) : bytes;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(options.deflate === true ? 8 : 0, 4);
    common.writeUInt32LE((crc32(bytes) ^ (options.badChecksum === true ? 1 : 0)) >>> 0, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    const localName = Buffer.from(options.localName ?? name);
    const local = Buffer.from(common);
    local.writeUInt16LE(options.localFlags ?? 0, 2);
    local.writeUInt16LE(localName.length, 22);
    locals.push(Buffer.from('PK\x03\x04'), local, localName, packed);
    const centralName = Buffer.from(name);
    common.writeUInt16LE(centralName.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.from('PK\x01\x02\x14\x00'), common, tail, centralName);
    offset += 30 + localName.length + packed.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** A safetensors file with this header text and data. */
export function safetensors(header: unknown, data: Buffer = Buffer.alloc(0)): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** A GGUF string. */
export function ggufText(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}

export interface GgufParts {
  version?: number;
  tensorCount?: number;
  /** Encoded metadata entries: key, type and value. */
  values?: Buffer[];
  /** Encoded tensor entries. */
  tensors?: Buffer[];
  data?: Buffer;
}

export function gguf({
  version = 3,
  values = [],
  tensors = [],
  data = Buffer.alloc(0),
  tensorCount,
}: GgufParts): Buffer {
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    u64(tensorCount ?? tensors.length),
    u64(values.length),
    ...values,
    ...tensors,
  ]);
  return Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32), data]);
}

/** A `.npy` file of version 1.0. */
export function npy(header: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), data]);
}

/** Universal Binary JSON with 64-bit lengths, as XGBoost writes it. */
export function ubj(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.concat([Buffer.from('S'), ubjKey(value)]);
  if (typeof value === 'number') return Buffer.concat([Buffer.from('l'), bigEndian(value, 4)]);
  if (Array.isArray(value)) {
    const count = Buffer.concat([Buffer.from('[#L'), bigEndian(value.length, 8)]);
    return Buffer.concat([count, ...value.map((item: unknown) => ubj(item))]);
  }
  const members = Object.entries(value as object).flatMap(([key, member]) => [ubjKey(key), ubj(member)]);
  return Buffer.concat([Buffer.from('{'), ...members, Buffer.from('}')]);
}

function ubjKey(text: string): Buffer {
  return Buffer.concat([Buffer.from('L'), bigEndian(Buffer.byteLength(text), 8), Buffer.from(text)]);
}

function bigEndian(value: number, width: 4 | 8): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeUInt32BE(value, width - 4);
  return bytes;
}
