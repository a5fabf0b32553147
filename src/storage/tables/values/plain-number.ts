import { joinDigits, parseDigits, POWERS_OF_TEN } from './number.ts';

const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
/** So many digits always fit into 32 bits. */
const SHORT = 9;

/**
 * Reads a number in plain digits, which most are, in passing: an optional minus, digits, and maybe a point among or behind them.
 * Behind it must be a byte that ends the loop: anything but a digit.
 *
 * @param numbers gets the number at `cell`
 * @returns the place behind it, or -1 if there are no digits
 */
export function readPlainNumber(bytes: Uint8Array, at: number, numbers: Float64Array, cell: number): number {
  const negative = bytes[at] === MINUS;
  const begin = negative ? at + 1 : at;
  let place = begin;
  let high = 0;
  let digit = (bytes[place] as number) - ZERO;
  while (digit >>> 0 < 10) {
    high = (Math.imul(high, 10) + digit) | 0;
    place += 1;
    digit = (bytes[place] as number) - ZERO;
  }
  if (place === begin) return -1;
  let fraction = 0;
  let low = 0;
  let lowDigits = 0;
  if (bytes[place] === DOT) {
    place += 1;
    const point = place;
    const middle = begin + 1 + SHORT;
    digit = (bytes[place] as number) - ZERO;
    while (digit >>> 0 < 10 && place < middle) {
      high = (Math.imul(high, 10) + digit) | 0;
      place += 1;
      digit = (bytes[place] as number) - ZERO;
    }
    const second = place;
    while (digit >>> 0 < 10) {
      low = (Math.imul(low, 10) + digit) | 0;
      place += 1;
      digit = (bytes[place] as number) - ZERO;
    }
    lowDigits = place - second;
    fraction = place - point;
  }
  const digits = place - begin - (fraction > 0 ? 1 : 0);
  let number: number;
  if (digits <= SHORT) number = fraction === 0 ? high : high / (POWERS_OF_TEN[fraction] as number);
  else if (digits - lowDigits > SHORT || lowDigits > SHORT)
    number = parseDigits(bytes, begin, place, fraction);
  else number = joinDigits(high, low, lowDigits, fraction);
  if (number !== number) number = parseDigits(bytes, begin, place, fraction);
  numbers[cell] = negative ? -number : number;
  return place;
}
