import { LimitError, MalformedError } from './inspection.ts';
import type { RandomAccess } from './random-access.ts';

/** One field of a protobuf message: a varint or fixed value, or where its bytes are. */
export interface Field {
  number: number;
  wire: 0 | 1 | 2 | 5;
  /** Varint value; 0 for the other wire types. */
  value: bigint;
  /** Absolute offset of the bytes (wire types 1, 2, 5). */
  offset: number;
  length: number;
}

/** A part of the content, absolute offsets. */
export interface Span {
  offset: number;
  length: number;
}

/** Reads protobuf messages in place and counts fields, so that hostile nesting or padding ends at a limit. */
export class ProtobufReader {
  readonly #source: RandomAccess;
  #fieldsLeft: number;

  /** @param source ideally buffered: fields are read a few bytes at a time */
  constructor(source: RandomAccess, maxFields = 1_000_000) {
    this.#source = source;
    this.#fieldsLeft = maxFields;
  }

  /**
   * The fields of the message in `span`, in file order, without copying their bytes.
   *
   * @throws MalformedError for a wire type or length that can't be; LimitError after the field budget
   */
  async *fields(span: Span): AsyncGenerator<Field> {
    const end = span.offset + span.length;
    let at = span.offset;
    while (at < end) {
      if (this.#fieldsLeft <= 0) throw new LimitError('too many protobuf fields');
      this.#fieldsLeft -= 1;
      const window = await this.#source.read(at, Math.min(20, end - at));
      const tag = varint(window, 0, at);
      const number = Number(tag.value >> 3n);
      const wire = Number(tag.value & 7n);
      if (number < 1 || number > 536_870_911)
        throw new MalformedError(`protobuf field number ${number} at byte ${at}`);
      const field = locate({ window, wire, number, tagBytes: tag.bytes, at });
      if (field.next > end) {
        // The part that is there is judged before the damage is reported.
        if (wire === 2 && field.offset <= end) yield { ...field, length: end - field.offset };
        throw new MalformedError(`protobuf field ${number} at byte ${at} ends early`);
      }
      at = field.next;
      yield field;
    }
  }

  /**
   * The bytes of a field as text, at most `max` bytes of it.
   *
   * @throws MalformedError when the field is not length-delimited
   */
  async text(field: Field, max = 4096): Promise<string> {
    if (field.wire !== 2) throw new MalformedError(`protobuf field ${field.number} is no text`);
    return (await this.#source.read(field.offset, Math.min(field.length, max))).toString('utf8');
  }

  /** The varints of a repeated numeric field, packed or not; at most `max`. */
  async numbers(field: Field, max: number): Promise<bigint[]> {
    if (field.wire === 0) return [field.value];
    if (field.wire !== 2) throw new MalformedError(`protobuf field ${field.number} holds no integers`);
    const bytes = await this.#source.read(field.offset, Math.min(field.length, max * 10));
    const values: bigint[] = [];
    for (let at = 0; at < bytes.length && values.length < max;) {
      const { value, bytes: used } = varint(bytes, at, field.offset);
      values.push(value);
      at += used;
    }
    return values;
  }
}

/** The content of a length-delimited field as a span for {@link ProtobufReader.fields}. */
export function spanOf(field: Field): Span {
  if (field.wire !== 2) throw new MalformedError(`protobuf field ${field.number} is no message`);
  return { offset: field.offset, length: field.length };
}

/** Two's complement reading of a 64-bit varint. */
export function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function varint(bytes: Buffer, start: number, base: number): { value: bigint; bytes: number } {
  let value = 0n;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), bytes: index + 1 };
  }
  throw new MalformedError(`protobuf number near byte ${base + start} does not end`);
}

interface Located {
  window: Buffer;
  wire: number;
  number: number;
  tagBytes: number;
  at: number;
}

function locate({ window, wire, number, tagBytes, at }: Located): Field & { next: number } {
  const offset = at + tagBytes;
  switch (wire) {
    case 0: {
      const { value, bytes } = varint(window, tagBytes, at);
      return { number, wire, value, offset, length: bytes, next: offset + bytes };
    }
    case 1:
      return { number, wire, value: 0n, offset, length: 8, next: offset + 8 };
    case 5:
      return { number, wire, value: 0n, offset, length: 4, next: offset + 4 };
    case 2: {
      const { value, bytes } = varint(window, tagBytes, at);
      const length = Number(value);
      if (!Number.isSafeInteger(length))
        throw new MalformedError(`protobuf field ${number} at byte ${at} has ${value} bytes`);
      return { number, wire, value: 0n, offset: offset + bytes, length, next: offset + bytes + length };
    }
    default:
      throw new MalformedError(`protobuf wire type ${wire} at byte ${at}`);
  }
}
