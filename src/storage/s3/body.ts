import type { Readable } from 'node:stream';

/** What Node gives for the body of an answer. */
export type Body = Readable | AsyncIterable<Uint8Array>;

/** More came than was asked for, or than such an answer may have. */
export class BodyTooLong extends Error {
  constructor(limit: number) {
    super(`the body has more than ${limit} bytes`);
  }
}

/** An announced length up to this is believed before anything has come. */
const TRUSTED_LENGTH = 64 * 1024 * 1024;

/**
 * The bytes of a body.
 * @param limit the connection is given up when more come
 * @param announced what the answer says its length is; saves a copy
 * @param into memory to use, if they fit; the result is a view of it then
 * @throws BodyTooLong; whatever the connection fails with
 */
export async function collectBody<Memory extends ArrayBufferLike = ArrayBuffer>(
  body: Body,
  {
    limit,
    announced,
    into,
  }: { limit: number; announced?: number | undefined; into?: Uint8Array<Memory> | undefined },
): Promise<Uint8Array<ArrayBuffer | Memory>> {
  const size = announced !== undefined && announced <= Math.min(limit, TRUSTED_LENGTH) ? announced : 0;
  const whole =
    into !== undefined && size <= into.length ? into : new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    if (length + piece.length > limit) throw new BodyTooLong(limit);
    // After the first piece that did not fit, all are kept as they came.
    if (pieces.length === 0 && length + piece.length <= whole.length) whole.set(piece, length);
    else pieces.push(piece);
    length += piece.length;
  }
  if (pieces.length === 0) return whole.subarray(0, length);
  const rest = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const bytes = new Uint8Array(length);
  bytes.set(whole.subarray(0, length - rest));
  let at = length - rest;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
