import { crc32c } from '../../../lib/crc32c.ts';

/** One scalar of an event file. */
export interface ScalarEvent {
  tag: string;
  value: number;
  step: number;
  /** Seconds since 1970. */
  wallTime: number;
}

const LENGTH_BYTES = 8;
const CRC_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + CRC_BYTES;
/** Images are large, and no record of scalars is. */
export const MAX_RECORD = 256 * 1024 * 1024;
const MASK_DELTA = 0xa282ead8;
/** `DataType` of tensorflow's types.proto. */
const Type = { float: 1, double: 2, int32: 3, int64: 9, half: 19, bfloat16: 14 } as const;

/** TFRecord's: rotated right by 15 bits, plus a constant, as a checksum of checksums would be weak. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** What stands at the start of `bytes`. */
export type ReadRecord =
  | { kind: 'record'; data: Uint8Array; length: number }
  /** More bytes are needed: so many in all. */
  | { kind: 'short'; needed: number }
  | { kind: 'damaged'; problem: string };

/** One TFRecord: length, its checksum, data, their checksum; all little-endian. */
export function readRecord(bytes: Buffer): ReadRecord {
  if (bytes.length < HEADER_BYTES) return { kind: 'short', needed: HEADER_BYTES };
  if (bytes.readUInt32LE(LENGTH_BYTES) !== maskedCrc(bytes.subarray(0, LENGTH_BYTES)))
    return { kind: 'damaged', problem: 'the checksum of a length does not fit' };
  const length = Number(bytes.readBigUInt64LE(0));
  if (length > MAX_RECORD) return { kind: 'damaged', problem: `a record of ${length} bytes` };
  const needed = HEADER_BYTES + length + CRC_BYTES;
  if (bytes.length < needed) return { kind: 'short', needed };
  const data = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
  if (bytes.readUInt32LE(HEADER_BYTES + length) !== maskedCrc(data))
    return { kind: 'damaged', problem: 'the checksum of a record does not fit' };
  return { kind: 'record', data, length: needed };
}

/**
 * The scalars of one `Event` (tensorflow's event.proto, summary.proto and tensor.proto): `simple_value`, as PyTorch and TensorFlow 1
 * write them, and tensors of one number of the plug-in `scalars`, as TensorFlow 2 does.
 *
 * @throws RangeError for what is no such message
 */
export function readScalars(data: Uint8Array): ScalarEvent[] {
  const found: ScalarEvent[] = [];
  let wallTime = 0;
  let step = 0;
  const values: Uint8Array[] = [];
  for (const { number, wire, bytes, value } of fields(data)) {
    if (number === 1 && wire === 1) wallTime = view(bytes).getFloat64(0, true);
    else if (number === 2 && wire === 0) step = Number(BigInt.asIntN(64, value));
    else if (number === 5 && wire === 2)
      for (const member of fields(bytes))
        if (member.number === 1 && member.wire === 2) values.push(member.bytes);
  }
  for (const bytes of values) {
    const scalar = readValue(bytes);
    if (scalar !== undefined) found.push({ ...scalar, step, wallTime });
  }
  return found;
}

function readValue(data: Uint8Array): { tag: string; value: number } | undefined {
  let tag = '';
  let value: number | undefined;
  let tensor: Uint8Array | undefined;
  let plugin = '';
  for (const { number, wire, bytes } of fields(data)) {
    if (number === 1 && wire === 2) tag = Buffer.from(bytes).toString('utf8');
    else if (number === 2 && wire === 5) value = view(bytes).getFloat32(0, true);
    else if (number === 8 && wire === 2) tensor = bytes;
    else if (number === 9 && wire === 2) plugin = pluginOf(bytes);
  }
  if (tensor !== undefined && plugin === 'scalars') value ??= tensorValue(tensor);
  return tag === '' || value === undefined ? undefined : { tag, value };
}

/** `SummaryMetadata.plugin_data.plugin_name`. */
function pluginOf(data: Uint8Array): string {
  for (const { number, wire, bytes } of fields(data)) {
    if (number !== 1 || wire !== 2) continue;
    for (const member of fields(bytes))
      if (member.number === 1 && member.wire === 2) return Buffer.from(member.bytes).toString('utf8');
  }
  return '';
}

/** The only number of a tensor without dimensions; undefined for another one. */
function tensorValue(data: Uint8Array): number | undefined {
  let type = 0;
  let content: Uint8Array | undefined;
  const listed = new Map<number, { wire: number; bytes: Uint8Array; value: bigint }>();
  for (const { number, wire, bytes, value } of fields(data)) {
    if (number === 1 && wire === 0) type = Number(value);
    else if (number === 4 && wire === 2) content = bytes;
    else listed.set(number, { wire, bytes, value });
  }
  if (content !== undefined && content.length > 0) return contentValue(type, content);
  // `float_val`, `double_val`: packed or not, the bytes are the same.
  const [floats, doubles] = [listed.get(5)?.bytes, listed.get(6)?.bytes];
  if (type === Type.float && floats?.length === 4) return view(floats).getFloat32(0, true);
  if (type === Type.double && doubles?.length === 8) return view(doubles).getFloat64(0, true);
  const whole = type === Type.int32 ? listed.get(7) : type === Type.int64 ? listed.get(10) : undefined;
  if (whole === undefined) return undefined;
  return Number(BigInt.asIntN(64, whole.wire === 0 ? whole.value : varint(whole.bytes, 0).value));
}

function contentValue(type: number, bytes: Uint8Array): number | undefined {
  const data = view(bytes);
  if (type === Type.float && bytes.length === 4) return data.getFloat32(0, true);
  if (type === Type.double && bytes.length === 8) return data.getFloat64(0, true);
  if (type === Type.int32 && bytes.length === 4) return data.getInt32(0, true);
  if (type === Type.int64 && bytes.length === 8) return Number(data.getBigInt64(0, true));
  if (type === Type.half && bytes.length === 2) return halfValue(data.getUint16(0, true));
  if (type !== Type.bfloat16 || bytes.length !== 2) return undefined;
  // The upper half of a float.
  const wide = new DataView(new ArrayBuffer(4));
  wide.setUint16(0, data.getUint16(0, true), false);
  return wide.getFloat32(0, false);
}

/** IEEE 754 binary16. */
function halfValue(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

interface Field {
  number: number;
  wire: number;
  bytes: Uint8Array;
  value: bigint;
}

const NONE = new Uint8Array();

/** The fields of a protobuf message in memory. @throws RangeError */
function* fields(data: Uint8Array): Generator<Field> {
  let at = 0;
  while (at < data.length) {
    const tag = varint(data, at);
    at = tag.next;
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    if (wire === 0) {
      const { value, next } = varint(data, at);
      yield { number, wire, bytes: NONE, value };
      at = next;
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : undefined;
    const prefix = wire === 2 ? varint(data, at) : undefined;
    if (length === undefined && prefix === undefined) throw new RangeError(`wire type ${wire}`);
    const start = prefix?.next ?? at;
    const end = start + (length ?? Number(prefix?.value));
    if (end > data.length) throw new RangeError('a field ends behind its message');
    yield { number, wire, bytes: data.subarray(start, end), value: 0n };
    at = end;
  }
}

function varint(data: Uint8Array, start: number): { value: bigint; next: number } {
  let value = 0n;
  for (let at = start, shift = 0n; shift < 70n; at += 1, shift += 7n) {
    const byte = data[at];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next: at + 1 };
  }
  throw new RangeError('a number without an end');
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
