/** How the store behaves; all of it may be changed while it runs. */
export interface Settings {
  /** The region signatures have to name. */
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** With one, the key is a temporary one and every request has to carry this `x-amz-security-token`. */
  sessionToken: string | undefined;
  /** Whether the session token has expired. */
  sessionExpired: boolean;
  /** The server's idea of the time, milliseconds since 1970: of its `Date` header and of the skew it allows. */
  clock: () => number;
  /** What becomes of `If-None-Match` and `If-Match` on writes. */
  conditionalWrites: 'enforced' | 'ignored' | 'not-implemented';
  /** Whether `x-amz-checksum-*` is compared with the bytes, kept and echoed. */
  checksums: 'verified' | 'ignored';
  /** The code a wrong checksum is refused with: AWS and others differ. */
  checksumError: 'BadDigest' | 'XAmzContentChecksumMismatch';
  /** `opaque`: not the MD5, as with encrypted buckets, and cheaper to make. */
  etags: 'md5' | 'opaque';
  /** The most entries in one page of any listing. */
  pageSize: number;
  /** Bytes that every part of a multipart upload but the last has to have. */
  minimumPartSize: number;
  /** A request to `<bucket>.<domain>` is one in the virtual-host style. */
  domain: string;
}

export const DEFAULT_SETTINGS: Readonly<Settings> = {
  region: 'us-east-1',
  accessKeyId: 'AKIATESTONLY00000000',
  secretAccessKey: 'test-only-secret-of-the-in-process-server',
  sessionToken: undefined,
  sessionExpired: false,
  clock: () => Date.now(),
  conditionalWrites: 'enforced',
  checksums: 'verified',
  checksumError: 'BadDigest',
  etags: 'md5',
  pageSize: 1000,
  minimumPartSize: 5 * 1024 * 1024,
  domain: 'localhost',
};
