import { CallThread } from './call-thread.ts';
import { sha256Hex } from './digest.ts';

/** Bytes that two threads can see, so that nothing is copied on the way. */
export type SharedBytes = Buffer<SharedArrayBuffer>;

export function sharedBytes(length: number): SharedBytes {
  return Buffer.from(new SharedArrayBuffer(length));
}

/** A SHA-256 that grows piece by piece. */
export interface GrowingHash {
  /** Resolves when the bytes may be reused. */
  update(bytes: Uint8Array): Promise<void>;
  /** 64 hex digits. */
  digest(): Promise<string>;
}

/** Starting a thread takes 18 ms, in which one core hashes some 30 MiB. */
export const WORTH_A_THREAD = 64 * 1024 * 1024;

// A digest that no message asks for costs nothing, so a stream that was given up is simply forgotten with the thread.
const PROGRAM = `
const { createHash, hash } = require('node:crypto');
const streams = new Map();
const answer = ({ stream, bytes }) => {
  if (stream === undefined) return hash('sha256', bytes);
  if (bytes === undefined) {
    const digest = streams.get(stream).digest('hex');
    streams.delete(stream);
    return digest;
  }
  if (!streams.has(stream)) streams.set(stream, createHash('sha256'));
  streams.get(stream).update(bytes);
};
`;

/**
 * SHA-256 on a second core without copying. `crypto.subtle.digest` runs in the thread pool too, but first copies its input on the
 * calling thread, into fresh memory that the kernel has to clear: on two passes over 1 GiB that was 1.3 s of the main
 * thread and about as much of the kernel (measured), more than the hashing itself.
 */
export class HashThread {
  readonly #thread = new CallThread(PROGRAM);
  #streams = 0;

  /** A hash of a stream of shared pieces; several may grow at once. */
  stream(): GrowingHash {
    const stream = (this.#streams += 1);
    let empty = true;
    return {
      update: async (bytes) => {
        empty = false;
        await this.#thread.call({ stream, bytes });
      },
      digest: async () => (empty ? sha256Hex(new Uint8Array()) : this.#thread.call<string>({ stream })),
    };
  }

  /** The hash of shared bytes: 64 hex digits. */
  hash(bytes: Uint8Array): Promise<string> {
    return this.#thread.call({ bytes });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
