const ZERO = 0x30;
const DOT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
const SPACE = 0x20;
const TAB = 0x09;
const LOWER_E = 0x65;
const LOWER = 0x20;

/** Powers of ten that a double holds exactly. */
export const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const EXACT = 2 ** 53;

/**
 * The number that a cell holds, or NaN if it holds none: an optional sign, digits with at most one point among, before or after
 * them, and an optional exponent; `inf` and `infinity` in any case. Spaces and tabs around it do not count. There are no thousands
 * separators, decimal commas, underscores, hexadecimal digits, units or per cent signs. What is too large for a double is
 * infinite, what is too small is 0; everything else is the nearest double, as `Number()` has it.
 *
 * `nan` is NaN as well: {@link isNanWord} tells it from what is no number.
 */
export function parseNumber(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  const begin = negative || bytes[start] === PLUS ? start + 1 : start;
  let at = afterDigits(bytes, begin, end);
  let digits = at - begin;
  let fraction = 0;
  if (at < end && bytes[at] === DOT) {
    const point = at + 1;
    at = afterDigits(bytes, point, end);
    fraction = at - point;
    digits += fraction;
  }
  if (at !== end || digits === 0) return parseUnusual(bytes, start, end);
  const value = parseDigits(bytes, begin, end, fraction);
  return negative ? -value : value;
}

/** So many digits always fit into 32 bits. */
const SHORT = 9;

/**
 * The number that digits stand for, exactly rounded.
 *
 * @param start of digits only, with at most one point
 * @param fraction how many of them come behind the point
 */
export function parseDigits(bytes: Uint8Array, start: number, end: number, fraction: number): number {
  let high = 0;
  let at = start;
  let left = SHORT;
  for (; at < end && left > 0; at += 1) {
    const byte = bytes[at] as number;
    if (byte === DOT) continue;
    high = (Math.imul(high, 10) + byte - ZERO) | 0;
    left -= 1;
  }
  let low = 0;
  let lowDigits = 0;
  for (; at < end && lowDigits < SHORT; at += 1) {
    const byte = bytes[at] as number;
    if (byte === DOT) continue;
    low = (Math.imul(low, 10) + byte - ZERO) | 0;
    lowDigits += 1;
  }
  if (fraction <= 22 && (at === end || (at + 1 === end && bytes[at] === DOT))) {
    const value = joinDigits(high, low, lowDigits, fraction);
    if (value === value) return value;
  }
  return Number(latin1(bytes, start, end));
}

/** (high * 10^lowDigits + low) / 10^fraction, exactly rounded; NaN where more precision would be needed to tell. */
export function joinDigits(high: number, low: number, lowDigits: number, fraction: number): number {
  const mantissa = high * (POWERS_OF_TEN[lowDigits] as number) + low;
  // Then no digit was rounded away on the way.
  if (mantissa < EXACT) return mantissa / (POWERS_OF_TEN[fraction] as number);
  return quotient(high, low, lowDigits, fraction);
}

/**
 * (high * 10^lowDigits + low) / 10^fraction in twice the precision of a double (Dekker, "A floating-point technique for extending
 * the available precision", 1971), rounded once; NaN where the remainder is so near to half a step that more digits decide.
 */
function quotient(high: number, low: number, lowDigits: number, fraction: number): number {
  const scale = POWERS_OF_TEN[lowDigits] as number;
  const product = high * scale;
  const sum = product + low;
  const rest = productError(high, scale, product) + (low - (sum - product));
  const divisor = POWERS_OF_TEN[fraction] as number;
  const first = sum / divisor;
  const back = first * divisor;
  const second = (sum - back - productError(first, divisor, back) + rest) / divisor;
  const doubt = first * 2 ** -96;
  const value = first + (second - doubt);
  return value === first + (second + doubt) ? value : Number.NaN;
}

const SPLITTER = 2 ** 27 + 1;

/** a * b - product, exactly. */
function productError(a: number, b: number, product: number): number {
  const shiftedA = SPLITTER * a;
  const highA = shiftedA - (shiftedA - a);
  const lowA = a - highA;
  const shiftedB = SPLITTER * b;
  const highB = shiftedB - (shiftedB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}

function parseUnusual(bytes: Uint8Array, from: number, to: number): number {
  let start = from;
  let end = to;
  while (start < end && isBlank(bytes[start])) start += 1;
  while (end > start && isBlank(bytes[end - 1])) end -= 1;
  if (end - start !== to - from) return start === end ? Number.NaN : parseNumber(bytes, start, end);
  return isDecimal(bytes, start, end) ? Number(latin1(bytes, start, end)) : infinityWord(bytes, start, end);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function afterDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= ZERO + 9) at += 1;
  return at;
}

function afterSign(bytes: Uint8Array, at: number, end: number): number {
  return at < end && (bytes[at] === MINUS || bytes[at] === PLUS) ? at + 1 : at;
}

function isDecimal(bytes: Uint8Array, start: number, end: number): boolean {
  const first = afterSign(bytes, start, end);
  let at = afterDigits(bytes, first, end);
  let digits = at - first;
  if (at < end && bytes[at] === DOT) {
    const point = at + 1;
    at = afterDigits(bytes, point, end);
    digits += at - point;
  }
  if (digits === 0) return false;
  if (at === end) return true;
  if (((bytes[at] as number) | LOWER) !== LOWER_E) return false;
  const exponent = afterSign(bytes, at + 1, end);
  return exponent < end && afterDigits(bytes, exponent, end) === end;
}

function infinityWord(bytes: Uint8Array, start: number, end: number): number {
  const first = afterSign(bytes, start, end);
  const length = end - first;
  if (length !== 3 && length !== 8) return Number.NaN;
  const word = latin1(bytes, first, end).toLowerCase();
  if (word !== 'inf' && word !== 'infinity') return Number.NaN;
  return bytes[start] === MINUS ? -Infinity : Infinity;
}

/** `nan` in any case, with or without a sign, maybe with blanks around. */
export function isNanWord(text: string): boolean {
  return /^[ \t]*[+-]?nan[ \t]*$/i.test(text);
}

export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return bufferOf(bytes).toString('latin1', start, end);
}

export function utf8(bytes: Uint8Array, start: number, end: number): string {
  return bufferOf(bytes).toString('utf8', start, end);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
