const ZERO = 0x30;
const DOT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
const SPACE = 0x20;
const TAB = 0x09;
const LOWER_E = 0x65;
const LOWER = 0x20;

/** Powers of ten that a double holds exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
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
  let at = start;
  let negative = false;
  let byte = bytes[at] as number;
  if (byte === MINUS || byte === PLUS) {
    negative = byte === MINUS;
    at += 1;
  }
  let mantissa = 0;
  const first = at;
  for (; at < end; at += 1) {
    byte = (bytes[at] as number) - ZERO;
    if (byte < 0 || byte > 9) break;
    mantissa = mantissa * 10 + byte;
  }
  let digits = at - first;
  let fraction = 0;
  if (at < end && bytes[at] === DOT) {
    at += 1;
    const point = at;
    for (; at < end; at += 1) {
      byte = (bytes[at] as number) - ZERO;
      if (byte < 0 || byte > 9) break;
      mantissa = mantissa * 10 + byte;
    }
    fraction = at - point;
    digits += fraction;
  }
  if (at !== end || digits === 0) return parseUnusual(bytes, start, end);
  // Every sum on the way was exact if the last one is.
  if (mantissa >= EXACT || fraction > 22) return parseLong(bytes, first, end, negative);
  const value = fraction === 0 ? mantissa : mantissa / (POWERS[fraction] as number);
  return negative ? -value : value;
}

/** Digits beyond the 15 or 16 that a double counts exactly: `0.12345678901234567`. */
function parseLong(bytes: Uint8Array, start: number, end: number, negative: boolean): number {
  let high = 0;
  let low = 0;
  let lowDigits = 0;
  let fraction = 0;
  let point = false;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === DOT) {
      point = true;
      continue;
    }
    if (high < 1e14) {
      high = high * 10 + (byte - ZERO);
    } else {
      low = low * 10 + (byte - ZERO);
      lowDigits += 1;
    }
    if (point) fraction += 1;
  }
  if (lowDigits <= 15 && fraction <= 22) {
    const value = quotient(high, low, lowDigits, fraction);
    if (value === value) return negative ? -value : value;
  }
  const value = Number(latin1(bytes, start, end));
  return negative ? -value : value;
}

/**
 * (high * 10^lowDigits + low) / 10^fraction in twice the precision of a double (Dekker, "A floating-point technique for extending
 * the available precision", 1971), rounded once; NaN where the remainder is so near to half a step that more digits decide.
 */
function quotient(high: number, low: number, lowDigits: number, fraction: number): number {
  const scale = POWERS[lowDigits] as number;
  const product = high * scale;
  const sum = product + low;
  const rest = productError(high, scale, product) + (low - (sum - product));
  const divisor = POWERS[fraction] as number;
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
