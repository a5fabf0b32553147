import { sha256Hex } from '../digest.ts';
import { MARKER_BYTES, MARKER_NAME } from '../remote-marker.ts';
import { errorCode } from './failure.ts';
import type { S3Requests } from './requests.ts';

/**
 * Whether a store refuses a second object of a name when it is asked to (`If-None-Match: *`). Some do, some say that they can't, and
 * some ignore it without a word, which only a second write shows: that of the marker, whose bytes never change.
 */
export class CreateOnly {
  readonly #requests: S3Requests;
  readonly #path: string;
  readonly #warn: (message: string) => void;
  #answer: Promise<boolean> | undefined;

  constructor(requests: S3Requests, { top, warn }: { top: string; warn: (message: string) => void }) {
    this.#requests = requests;
    this.#path = `${top}${MARKER_NAME}`;
    this.#warn = warn;
  }

  /** Asked once for the life of this object; a failure to find out is not remembered. */
  supported(): Promise<boolean> {
    this.#answer ??= this.#ask().catch((error: unknown) => {
      this.#answer = undefined;
      throw error;
    });
    return this.#answer;
  }

  async #ask(): Promise<boolean> {
    // The first write is refused where the marker is there already, which is the answer; else the second one has to be.
    const answer = (await this.#write()) ?? (await this.#write()) ?? false;
    if (!answer) {
      this.#warn(
        `bucket "${this.#requests.bucket}": the store has no create-only writes (If-None-Match); objects are looked for before and checked after each write instead`,
      );
    }
    return answer;
  }

  /** True: refused as it should be; false: the store can't; undefined: written. */
  #write(): Promise<boolean | undefined> {
    const contentSha256 = sha256Hex(MARKER_BYTES);
    return this.#requests.run({
      operation: 'PutObject',
      contentSha256,
      send: async ({ sdk, client, options, exchange }) => {
        try {
          await client.send(
            new sdk.PutObjectCommand({
              Bucket: this.#requests.bucket,
              Key: this.#path,
              Body: MARKER_BYTES,
              ContentLength: MARKER_BYTES.length,
              ContentType: 'application/json',
              ChecksumSHA256: Buffer.from(contentSha256, 'hex').toString('base64'),
              IfNoneMatch: '*',
            }),
            options,
          );
          return undefined;
        } catch (error) {
          if (exchange.status === 412) return true;
          if (exchange.status === 501 || errorCode(error) === 'NotImplemented') return false;
          throw error;
        }
      },
    });
  }
}
