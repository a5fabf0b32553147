import type * as NodeFs from 'node:fs';
import { CallThread } from '../call-thread.ts';
import { makeEncoder } from '../compression.ts';
import type { SharedBytes } from '../hash-thread.ts';

/** Files to be read one after another into shared memory. */
export interface ReadRequest {
  /** Absolute paths. */
  paths: readonly string[];
  /** Size, mtime, ctime and inode that each has to have before and after. */
  stamps: Float64Array<ArrayBuffer>;
  memory: SharedBytes;
  /** `O_` flags. */
  flags: number;
}

/** Blobs to be compressed where that pays. */
export interface EncodeRequest {
  memory: SharedBytes;
  /** Offset and length of each blob. */
  stretches: Uint32Array<ArrayBuffer>;
  /** Where the compressed bytes go, each at its blob's offset. */
  output: SharedBytes;
}

/**
 * Reads files into memory, each behind the one before. Runs in the thread, which gets it as text: it uses nothing but what is
 * handed in.
 *
 * @returns the SHA-256 of each file, or an empty string for one that could not be read or is not what it was
 */
function makeReader(
  { openSync, closeSync, fstatSync, readSync }: typeof NodeFs,
  sha256: (bytes: Uint8Array) => string,
): (request: ReadRequest) => string[] {
  const isAsExpected = (descriptor: number, stamps: Float64Array, at: number): boolean => {
    const stats = fstatSync(descriptor);
    return (
      stats.isFile() &&
      stats.size === stamps[at] &&
      stats.mtimeMs === stamps[at + 1] &&
      stats.ctimeMs === stamps[at + 2] &&
      stats.ino === stamps[at + 3]
    );
  };
  const readFile = ({ paths, stamps, memory, flags }: ReadRequest, index: number, start: number): boolean => {
    const end = start + (stamps[index * 4] ?? 0);
    const descriptor = openSync(paths[index] ?? '', flags);
    try {
      if (!isAsExpected(descriptor, stamps, index * 4)) return false;
      for (let at = start; at < end;) {
        const count = readSync(descriptor, memory, at, end - at, null);
        if (count === 0) return false;
        at += count;
      }
      return isAsExpected(descriptor, stamps, index * 4);
    } finally {
      closeSync(descriptor);
    }
  };
  return (request) => {
    let start = 0;
    return request.paths.map((_path, index) => {
      const size = request.stamps[index * 4] ?? 0;
      start += size;
      try {
        return readFile(request, index, start - size)
          ? sha256(request.memory.subarray(start - size, start))
          : '';
      } catch {
        // Whoever asked reads the file once more and says what is wrong with it.
        return '';
      }
    });
  };
}

/** Compresses blobs; as {@link makeReader}. @returns the length of each result, 0 where it stays as it is */
function makeBatchEncoder(
  encode: (bytes: Uint8Array) => Uint8Array | undefined,
): (request: EncodeRequest) => Uint32Array<ArrayBuffer> {
  return ({ memory, stretches, output }) => {
    const lengths = new Uint32Array(stretches.length / 2);
    for (let index = 0; index < lengths.length; index += 1) {
      const offset = stretches[index * 2] ?? 0;
      const stored = encode(memory.subarray(offset, offset + (stretches[index * 2 + 1] ?? 0)));
      if (stored === undefined) continue;
      output.set(stored, offset);
      lengths[index] = stored.length;
    }
    return lengths;
  };
}

function program(): string {
  return `
const { hash } = require('node:crypto');
const read = (${makeReader.toString()})(require('node:fs'), (bytes) => hash('sha256', bytes));
const encode = (${makeBatchEncoder.toString()})((${makeEncoder.toString()})(require('node:zlib')).encode);
const answer = (message) => (message.paths === undefined ? encode(message) : read(message));
`;
}

/** Reads, hashes and compresses small files on another core, many at a time. */
export class IngestThread {
  readonly #thread = new CallThread(program());

  read(request: ReadRequest): Promise<string[]> {
    return this.#thread.call({ ...request });
  }

  encode(request: EncodeRequest): Promise<Uint32Array<ArrayBuffer>> {
    return this.#thread.call({ ...request });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
