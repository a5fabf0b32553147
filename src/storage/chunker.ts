import { hash } from 'node:crypto';

/** Sizes in bytes (docs/format.md 6.1). They belong to the format version: other values give other digests. */
export const MIN_CHUNK = 512 * 1024;
export const TARGET_CHUNK = 1024 * 1024;
export const MAX_CHUNK = 4 * 1024 * 1024;

/** Upper 20 and upper 18 bits: below the target a cut is four times rarer than above it (FastCDC's normalised chunking). */
const STRICT_MASK = 0xfffff000 | 0;
const LOOSE_MASK = 0xffffc000 | 0;

const GEAR = gearTable();

/** 256 numbers from nothing up the sleeve: the first four bytes, little-endian, of SHA-256 of `mlops gear 1 <i>`. */
export function gearTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, index) =>
    Buffer.from(hash('sha256', `mlops gear 1 ${index}`, 'hex'), 'hex').readInt32LE(0),
  );
}

/**
 * Where the chunk that begins at `start` ends, or -1 when `bytes` end before that is known: call again with more.
 *
 * @param final nothing follows `bytes`, so whatever is left is the last chunk
 */
export function nextCut(bytes: Uint8Array, start: number, final: boolean): number {
  const available = bytes.length - start;
  if (available <= MIN_CHUNK) return final ? bytes.length : -1;
  const strictEnd = start + Math.min(available, TARGET_CHUNK);
  const looseEnd = start + Math.min(available, MAX_CHUNK);
  const gear = GEAR;
  let hashed = 0;
  let index = start + MIN_CHUNK;
  for (; index < strictEnd; index += 1) {
    hashed = ((hashed << 1) + (gear[bytes[index] as number] as number)) | 0;
    if ((hashed & STRICT_MASK) === 0) return index + 1;
  }
  for (; index < looseEnd; index += 1) {
    hashed = ((hashed << 1) + (gear[bytes[index] as number] as number)) | 0;
    if ((hashed & LOOSE_MASK) === 0) return index + 1;
  }
  if (available >= MAX_CHUNK) return start + MAX_CHUNK;
  return final ? bytes.length : -1;
}
