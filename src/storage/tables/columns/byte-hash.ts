/** Two 32-bit lanes that together name a text (or several): 53 bits of them are used. */
export interface Lanes {
  low: number;
  high: number;
}

/** Mixes the bytes of one cell into `lanes`. -1 as both places is a missing cell, unlike the empty text. */
export function hashCell(bytes: Uint8Array, start: number, end: number, lanes: Lanes): void {
  let low = lanes.low ^ (end - start + 0x9e3779b1);
  let high = lanes.high ^ (start >> 31);
  let at = start < 0 ? end : start;
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    low = Math.imul(low ^ word, 0x85ebca6b);
    low ^= low >>> 15;
    high = Math.imul(high ^ word, 0xc2b2ae35);
    high ^= high >>> 13;
  }
  for (; at < end; at += 1) {
    low = Math.imul(low ^ (bytes[at] as number), 0x01000193);
    high = Math.imul(high ^ (bytes[at] as number), 0x27d4eb2f);
  }
  lanes.low = Math.imul(low ^ (low >>> 16), 0x7feb352d);
  lanes.high = Math.imul(high ^ (high >>> 15), 0x846ca68b);
}

/** Sets `lanes` to what names the bytes. */
export function hashBytes(bytes: DataView, start: number, end: number, lanes: Lanes): void {
  let low = (end - start) | 0;
  let high = 0x9e3779b1 | 0;
  let at = start;
  for (const whole = end - 3; at < whole; at += 4) {
    const word = bytes.getInt32(at, true);
    low = Math.imul(low ^ word, 0x85ebca6b);
    low ^= low >>> 15;
    high = Math.imul(high + word, 0xc2b2ae35);
    high ^= high >>> 13;
  }
  for (; at < end; at += 1) {
    const byte = bytes.getUint8(at);
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high + byte, 0x27d4eb2f);
  }
  lanes.low = low;
  lanes.high = high;
}

/** A whole number below 2^53. */
export function hashOf({ low, high }: Lanes): number {
  const first = Math.imul(low ^ (low >>> 16), 0x85ebca6b);
  const second = Math.imul(high ^ (high >>> 16), 0xc2b2ae35);
  return ((first ^ (first >>> 13)) >>> 11) * 2 ** 32 + ((second ^ (second >>> 16)) >>> 0);
}
