import { hash, webcrypto } from 'node:crypto';
import { IntegrityError } from '../errors.ts';

const HEX = /^[0-9a-f]{64}$/;

/**
 * Below this a hash on the main thread is cheaper than the way to the thread pool and back (measured: about 60 µs a trip,
 * in which one core hashes some 100 KiB).
 */
const POOL_THRESHOLD = 128 * 1024;

/** SHA-256 as 64 hex digits, on the calling thread. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/**
 * As {@link sha256Hex}; large inputs are hashed in the thread pool, so that several calls run on several cores. Shared memory, which
 * the pool does not take, is hashed on this thread.
 */
export async function sha256HexInPool(bytes: Uint8Array): Promise<string> {
  if (bytes.length < POOL_THRESHOLD || !isOwnMemory(bytes)) return sha256Hex(bytes);
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

function isOwnMemory(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}

export function isSha256Hex(text: string): boolean {
  return HEX.test(text);
}

/** `sha256:<64 hex>` of 64 hex digits. */
export function digestOf(hex: string): string {
  return `sha256:${hex}`;
}

/**
 * The 64 hex digits of a digest.
 * @throws IntegrityError `DIGEST_INVALID`
 */
export function hexOf(digest: string): string {
  const hex = digest.slice('sha256:'.length);
  if (!digest.startsWith('sha256:') || !HEX.test(hex)) {
    throw new IntegrityError('DIGEST_INVALID', `${JSON.stringify(digest.slice(0, 100))} is no sha256 digest`);
  }
  return hex;
}
