import { pipeline, Readable, type Transform } from 'node:stream';
import { ByteStream } from './byte-stream.ts';
import { MalformedError } from './inspection.ts';
import type { RandomAccess } from './random-access.ts';

const CHUNK = 64 * 1024;

/**
 * Decompresses content on demand: input is fed only as output is asked for, so a decompression bomb ends at the stream's look
 * limit. Corrupt input makes reading throw MalformedError.
 *
 * @param inflater a fresh zlib transform
 */
export function inflated(source: RandomAccess, inflater: Transform): ByteStream {
  // The reader of the output sees every error; the callback only keeps pipeline() from raising it twice.
  pipeline(Readable.from(chunksOf(source), { highWaterMark: 1 }), inflater, () => undefined);
  const output = inflater[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return new ByteStream({
    seek: () => 0,
    async pull() {
      try {
        const { done, value } = await output.next();
        return done === true ? undefined : value;
      } catch (cause) {
        if (cause instanceof MalformedError) throw cause;
        throw new MalformedError(
          `can't be decompressed: ${cause instanceof Error ? cause.message : 'unknown error'}`,
        );
      }
    },
  });
}

async function* chunksOf(source: RandomAccess): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < source.size; offset += CHUNK) {
    yield await source.read(offset, Math.min(CHUNK, source.size - offset));
  }
}
