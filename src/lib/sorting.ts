/** Below this many values the engine's own sort is faster than counting digits. */
const RADIX_FROM = 8192;
const BUCKETS = 2048;
/** The six digits of a double: three of each half, of 11, 11 and 10 bits, so that none lies across the halves. */
const SHIFTS = [0, 11, 22] as const;
/** Which half of a double holds its sign, exponent and leading digits. */
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/**
 * A sorted copy of values, ascending, with -0 before 0. The values must not contain NaN.
 *
 * Many values are sorted by radix (six digits, least significant first, without those that all values share): a third of the time of
 * `Float64Array.prototype.sort` for a million random doubles, less for whole numbers. Takes twice the memory of the values for a moment.
 */
export function sortedCopy(values: Float64Array): Float64Array {
  return sortInPlace(values.slice());
}

/** As {@link sortedCopy}, in the memory of the values. @returns the values */
export function sortInPlace(values: Float64Array): Float64Array {
  return values.length < RADIX_FROM ? values.sort() : radixSort(values);
}

/** Whether values are in ascending order. */
export function isSorted(values: Float64Array): boolean {
  for (let index = 1; index < values.length; index += 1) {
    if ((values[index - 1] as number) > (values[index] as number)) return false;
  }
  return true;
}

/** Memory that one sort leaves to the next: fresh memory takes the system longer to give than it takes to fill. */
let spare: Uint32Array = new Uint32Array(0);
/** More is not kept. */
const SPARE_WORDS = 2 * 4 * 1024 * 1024;

function radixSort(values: Float64Array): Float64Array {
  const count = values.length;
  const own = new Uint32Array(values.buffer, values.byteOffset, count * 2);
  if (spare.length < own.length) spare = new Uint32Array(own.length);
  let from: Uint32Array = own;
  let to: Uint32Array = spare.subarray(0, own.length);
  if (spare.length > SPARE_WORDS) spare = new Uint32Array(0);
  const low = new Uint32Array(BUCKETS * SHIFTS.length);
  const high = new Uint32Array(BUCKETS * SHIFTS.length);
  countDigits(from, low, high);
  for (const [half, counts] of [
    [1 - HIGH, low],
    [HIGH, high],
  ] as const) {
    for (const [pass, shift] of SHIFTS.entries()) {
      const places = counts.subarray(pass * BUCKETS, (pass + 1) * BUCKETS);
      if (!turnIntoPlaces(places, count)) continue;
      distribute(from, to, places, { half, shift });
      [from, to] = [to, from];
    }
  }
  if (from !== own) own.set(from);
  restoreBits(own);
  return values;
}

/** Turns doubles into unsigned numbers of the same order, in place, and counts how often each digit has each value. */
function countDigits(words: Uint32Array, lowCounts: Uint32Array, highCounts: Uint32Array): void {
  for (let at = 0; at < words.length; at += 2) {
    let high = words[at + HIGH] as number;
    let low = words[at + 1 - HIGH] as number;
    // A negative number has all its bits turned round, a positive one only its sign.
    const mask = -(high >>> 31) | 0;
    high ^= mask | 0x8000_0000;
    low ^= mask;
    words[at + HIGH] = high;
    words[at + 1 - HIGH] = low;
    countWord(low, lowCounts);
    countWord(high, highCounts);
  }
}

function countWord(word: number, counts: Uint32Array): void {
  const second = BUCKETS + ((word >>> 11) & 0x7ff);
  const third = 2 * BUCKETS + (word >>> 22);
  counts[word & 0x7ff] = (counts[word & 0x7ff] as number) + 1;
  counts[second] = (counts[second] as number) + 1;
  counts[third] = (counts[third] as number) + 1;
}

/** Turns counts into the place where each digit's values begin; false where one digit has them all. */
function turnIntoPlaces(counts: Uint32Array, total: number): boolean {
  let start = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const size = counts[bucket] as number;
    if (size === total) return false;
    counts[bucket] = start;
    start += size;
  }
  return true;
}

function distribute(
  from: Uint32Array,
  to: Uint32Array,
  places: Uint32Array,
  { half, shift }: { half: number; shift: number },
): void {
  for (let at = 0; at < from.length; at += 2) {
    const bucket = ((from[at + half] as number) >>> shift) & 0x7ff;
    const place = places[bucket] as number;
    places[bucket] = place + 1;
    to[place * 2] = from[at] as number;
    to[place * 2 + 1] = from[at + 1] as number;
  }
}

function restoreBits(words: Uint32Array): void {
  for (let at = 0; at < words.length; at += 2) {
    const high = words[at + HIGH] as number;
    const mask = (high >>> 31) - 1;
    words[at + HIGH] = high ^ (mask | 0x8000_0000);
    words[at + 1 - HIGH] = (words[at + 1 - HIGH] as number) ^ mask;
  }
}
