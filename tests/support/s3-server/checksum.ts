import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

const BYTES = { crc32: 4, crc32c: 4, sha1: 20, sha256: 32 } as const;

export type ChecksumAlgorithm = keyof typeof BYTES;

/** What S3 keeps beside an object; `value` is base64, of a multipart object with `-<parts>` after it. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

/** What a request says about its body: the value itself, or that it follows in the trailer. */
export interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string | undefined;
}

export interface Hasher {
  update(bytes: Buffer): unknown;
  /** Base64. */
  digest(): string;
}

/** @throws S3Error `InvalidRequest` when there is more than one, or one that can't be right, or the SDK's own note does not fit. */
export function declaredChecksum(request: S3Request): DeclaredChecksum | undefined {
  const trailers = announcedTrailers(request).filter((name) => name.startsWith('x-amz-checksum-'));
  const headers = Object.keys(request.raw.headers).filter(
    (name) => name.startsWith('x-amz-checksum-') && !/-(mode|type|algorithm)$/.test(name),
  );
  const [name, ...others] = [...headers, ...trailers];
  if (others.length > 0) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  const wanted = request.header('x-amz-sdk-checksum-algorithm')?.toLowerCase();
  if (wanted !== undefined && name !== `x-amz-checksum-${wanted}`) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  if (name === undefined) return undefined;
  const algorithm = parseAlgorithm(name.slice('x-amz-checksum-'.length));
  if (headers.length === 0) return { algorithm, value: undefined };
  return { algorithm, value: checkValue(algorithm, request.header(name) ?? '') };
}

/** @throws S3Error `NotImplemented` for an algorithm that S3 has and this server has not. */
export function parseAlgorithm(text: string): ChecksumAlgorithm {
  const algorithm = text.toLowerCase();
  if (algorithm in BYTES) return algorithm as ChecksumAlgorithm;
  throw new S3Error('NotImplemented', `The checksum algorithm ${algorithm} is not implemented.`);
}

/** @throws S3Error `InvalidRequest` unless the text is base64 of as many bytes as the algorithm makes. */
export function checkValue(algorithm: ChecksumAlgorithm, value: string): string {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length === BYTES[algorithm] && bytes.toString('base64') === value) return value;
  throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${algorithm} header is invalid.`);
}

export function announcedTrailers(request: S3Request): string[] {
  const names = (request.header('x-amz-trailer') ?? '').split(',');
  return names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
}

export function createHasher(algorithm: ChecksumAlgorithm): Hasher {
  if (algorithm === 'crc32') return new CrcHasher(crc32);
  if (algorithm === 'crc32c') return new CrcHasher(crc32c);
  const hash = createHash(algorithm);
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('base64') };
}

/** The checksum of checksums that S3 gives an object made of parts. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly Checksum[]): Checksum {
  const hasher = createHasher(algorithm);
  for (const part of parts) hasher.update(Buffer.from(part.value, 'base64'));
  return { algorithm, value: `${hasher.digest()}-${parts.length}` };
}

class CrcHasher implements Hasher {
  readonly #step: (bytes: Buffer, value: number) => number;
  #value = 0;

  constructor(step: (bytes: Buffer, value: number) => number) {
    this.#step = step;
  }

  update(bytes: Buffer): void {
    this.#value = this.#step(bytes, this.#value);
  }

  digest(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes.toString('base64');
  }
}

let table: Uint32Array | undefined;

/** CRC-32 of Castagnoli, which node:zlib does not have. */
function crc32c(bytes: Buffer, value: number): number {
  const steps = (table ??= castagnoliTable());
  let state = ~value >>> 0;
  for (const byte of bytes) state = ((steps[(state ^ byte) & 0xff] ?? 0) ^ (state >>> 8)) >>> 0;
  return ~state >>> 0;
}

function castagnoliTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    return value >>> 0;
  });
}
