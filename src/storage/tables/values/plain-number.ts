import type { Piece } from '../text/batch.ts';
import { joinDigits, parseDigits } from './number.ts';

const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
/** So many digits always fit into 32 bits. */
const SHORT = 9;

/**
 * Reads a number in plain digits, which most are, in passing: an optional minus, digits, and maybe a point among or behind them.
 *
 * @param numbers gets the number at `cell`
 * @returns the place behind it, or -1 if there are no digits
 */
export function readPlainNumber(piece: Piece, at: number, numbers: Float64Array, cell: number): number {
  const { bytes, view } = piece;
  // 1 for a minus, without a branch that nobody can predict.
  const negative = (((bytes[at] as number) ^ MINUS) - 1) >>> 31;
  const begin = at + negative;
  let place = begin;
  let whole = 0;
  let digit = (bytes[place] as number) - ZERO;
  while (digit >>> 0 < 10) {
    whole = (Math.imul(whole, 10) + digit) | 0;
    place += 1;
    digit = (bytes[place] as number) - ZERO;
  }
  const wholeDigits = place - begin;
  if (wholeDigits === 0) return -1;
  let number = whole;
  let fraction = 0;
  // Digits that `number` has no room for.
  let low = 0;
  let lowDigits = 0;
  if (digit === DOT - ZERO) {
    place += 1;
    const point = place;
    for (let word = view.getInt32(place, true); isFourDigits(word); word = view.getInt32(place, true)) {
      if (number < 1e11) {
        number = number * 10_000 + fourDigits(word);
      } else {
        low = low * 10_000 + fourDigits(word);
        lowDigits += 4;
      }
      place += 4;
    }
    digit = (bytes[place] as number) - ZERO;
    while (digit >>> 0 < 10) {
      low = low * 10 + digit;
      lowDigits += 1;
      place += 1;
      digit = (bytes[place] as number) - ZERO;
    }
    fraction = place - point;
  }
  if (wholeDigits > SHORT || fraction > 22 || lowDigits > 15)
    number = parseDigits(bytes, begin, place, fraction);
  else if (fraction > 0) number = joinDigits(number, low, lowDigits, fraction);
  if (number !== number) number = parseDigits(bytes, begin, place, fraction);
  numbers[cell] = number * (1 - 2 * negative);
  return place;
}

/** Whether four bytes are four digits: 0x30 to 0x39 each. */
function isFourDigits(word: number): boolean {
  return (word & 0xf0f0f0f0) === 0x30303030 && ((word + 0x06060606) & 0xf0f0f0f0) === 0x30303030;
}

/** Of four bytes the first of which is the lowest: pairs of digits first, then both pairs. */
function fourDigits(word: number): number {
  const pairs = (Math.imul(word & 0x0f0f0f0f, 2561) >>> 8) & 0x00ff00ff;
  return Math.imul(pairs, 6_553_601) >>> 16;
}
