import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { MalformedText } from './batch.ts';
import type { Compression } from './input-file.ts';

const BLOCK = 1024 * 1024;

/**
 * The bytes that compressed blocks stand for.
 *
 * @throws MalformedText if they are damaged or cut off, with its place in what they stand for
 */
export async function* unpacked(
  blocks: AsyncGenerator<Buffer>,
  compression: Compression,
): AsyncGenerator<Buffer> {
  let length = 0;
  try {
    for await (const block of unpack(blocks, compression)) {
      length += block.length;
      yield block;
    }
  } catch (error) {
    throw explain(error, length);
  }
}

function unpack(blocks: AsyncGenerator<Buffer>, compression: Compression): AsyncIterable<Buffer> {
  if (compression === 'none') return blocks;
  if (compression === 'gzip') return throughStream(blocks, zlib.createGunzip({ chunkSize: BLOCK }));
  // Also where Node has Zstandard: its streams (22.23) end without an error where a frame is cut off, and rows would be missing.
  return throughFzstd(blocks);
}

async function* throughStream(blocks: AsyncGenerator<Buffer>, unpacker: Transform): AsyncGenerator<Buffer> {
  let failure: unknown;
  pipeline(Readable.from(blocks), unpacker, (error) => {
    failure = error ?? undefined;
  });
  try {
    yield* unpacker as AsyncIterable<Buffer>;
  } catch (error) {
    throw failure ?? error;
  }
}

async function* throughFzstd(blocks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  let ready: Buffer[] = [];
  const unpacker = new Decompress((piece) => {
    ready.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
  });
  const push = (block: Uint8Array, last: boolean): Buffer[] => {
    try {
      unpacker.push(block, last);
    } catch (error) {
      // Its errors have numbers where those of Node have words.
      throw Object.assign(new Error('zstd', { cause: error }), {
        code: isCutOff(error) ? 'Z_BUF_ERROR' : 'Z_DATA_ERROR',
      });
    }
    const pieces = ready;
    ready = [];
    return pieces;
  };
  for await (const block of blocks) yield* push(block, false);
  yield* push(new Uint8Array(0), true);
}

function isCutOff(error: unknown): boolean {
  const UNEXPECTED_END = 5;
  return typeof error === 'object' && error !== null && 'code' in error && error.code === UNEXPECTED_END;
}

function explain(error: unknown, offset: number): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'Z_BUF_ERROR') return new MalformedText(offset, 'the compressed data end here, in the middle');
  if (typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZSTD)/.test(code)) {
    return new MalformedText(offset, 'the compressed data are damaged from here on');
  }
  return error;
}
