import { Worker } from 'node:worker_threads';
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

/** A stretch of a buffer: offset and length in bytes. */
export type Stretch = readonly [offset: number, length: number];

/** Starting a thread takes 18 ms, in which one core hashes some 30 MiB. */
export const WORTH_A_THREAD = 64 * 1024 * 1024;

// As text, because a thread starts from a file of its own, and this one has no other place in the bundle. A digest that no
// message asks for costs nothing, so a stream that was given up is simply forgotten with the thread.
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { createHash, hash } = require('node:crypto');
const streams = new Map();
parentPort.on('message', ({ call, stream, bytes, stretches }) => {
  let result;
  if (stretches !== undefined) {
    result = stretches.map(([offset, length]) => hash('sha256', bytes.subarray(offset, offset + length)));
    parentPort.postMessage({ call, result, bytes }, [bytes.buffer]);
    return;
  }
  if (stream === undefined) result = hash('sha256', bytes);
  else if (bytes === undefined) { result = streams.get(stream).digest('hex'); streams.delete(stream); }
  else {
    if (!streams.has(stream)) streams.set(stream, createHash('sha256'));
    streams.get(stream).update(bytes);
  }
  parentPort.postMessage({ call, result });
});
`;

interface Reply {
  call: number;
  result: unknown;
  bytes?: Uint8Array<ArrayBuffer>;
}

/**
 * SHA-256 on a second core without copying. `crypto.subtle.digest` runs in the thread pool too, but first copies its input on the
 * calling thread, into fresh memory that the kernel has to clear: on two passes over 1 GiB that was 1.3 s of the main
 * thread and about as much of the kernel (measured), more than the hashing itself.
 */
export class HashThread {
  readonly #worker = new Worker(PROGRAM, { eval: true });
  readonly #calls = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  #count = 0;

  constructor() {
    // A command that is done ends without waiting for an idle thread.
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => {
      this.#calls.get(reply.call)?.resolve(reply);
      this.#calls.delete(reply.call);
      if (this.#calls.size === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error: Error) => {
      for (const { reject } of this.#calls.values()) reject(error);
      this.#calls.clear();
    });
  }

  /** A hash of a stream of shared pieces; several may grow at once. */
  stream(): GrowingHash {
    const stream = (this.#count += 1);
    let empty = true;
    return {
      update: async (bytes) => {
        empty = false;
        await this.#send({ stream, bytes });
      },
      digest: async () =>
        empty ? sha256Hex(new Uint8Array()) : ((await this.#send({ stream })).result as string),
    };
  }

  /** The hash of shared bytes: 64 hex digits. */
  async hash(bytes: Uint8Array): Promise<string> {
    return (await this.#send({ bytes })).result as string;
  }

  /** The hashes of stretches of a buffer. The thread owns the buffer meanwhile; the returned view is the way back to it. */
  async hashStretches(
    bytes: Uint8Array<ArrayBuffer>,
    stretches: readonly Stretch[],
  ): Promise<{ hashes: string[]; bytes: Uint8Array<ArrayBuffer> }> {
    const reply = await this.#send({ bytes, stretches }, [bytes.buffer]);
    return { hashes: reply.result as string[], bytes: reply.bytes ?? new Uint8Array() };
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #send(message: Record<string, unknown>, transfer: ArrayBuffer[] = []): Promise<Reply> {
    const call = (this.#count += 1);
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ call, ...message }, transfer);
    });
  }
}
