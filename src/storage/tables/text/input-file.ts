export type Compression = 'none' | 'gzip' | 'zstd';
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';
export type Format = 'delimited' | 'json' | 'parquet';

/** A file whose kind is known. Plain data, since it travels to threads. */
export interface InputFile {
  /** As the person wrote it, or a glob found it: for messages. */
  shown: string;
  /** Absolute. */
  path: string;
  format: Format;
  compression: Compression;
  encoding: Encoding;
  /** In bytes, as it lies on the disk. */
  size: number;
}

/** Compressed text is about so many times as long; numbers in CSV are 2 to 5 times. */
const RATIO = 4;

/** An estimate of how many bytes the text of a file has. */
export function textSize({ compression, size }: InputFile): number {
  return compression === 'none' ? size : RATIO * size;
}
