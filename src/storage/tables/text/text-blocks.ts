import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { pipeline, Readable } from 'node:stream';
import { MalformedText } from './batch.ts';
import type { Encoding, InputFile } from './input-file.ts';

const BLOCK = 1024 * 1024;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The text of a file as UTF-8, decompressed and without its byte order mark, in blocks that the caller may change.
 *
 * @param check false for who only looks for a place in it
 * @throws MalformedText for what is no text, with its place in the text so far; or that the compressed data are damaged or cut off
 */
export async function* textBlocks(file: InputFile, { check = true } = {}): AsyncGenerator<Buffer> {
  const text = transcoded(decompressed(file), file.encoding);
  let pending: Buffer = Buffer.alloc(0);
  let offset = 0;
  let first = true;
  for await (const piece of text) {
    let block: Buffer = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    if (first && block.length < BOM.length) {
      pending = block;
      continue;
    }
    if (first && block.subarray(0, BOM.length).equals(BOM)) block = block.subarray(BOM.length);
    first = false;
    const whole = block.length - cutOff(block);
    pending = Buffer.from(block.subarray(whole));
    block = block.subarray(0, whole);
    if (check) checkText(block, offset);
    offset += block.length;
    if (block.length > 0) yield block;
  }
  if (check) checkText(pending, offset);
  if (pending.length > 0 && !pending.equals(BOM)) yield pending;
}

/** How many bytes at the end are the start of a character that goes on in the next block. */
function cutOff(block: Buffer): number {
  for (let back = 1; back <= 3 && back <= block.length; back += 1) {
    const byte = block[block.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

function checkText(block: Buffer, offset: number): void {
  const nul = block.indexOf(0);
  if (nul !== -1) throw new MalformedText(offset + nul, 'a NUL byte, which text does not have');
  if (!isUtf8(block)) throw new MalformedText(offset + firstInvalid(block), 'bytes that are not UTF-8');
}

/** By halves: what is valid up to there is valid up to any whole character before. */
function firstInvalid(block: Buffer): number {
  let valid = 0;
  let invalid = block.length;
  while (invalid - valid > 1) {
    let middle = (valid + invalid) >>> 1;
    while (middle > valid && ((block[middle] as number) & 0xc0) === 0x80) middle -= 1;
    if (middle === valid) break;
    if (isUtf8(block.subarray(valid, middle))) valid = middle;
    else invalid = middle;
  }
  return valid;
}

async function* transcoded(blocks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  if (encoding === 'utf-8') {
    yield* blocks;
    return;
  }
  const decoder = new TextDecoder(encoding, { fatal: true });
  let length = 0;
  const decode = (block?: Buffer): Buffer => {
    try {
      return Buffer.from(decoder.decode(block, { stream: block !== undefined }));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new MalformedText(length, `bytes that are not ${encoding.toUpperCase()}`);
    }
  };
  for await (const block of blocks) {
    const text = decode(block);
    length += text.length;
    yield text;
  }
  yield decode();
}

async function* decompressed(file: InputFile): AsyncGenerator<Buffer> {
  if (file.compression === 'none') {
    yield* bytesOf(file.path);
    return;
  }
  const unpacker = createGunzip({ chunkSize: BLOCK });
  let failure: unknown;
  pipeline(Readable.from(bytesOf(file.path)), unpacker, (error) => {
    failure = error ?? undefined;
  });
  let length = 0;
  try {
    for await (const block of unpacker as AsyncIterable<Buffer>) {
      length += block.length;
      yield block;
    }
  } catch (error) {
    throw damaged(failure ?? error, length);
  }
}

function damaged(error: unknown, offset: number): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'Z_BUF_ERROR') return new MalformedText(offset, 'the compressed data end here, in the middle');
  if (typeof code === 'string' && code.startsWith('Z_')) {
    return new MalformedText(offset, 'the compressed data are damaged from here on');
  }
  return error;
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const handle = await open(path);
  try {
    for (;;) {
      const block = Buffer.allocUnsafeSlow(BLOCK);
      const { bytesRead } = await handle.read(block, 0, BLOCK);
      if (bytesRead === 0) return;
      yield block.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
