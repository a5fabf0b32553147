import * as z from 'zod';

/** One regular file of an artifact. */
export interface ManifestFile {
  /** Relative, `/` between the parts, valid UTF-8; the empty string in a file artifact. */
  path: string;
  /** Bytes. */
  size: number;
  executable: boolean;
  /** 64 hex digits: SHA-256 of the whole file. */
  sha256: string;
  /** Ids of the blobs in order; empty for an empty file. */
  blobs: readonly string[];
}

/** The list of an artifact's files, sorted by path (UTF-16 code units). Its canonical bytes give the artifact's digest. */
export interface Manifest {
  kind: 'file' | 'directory';
  files: readonly ManifestFile[];
}

export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
