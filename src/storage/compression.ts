import { promisify } from 'node:util';
import * as Zlib from 'node:zlib';
import { IntegrityError } from '../errors.ts';
import { Encoding } from './pack.ts';

const compressInPool = promisify(Zlib.brotliCompress);
const decompressInPool = promisify(Zlib.brotliDecompress);

/** A blob as it goes into a pack. */
export interface EncodedBlob {
  encoding: Encoding;
  stored: Uint8Array;
}

/** Below this (de)compressing on the main thread costs less than the trip to the thread pool. */
const POOL_THRESHOLD = 32 * 1024;

/** What {@link makeEncoder} makes. */
export interface Encoder {
  options: (length: number) => { params: Record<number, number> };
  /** See {@link looksCompressible}. */
  isUneven: (bytes: Uint8Array) => boolean;
  isWorthwhile: (stored: Uint8Array, bytes: Uint8Array) => boolean;
  /** Whether a sample says that compressing pays. */
  sampleShrinks: (bytes: Uint8Array) => boolean;
  /** Compresses a blob where that pays, on the calling thread, and checks the result; undefined where it does not. */
  encode: (bytes: Uint8Array) => Uint8Array | undefined;
}

/** Also runs in threads, which get it as text: it uses nothing but what is handed in. */
export function makeEncoder(
  zlib: Pick<typeof Zlib, 'brotliCompressSync' | 'brotliDecompressSync' | 'constants'>,
): Encoder {
  /**
   * Below this some 60 µs, most of them to set up the compressor and the decompressor that checks it, save less than a disk
   * writes meanwhile. 100,000 files of 1 to 10 KB of JSON and CSV: half of the bytes stay, instead of two fifths, for
   * two thirds of the time.
   */
  const minCompressed = 4096;
  /** From here on quality 1 instead of 0: it takes half as long again for 6 % less, which pays where set-up is nothing. */
  const largeBlob = 32 * 1024;
  const histogramSample = 4096;
  const brotliSample = 32 * 1024;
  /** Less gain than this is not worth the time to decompress: weights stay raw, text shrinks several-fold. */
  const worthwhile = 0.85;
  const { brotliCompressSync, brotliDecompressSync, constants } = zlib;
  const counts = new Uint16Array(256);

  const options = (length: number): { params: Record<number, number> } => {
    // A window larger than the input costs memory and time to set up and gains nothing.
    const window = Math.min(22, Math.max(16, Math.ceil(Math.log2(length + 16))));
    return {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: length < largeBlob ? 0 : 1,
        [constants.BROTLI_PARAM_LGWIN]: window,
        [constants.BROTLI_PARAM_SIZE_HINT]: length,
      },
    };
  };

  const sampleOf = (bytes: Uint8Array, length: number): Uint8Array => {
    if (bytes.length <= length) return bytes;
    const start = (bytes.length - length) >>> 1;
    return bytes.subarray(start, start + length);
  };

  const isUneven = (bytes: Uint8Array): boolean => {
    const sample = sampleOf(bytes, histogramSample);
    counts.fill(0);
    for (let index = 0; index < sample.length; index += 1) {
      const value = sample[index] as number;
      counts[value] = (counts[value] as number) + 1;
    }
    let squares = 0;
    for (let value = 0; value < 256; value += 1) squares += (counts[value] as number) ** 2;
    const uniform = sample.length + (sample.length * (sample.length - 1)) / 256;
    return squares > 1.25 * uniform;
  };

  const isWorthwhile = (stored: Uint8Array, bytes: Uint8Array): boolean =>
    stored.length <= bytes.length * worthwhile;

  const sampleShrinks = (bytes: Uint8Array): boolean => {
    if (bytes.length <= brotliSample) return true;
    const sample = sampleOf(bytes, brotliSample);
    return isWorthwhile(brotliCompressSync(sample, options(sample.length)), sample);
  };

  const encode = (bytes: Uint8Array): Uint8Array | undefined => {
    if (bytes.length < minCompressed || !isUneven(bytes) || !sampleShrinks(bytes)) return undefined;
    // Room for the whole result, so that there is one piece; one byte more, so that its end is seen at once.
    const chunkSize = bytes.length + 1;
    const stored = brotliCompressSync(bytes, { ...options(bytes.length), chunkSize });
    if (!isWorthwhile(stored, bytes)) return undefined;
    const back = brotliDecompressSync(stored, { maxOutputLength: bytes.length, chunkSize });
    return back.equals(bytes) ? stored : undefined;
  };

  return { options, isUneven, isWorthwhile, sampleShrinks, encode };
}

const encoder = makeEncoder(Zlib);

/**
 * False when byte values are spread as evenly as in random, encrypted or compressed data: then no compressor helps. Compares
 * the sum of squared counts with its expectation for uniform bytes, n + n(n-1)/256; far cheaper than a trial.
 */
export function looksCompressible(bytes: Uint8Array): boolean {
  return encoder.isUneven(bytes);
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
  const stored = encoder.encode(bytes);
  return stored === undefined ? raw(bytes) : { encoding: Encoding.brotli, stored };
}

/**
 * Compresses a blob where a sample says that it pays, in the thread pool. What comes out is decompressed and compared, so
 * a faulty compressor (or memory) costs space, never data.
 */
export async function encodeBlob(bytes: Uint8Array): Promise<EncodedBlob> {
  if (isSmall(bytes)) return encodeSmall(bytes);
  if (!looksCompressible(bytes) || !encoder.sampleShrinks(bytes)) return raw(bytes);
  const stored = await compressInPool(bytes, encoder.options(bytes.length));
  if (!encoder.isWorthwhile(stored, bytes)) return raw(bytes);
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
        ? Zlib.brotliDecompressSync(stored, { ...options, chunkSize: Math.max(64, blob.length + 1) })
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
