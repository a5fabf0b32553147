import { promisify } from 'node:util';
import {
  brotliCompress,
  brotliCompressSync,
  brotliDecompress,
  brotliDecompressSync,
  constants,
} from 'node:zlib';
import { IntegrityError } from '../errors.ts';
import { Encoding } from './pack.ts';

const compressInPool = promisify(brotliCompress);
const decompressInPool = promisify(brotliDecompress);

/** A blob as it goes into a pack. */
export interface EncodedBlob {
  encoding: Encoding;
  stored: Uint8Array;
}

/** Below this (de)compressing on the main thread costs less than the trip to the thread pool. */
const POOL_THRESHOLD = 32 * 1024;
/** Smaller blobs gain a few hundred bytes at most and cost as much as large ones to set up. */
const MIN_COMPRESSED = 512;
const HISTOGRAM_SAMPLE = 4096;
const BROTLI_SAMPLE = 32 * 1024;
/** Less gain than this is not worth the time to decompress: weights stay raw, text shrinks several-fold. */
const WORTHWHILE = 0.85;

function brotliOptions(length: number): { params: Record<number, number> } {
  // A window larger than the input costs memory and time to set up and gains nothing.
  const window = Math.min(22, Math.max(16, Math.ceil(Math.log2(length + 16))));
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 1,
      [constants.BROTLI_PARAM_LGWIN]: window,
      [constants.BROTLI_PARAM_SIZE_HINT]: length,
    },
  };
}

function sampleOf(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length <= length) return bytes;
  const start = (bytes.length - length) >>> 1;
  return bytes.subarray(start, start + length);
}

/**
 * False when byte values are spread as evenly as in random, encrypted or compressed data: then no compressor helps. Compares
 * the sum of squared counts with its expectation for uniform bytes, n + n(n-1)/256; far cheaper than a trial.
 */
export function looksCompressible(bytes: Uint8Array): boolean {
  const sample = sampleOf(bytes, HISTOGRAM_SAMPLE);
  const counts = new Uint16Array(256);
  for (let index = 0; index < sample.length; index += 1) {
    const value = sample[index] as number;
    counts[value] = (counts[value] as number) + 1;
  }
  let squares = 0;
  for (let value = 0; value < 256; value += 1) squares += (counts[value] as number) ** 2;
  const uniform = sample.length + (sample.length * (sample.length - 1)) / 256;
  return squares > 1.25 * uniform;
}

function raw(bytes: Uint8Array): EncodedBlob {
  return { encoding: Encoding.raw, stored: bytes };
}

/** True when {@link encodeSmall} is the way to go: no thread pool, so no promise. */
export function isSmall(bytes: Uint8Array): boolean {
  return bytes.length <= POOL_THRESHOLD;
}

/** Compresses a small blob where that pays, on the calling thread. */
export function encodeSmall(bytes: Uint8Array): EncodedBlob {
  if (bytes.length < MIN_COMPRESSED || !looksCompressible(bytes)) return raw(bytes);
  const stored = brotliCompressSync(bytes, brotliOptions(bytes.length));
  if (stored.length > bytes.length * WORTHWHILE) return raw(bytes);
  const back = brotliDecompressSync(stored, { maxOutputLength: bytes.length });
  return back.equals(bytes) ? { encoding: Encoding.brotli, stored } : raw(bytes);
}

/**
 * Compresses a blob where a sample says that it pays, in the thread pool. What comes out is decompressed and compared, so
 * a faulty compressor (or memory) costs space, never data.
 */
export async function encodeBlob(bytes: Uint8Array): Promise<EncodedBlob> {
  if (isSmall(bytes)) return encodeSmall(bytes);
  if (!looksCompressible(bytes)) return raw(bytes);
  const sample = sampleOf(bytes, BROTLI_SAMPLE);
  const trial = brotliCompressSync(sample, brotliOptions(sample.length));
  if (trial.length > sample.length * WORTHWHILE) return raw(bytes);
  const stored = await compressInPool(bytes, brotliOptions(bytes.length));
  if (stored.length > bytes.length * WORTHWHILE) return raw(bytes);
  const back = await decompressInPool(stored, { maxOutputLength: bytes.length });
  return back.equals(bytes) ? { encoding: Encoding.brotli, stored } : raw(bytes);
}

/**
 * A blob's bytes from what a pack holds. Never makes more than `length` bytes, whatever the input claims.
 * @throws IntegrityError `OBJECT_DAMAGED`
 */
export async function decodeBlob(
  stored: Uint8Array<ArrayBuffer>,
  blob: { id: string; length: number; encoding: Encoding },
): Promise<Uint8Array<ArrayBuffer>> {
  if (blob.encoding === Encoding.raw) return stored;
  let bytes: Buffer<ArrayBuffer>;
  try {
    const options = { maxOutputLength: blob.length };
    bytes =
      isSmall(stored) && blob.length <= 4 * POOL_THRESHOLD
        ? brotliDecompressSync(stored, options)
        : await decompressInPool(stored, options);
  } catch (cause) {
    throw new IntegrityError('OBJECT_DAMAGED', `blob ${blob.id} can't be decompressed`, { cause });
  }
  if (bytes.length === blob.length) return bytes;
  throw new IntegrityError(
    'OBJECT_DAMAGED',
    `blob ${blob.id} has ${bytes.length} bytes instead of ${blob.length}`,
  );
}
