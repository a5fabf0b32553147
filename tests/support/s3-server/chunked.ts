import { createHash, type Hash } from 'node:crypto';
import { S3Error } from './errors.ts';
import type { Authenticated } from './signature.ts';

const MINIMUM_CHUNK = 8192;
const MAXIMUM_LINE = 4096;

interface ChunkedBody {
  readonly authenticated: Authenticated;
  /** Names the request announced in `x-amz-trailer`, lower case. */
  readonly announced: readonly string[];
  /** `x-amz-decoded-content-length`. */
  readonly decodedLength: number;
  /** Filled when the body has been read. */
  readonly trailers: Map<string, string>;
}

/**
 * Takes the `aws-chunked` framing off a body and checks all of it: sizes, signatures of chunks and trailer where the payload is
 * signed, the announced trailers and the decoded length. Yields slices of what came in, without copying.
 */
export async function* decodeChunked(
  source: AsyncIterable<Buffer>,
  body: ChunkedBody,
): AsyncGenerator<Buffer, void> {
  const signed = body.authenticated.payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
  const reader = new Reader(source);
  let previous = body.authenticated.seed;
  let total = 0;
  let small = false;
  for (;;) {
    const { size, signature } = chunkHeader(await reader.line(), signed);
    if (small && size > 0) {
      throw new S3Error(
        'InvalidChunkSizeError',
        `Only the last chunk is allowed to have a size less than ${MINIMUM_CHUNK} bytes`,
      );
    }
    small = size < MINIMUM_CHUNK;
    total += size;
    const hash = signed ? createHash('sha256') : undefined;
    for await (const bytes of reader.bytes(size)) {
      hash?.update(bytes);
      yield bytes;
    }
    if (hash !== undefined) previous = checkChunk(body.authenticated, hash, { previous, signature });
    if (size === 0) break;
    if ((await reader.line()) !== '') throw incomplete();
  }
  await readTrailers(reader, body, signed ? previous : undefined);
  if (total !== body.decodedLength) throw incomplete();
}

function chunkHeader(line: string, signed: boolean): { size: number; signature: string } {
  const [, size, signature] = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line) ?? [];
  if (size === undefined || signed !== (signature !== undefined)) throw incomplete();
  return { size: Number.parseInt(size, 16), signature: signature ?? '' };
}

function checkChunk(
  authenticated: Authenticated,
  hash: Hash,
  chunk: { previous: string; signature: string },
): string {
  if (authenticated.chunkSignature(chunk.previous, hash.digest('hex')) !== chunk.signature) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The signature of a chunk does not match the one we calculated.',
    );
  }
  return chunk.signature;
}

async function readTrailers(reader: Reader, body: ChunkedBody, previous: string | undefined): Promise<void> {
  let signature: string | undefined;
  let canonical = '';
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'x-amz-trailer-signature') signature = value;
    else if (body.trailers.has(name) || !body.announced.includes(name)) throw malformedTrailer();
    else {
      body.trailers.set(name, value);
      canonical += `${name}:${value}\n`;
    }
  }
  if (!(await reader.atEnd())) throw incomplete();
  if (body.announced.some((name) => !body.trailers.has(name))) throw malformedTrailer();
  if (previous === undefined || body.announced.length === 0) return;
  const digest = createHash('sha256').update(canonical).digest('hex');
  if (body.authenticated.trailerSignature(previous, digest) !== signature) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The signature of the trailer does not match the one we calculated.',
    );
  }
}

/** Lines and runs of bytes out of a stream of buffers. */
class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Up to the next CRLF, without it. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end > MAXIMUM_LINE || (end === -1 && this.#buffer.length > MAXIMUM_LINE)) throw incomplete();
      if (end !== -1) {
        const line = this.#buffer.toString('latin1', 0, end);
        this.#buffer = this.#buffer.subarray(end + 2);
        return line;
      }
      const rest = this.#buffer;
      if (!(await this.#fill())) throw incomplete();
      this.#buffer = Buffer.concat([rest, this.#buffer]);
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer, void> {
    for (let left = count; left > 0;) {
      if (this.#buffer.length === 0 && !(await this.#fill())) throw incomplete();
      const part = this.#buffer.subarray(0, left);
      this.#buffer = this.#buffer.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async atEnd(): Promise<boolean> {
    return this.#buffer.length === 0 && !(await this.#fill());
  }

  async #fill(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) return false;
    this.#buffer = next.value;
    return true;
  }
}

function incomplete(): S3Error {
  return new S3Error(
    'IncompleteBody',
    'The request body terminated unexpectedly, or is not framed as x-amz-content-sha256 says',
  );
}

function malformedTrailer(): S3Error {
  return new S3Error(
    'MalformedTrailerError',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  );
}
