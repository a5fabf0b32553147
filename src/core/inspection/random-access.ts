import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf, LocalIoError, RefusedError, UsageError } from '../../errors.ts';
import { MalformedError } from './inspection.ts';

/** Bounded random access to bytes: a file, a part of one, or a buffer. */
export interface RandomAccess {
  /** Length in bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`.
   *
   * @throws MalformedError when the range leaves the content
   */
  read(offset: number, length: number): Promise<Buffer>;
}

/** The most that one `read` may ask for: a header, never a whole model. */
export const MAX_READ = 32 * 1024 * 1024;

/**
 * Opens a regular file for bounded reading, runs `use` and closes the file. Symbolic links, devices and pipes are refused;
 * opening never blocks.
 *
 * @throws UsageError `MODEL_SOURCE_MISSING`, RefusedError `MODEL_SOURCE_REFUSED`, LocalIoError `MODEL_SOURCE_UNREADABLE`
 */
export async function withFile<T>(path: string, use: (source: RandomAccess) => Promise<T>): Promise<T> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: unknown) => {
      throw openError(path, cause);
    },
  );
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new RefusedError('MODEL_SOURCE_REFUSED', `${path} is not a regular file`);
    return await use({
      size: stat.size,
      async read(offset, length) {
        checkRange({ offset, length, size: stat.size });
        const bytes = Buffer.allocUnsafe(length);
        let done = 0;
        while (done < length) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0) throw new MalformedError(`the file became shorter while it was read`);
          done += bytesRead;
        }
        return bytes;
      },
    });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw new LocalIoError('MODEL_SOURCE_UNREADABLE', `cannot read ${path}: ${String(errnoOf(error))}`, {
      cause: error,
    });
  } finally {
    await handle.close();
  }
}

/** A window `[start, start + size)` of other content, addressed from zero. */
export function slice(source: RandomAccess, start: number, size: number): RandomAccess {
  checkBounds({ offset: start, length: size, size: source.size });
  return {
    size,
    async read(offset, length) {
      checkRange({ offset, length, size });
      return source.read(start + offset, length);
    },
  };
}

/** Random access to bytes that are in memory already. */
export function bytesSource(bytes: Uint8Array): RandomAccess {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    size: buffer.length,
    async read(offset, length) {
      checkRange({ offset, length, size: buffer.length });
      return buffer.subarray(offset, offset + length);
    },
  };
}

/** The first `length` bytes, or all of them when there are fewer. */
export async function head(source: RandomAccess, length: number): Promise<Buffer> {
  return source.read(0, Math.min(length, source.size));
}

/** Reads through a buffer of 64 KiB, so that many small neighbouring reads cost one read of the file. */
export function buffered(source: RandomAccess): RandomAccess {
  const window = 64 * 1024;
  let start = 0;
  let bytes: Buffer = Buffer.alloc(0);
  return {
    size: source.size,
    async read(offset, length) {
      if (offset >= start && offset + length <= start + bytes.length) {
        return bytes.subarray(offset - start, offset - start + length);
      }
      if (length >= window || offset < 0 || offset > source.size) return source.read(offset, length);
      checkRange({ offset, length, size: source.size });
      bytes = await source.read(offset, Math.min(window, source.size - offset));
      start = offset;
      return bytes.subarray(0, length);
    },
  };
}

interface Range {
  offset: number;
  length: number;
  size: number;
}

function checkBounds({ offset, length, size }: Range): void {
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > size
  ) {
    throw new MalformedError(`ends early: ${length} bytes expected at byte ${offset}, the size is ${size}`);
  }
}

function checkRange(range: Range): void {
  checkBounds(range);
  if (range.length > MAX_READ)
    throw new MalformedError(`a field of ${range.length} bytes is over the limit of ${MAX_READ}`);
}

function openError(path: string, cause: unknown): Error {
  const code = errnoOf(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UsageError('MODEL_SOURCE_MISSING', `${path} does not exist`, { cause });
  }
  if (code === 'ELOOP' || code === 'EMLINK' || code === 'ENXIO') {
    return new RefusedError('MODEL_SOURCE_REFUSED', `${path} is not a regular file`, {
      hint: 'pass the path of the file itself instead of a link to it',
      cause,
    });
  }
  return new LocalIoError('MODEL_SOURCE_UNREADABLE', `cannot open ${path}: ${code ?? 'unknown error'}`, {
    cause,
  });
}
