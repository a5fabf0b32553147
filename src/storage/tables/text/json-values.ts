import { MalformedText, type Piece } from './batch.ts';

const SPACE = 0x20;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Deeper nesting is taken for an attack. */
const DEEPEST = 100;

const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word));
const NUMBER_WORDS = ['NaN', 'Infinity', '-Infinity'].map((word) => Buffer.from(word));

/** Each function returns the place behind what it is named after; -1 where the text is not there yet. All throw MalformedText. */

export function afterSpace({ bytes, length }: Piece, from: number): number {
  let at = from;
  for (; at < length; at += 1) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== LF && byte !== CR && byte !== TAB) break;
  }
  return at;
}

/** @param open the place of the opening quote */
export function afterString({ bytes, length }: Piece, open: number): number {
  for (let at = open + 1; at < length; at += 1) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at += 1;
    else if (byte < SPACE)
      throw new MalformedText(at, 'a text does not end on its line, or holds a control character');
  }
  return -1;
}

export function afterWord(text: Piece, at: number): number {
  return afterOneOf(WORDS, text, at, 'no value of JSON: true, false and null are its words');
}

function afterOneOf(words: readonly Buffer[], { bytes, length }: Piece, at: number, wrong: string): number {
  const rest = bytes.subarray(at, Math.min(length, at + 9));
  const word = words.find((each) => each.equals(rest.subarray(0, each.length)));
  if (word !== undefined) return at + word.length;
  if (words.some((each) => rest.length < each.length && each.subarray(0, rest.length).equals(rest)))
    return -1;
  throw new MalformedText(at, wrong);
}

export function afterNumber(text: Piece, from: number): number {
  const { bytes, length, last } = text;
  let at = from;
  if (bytes[at] === 0x2d) at += 1;
  const first = bytes[at];
  if (first === 0x4e || first === 0x49) return afterOneOf(NUMBER_WORDS, text, from, 'no number');
  const whole = at;
  at = afterDigits(bytes, at);
  let digits = at - whole;
  if (first === 0x30 && digits > 1) throw new MalformedText(from, 'numbers of JSON have no leading zeros');
  if (digits > 0 && bytes[at] === 0x2e) {
    const point = at + 1;
    at = afterDigits(bytes, point);
    digits = at - point;
  }
  if (digits > 0 && ((bytes[at] as number) | 0x20) === 0x65) {
    at += 1;
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1;
    const exponent = at;
    at = afterDigits(bytes, at);
    digits = at - exponent;
  }
  // More digits may follow.
  if (at >= length && !last) return -1;
  if (digits === 0) throw new MalformedText(from, 'no value of JSON');
  return at;
}

function afterDigits(bytes: Buffer, from: number): number {
  let at = from;
  while (((bytes[at] as number) - 0x30) >>> 0 < 10) at += 1;
  return at;
}

/** An object or array, which must be one of JSON. */
export function afterNested(text: Piece, open: number): number {
  const { bytes, length } = text;
  let depth = 0;
  for (let at = open; at < length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = afterString(text, at) - 1;
      if (at < 0) return -1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      if (depth > DEEPEST) throw new MalformedText(at, `values nested more than ${DEEPEST} times`);
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
      if (depth === 0) return checked(bytes, open, at + 1);
    }
  }
  return -1;
}

function checked(bytes: Buffer, start: number, end: number): number {
  // Python's words for what JSON has no numbers for.
  const text = bytes.toString('utf8', start, end).replace(/(?<=[[:,\s]-?)(?:NaN|Infinity)(?=[\],}\s])/g, '0');
  try {
    JSON.parse(text);
    return end;
  } catch {
    throw new MalformedText(start, 'a nested value that begins here is not JSON');
  }
}
