import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that one write to a file should have. */
const WRITE_SIZE = 1024 * 1024;

/** The bytes of an object, wherever they are; never changed once they are there. */
export interface Body {
  readonly size: number;
  /** From `start` up to, not including, `end`. */
  read(start: number, end: number): AsyncIterable<Buffer>;
}

/** Takes the bytes of one upload; what is not finished is as if it had never been. */
export interface BodySink {
  write(bytes: Buffer): void | Promise<void>;
  finish(): Promise<Body>;
  abort(): Promise<void>;
}

/** Keeps the buffers as they came from the socket. */
export function memorySink(): BodySink {
  const chunks: Buffer[] = [];
  return {
    write: (bytes) => void chunks.push(bytes),
    finish: () => Promise.resolve(memoryBody(chunks)),
    abort: () => Promise.resolve(),
  };
}

export function memoryBody(chunks: readonly Buffer[]): Body {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return {
    size,
    async *read(start, end) {
      let offset = 0;
      for (const chunk of chunks) {
        const from = Math.max(start - offset, 0);
        const to = Math.min(end - offset, chunk.length);
        if (from < to) yield chunk.subarray(from, to);
        offset += chunk.length;
      }
    },
  };
}

/** One file for each upload; they stay until the directory is removed, as an object may still be read when it is replaced. */
export async function diskSink(directory: string): Promise<BodySink> {
  const path = join(directory, randomUUID());
  const file = await open(path, 'wx');
  let size = 0;
  let pending: Buffer[] = [];
  let pendingSize = 0;
  const flush = async () => {
    if (pendingSize === 0) return;
    const { bytesWritten } = await file.writev(pending);
    if (bytesWritten !== pendingSize)
      throw new Error(`${path}: ${bytesWritten} of ${pendingSize} bytes written`);
    pending = [];
    pendingSize = 0;
  };
  return {
    write(bytes) {
      size += bytes.length;
      pending.push(bytes);
      pendingSize += bytes.length;
      return pendingSize < WRITE_SIZE ? undefined : flush();
    },
    async finish() {
      await flush();
      await file.close();
      return { size, read: (start, end) => readFileRange(path, start, end) };
    },
    async abort() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function* readFileRange(path: string, start: number, end: number): AsyncGenerator<Buffer, void> {
  if (start >= end) return;
  const file = await open(path, 'r');
  try {
    yield* file.createReadStream({ start, end: end - 1, highWaterMark: 1024 * 1024, autoClose: false });
  } finally {
    await file.close();
  }
}

/** One after another, without copying. */
export function joinBodies(parts: readonly Body[]): Body {
  return {
    size: parts.reduce((sum, part) => sum + part.size, 0),
    async *read(start, end) {
      let offset = 0;
      for (const part of parts) {
        const from = Math.max(start - offset, 0);
        const to = Math.min(end - offset, part.size);
        if (from < to) yield* part.read(from, to);
        offset += part.size;
      }
    },
  };
}

/** The bytes from `start` up to, not including, `end`. */
export function sliceBody(body: Body, start: number, end: number): Body {
  const size = Math.max(Math.min(end, body.size) - start, 0);
  return {
    size,
    read: (from, to) => body.read(start + from, start + Math.min(to, size)),
  };
}

/** The same bytes but for one bit of the byte at `at`, which counts from the end when it is negative. */
export function flippedBody(body: Body, at: number): Body {
  const target = at < 0 ? body.size + at : at;
  return {
    size: body.size,
    async *read(start, end) {
      let offset = start;
      for await (const chunk of body.read(start, end)) {
        const index = target - offset;
        offset += chunk.length;
        if (index < 0 || index >= chunk.length) yield chunk;
        else {
          const copy = Buffer.from(chunk);
          copy.writeUInt8(copy.readUInt8(index) ^ 1, index);
          yield copy;
        }
      }
    },
  };
}

export async function readAll(body: Body): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.read(0, body.size)) chunks.push(chunk);
  return Buffer.concat(chunks, body.size);
}
