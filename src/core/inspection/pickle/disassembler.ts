import type { ByteStream } from '../byte-stream.ts';
import { LimitError, MalformedError } from '../inspection.ts';
import { OPCODES, type ArgumentKind, type OpcodeInfo } from './opcodes.ts';

/** One instruction of a pickle. Arguments that are long or opaque are skipped and undefined here. */
export interface Instruction {
  readonly opcode: OpcodeInfo;
  /** Offset of the opcode's byte in the stream. */
  readonly position: number;
  readonly text?: string;
  /** The second line of GLOBAL and INST. */
  readonly name?: string;
  readonly number?: number;
}

/** Longer strings are skipped: no module, class or version has such a name. */
const MAX_KEPT_TEXT = 4096;
const MAX_LINE = 16 * 1024 * 1024;
const LF = 10;

interface Decoded {
  text?: string;
  name?: string;
  number?: number;
  /** Bytes of the argument. */
  length: number;
}

/**
 * The next instruction of a pickle stream, as `pickletools.genops` would list it. Nothing is built or run.
 *
 * @throws MalformedError for a byte that is no opcode, a negative count, or an early end
 */
export async function nextInstruction(stream: ByteStream): Promise<Instruction> {
  if (stream.available < 1 && !(await stream.fill(1))) {
    throw new MalformedError(`the pickle ends at byte ${stream.position} without STOP`);
  }
  const position = stream.position;
  const code = stream.byte(0);
  const opcode = OPCODES.get(code);
  if (opcode === undefined) {
    throw new MalformedError(
      `byte 0x${code.toString(16).padStart(2, '0')} at ${position} is no pickle opcode`,
    );
  }
  if (opcode.argument === 'none') {
    stream.advance(1);
    return { opcode, position };
  }
  let decoded = decode(opcode.argument, stream.view);
  while (typeof decoded === 'number') {
    const before = stream.available;
    if (!(await stream.fill(decoded)) && stream.available === before) {
      throw new MalformedError(`the argument of ${opcode.name} at byte ${position} ends early`);
    }
    decoded = decode(opcode.argument, stream.view);
  }
  if (!(await stream.skip(1 + decoded.length))) {
    throw new MalformedError(`the argument of ${opcode.name} at byte ${position} ends early`);
  }
  const { length: _, ...argument } = decoded;
  return { opcode, position, ...argument };
}

/** Decodes an argument that starts at `view[1]`, or tells how many bytes `view` must have first. */
function decode(kind: ArgumentKind, view: Buffer): Decoded | number {
  switch (kind) {
    case 'none':
      return { length: 0 };
    case 'u1':
      return view.length < 2 ? 2 : { number: view.readUInt8(1), length: 1 };
    case 'u2':
      return view.length < 3 ? 3 : { number: view.readUInt16LE(1), length: 2 };
    case 'u4':
      return view.length < 5 ? 5 : { number: view.readUInt32LE(1), length: 4 };
    case 'i4':
      return view.length < 5 ? 5 : { number: view.readInt32LE(1), length: 4 };
    case 'u8':
      return view.length < 9 ? 9 : { number: Number(view.readBigUInt64LE(1)), length: 8 };
    case 'f8':
      return view.length < 9 ? 9 : { length: 8 };
    case 'line':
      return decodeLine(view);
    case 'line-pair':
      return decodeLinePair(view);
    default:
      return decodeCounted(kind, view);
  }
}

function decodeLine(view: Buffer): Decoded | number {
  const end = view.indexOf(LF, 1);
  if (end === -1) return moreOfLine(view);
  return { text: lineText(view, 1, end), length: end };
}

function decodeLinePair(view: Buffer): Decoded | number {
  const first = view.indexOf(LF, 1);
  const second = first === -1 ? -1 : view.indexOf(LF, first + 1);
  if (second === -1) return moreOfLine(view);
  return { text: lineText(view, 1, first), name: lineText(view, first + 1, second), length: second };
}

/** Grows by doubling, so that a long line costs linear time. */
function moreOfLine(view: Buffer): number {
  if (view.length > MAX_LINE) throw new LimitError(`a line is longer than ${MAX_LINE} bytes`);
  return view.length < 64 ? view.length + 1 : view.length * 2;
}

function lineText(view: Buffer, start: number, end: number): string {
  return view.toString('utf8', start, Math.min(end, start + MAX_KEPT_TEXT));
}

function decodeCounted(kind: ArgumentKind, view: Buffer): Decoded | number {
  const width = kind.endsWith('1') ? 1 : kind.endsWith('4') ? 4 : 8;
  if (view.length < 1 + width) return 1 + width;
  const count = readCount(kind, width, view);
  const length = width + count;
  if (kind.startsWith('bytes') || count > MAX_KEPT_TEXT) return { length };
  if (view.length < 1 + length) return 1 + length;
  const bytes = view.subarray(1 + width, 1 + length);
  if (kind.startsWith('long'))
    return count <= 6 && count > 0 ? { number: bytes.readIntLE(0, count), length } : { length };
  return { text: bytes.toString(kind.startsWith('text') ? 'utf8' : 'latin1'), length };
}

function readCount(kind: ArgumentKind, width: number, view: Buffer): number {
  if (width === 1) return view.readUInt8(1);
  if (width === 8) {
    const count = view.readBigUInt64LE(1);
    if (count > BigInt(Number.MAX_SAFE_INTEGER - 64)) throw new MalformedError(`a length of ${count} bytes`);
    return Number(count);
  }
  const count = kind.includes('-s') ? view.readInt32LE(1) : view.readUInt32LE(1);
  if (count < 0) throw new MalformedError(`a negative length (${count})`);
  return count;
}
