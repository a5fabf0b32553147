import { Buffer } from 'node:buffer';
import { OPCODES } from '../../src/core/inspection/pickle/opcodes.ts';

const CODES = new Map([...OPCODES].map(([code, info]) => [info.name, { code, argument: info.argument }]));

/** One opcode with its argument in the encoding that the opcode wants: a number, bytes, a text, or two lines. */
export function op(
  name: string,
  argument: number | string | Buffer | readonly [string, string] = '',
): Buffer {
  const entry = CODES.get(name);
  if (entry === undefined) throw new Error(`no opcode ${name}`);
  return Buffer.concat([Buffer.from([entry.code]), encode(entry.argument, argument)]);
}

/** Opcodes in a row; a bare name stands for an opcode without an argument. */
export function pickle(...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? op(part) : part)));
}

/** `module.name(argument)` as protocol 0 or 4 says it, with a text as argument. */
export function call(module: string, name: string, argument: string, protocol: 0 | 4 = 0): Buffer {
  return protocol === 0
    ? pickle(op('GLOBAL', [module, name]), 'MARK', op('UNICODE', argument), 'TUPLE', 'REDUCE', 'STOP')
    : pickle(
        op('PROTO', 4),
        op('SHORT_BINUNICODE', module),
        op('SHORT_BINUNICODE', name),
        'STACK_GLOBAL',
        op('SHORT_BINUNICODE', argument),
        'TUPLE1',
        'REDUCE',
        'STOP',
      );
}

function encode(kind: string, argument: number | string | Buffer | readonly [string, string]): Buffer {
  if (kind === 'none') return Buffer.alloc(0);
  if (kind === 'line-pair') return Buffer.from(Array.isArray(argument) ? `${argument.join('\n')}\n` : '\n\n');
  if (kind === 'line') return Buffer.from(`${String(argument)}\n`);
  if (typeof argument === 'number') return encodeNumber(kind, argument);
  const bytes = Buffer.isBuffer(argument) ? argument : Buffer.from(String(argument));
  const width = kind.endsWith('1') ? 'u1' : kind.endsWith('8') ? 'u8' : kind.includes('s4') ? 'i4' : 'u4';
  return Buffer.concat([encodeNumber(width, bytes.length), bytes]);
}

function encodeNumber(kind: string, value: number): Buffer {
  const bytes = Buffer.alloc(Number(kind.at(-1)));
  if (kind === 'f8') bytes.writeDoubleBE(value);
  else if (kind === 'u8') bytes.writeBigUInt64LE(BigInt(value));
  else if (kind.startsWith('i')) bytes.writeIntLE(value, 0, bytes.length);
  else bytes.writeUIntLE(value, 0, bytes.length);
  return bytes;
}
