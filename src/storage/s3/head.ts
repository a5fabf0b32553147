import { invalidAnswer } from './failure.ts';
import type { S3Requests } from './requests.ts';

/** What a store says of an object. */
export interface Head {
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970. */
  modified: number | undefined;
  /** Of the whole object as 64 hex digits, where the store keeps it. */
  sha256: string | undefined;
  /** MD5 of the bytes as 32 hex digits, if the ETag can be one; encrypted buckets put other things there. */
  md5: string | undefined;
}

/** @returns undefined when there is no such object */
export function headObject(requests: S3Requests, path: string): Promise<Head | undefined> {
  return requests.run({
    operation: 'HeadObject',
    send: async ({ sdk, client, options, exchange, failed }) => {
      try {
        const output = await client.send(
          new sdk.HeadObjectCommand({ Bucket: requests.bucket, Key: path, ChecksumMode: 'ENABLED' }),
          options,
        );
        const { ContentLength: size, ETag: etag, LastModified: modified } = output;
        if (etag === undefined || size === undefined || !Number.isSafeInteger(size) || size < 0) {
          throw invalidAnswer('the answer describes no object', failed);
        }
        const time = modified?.getTime();
        return {
          size,
          modified: time === undefined || Number.isNaN(time) ? undefined : time,
          sha256: hexOfChecksum(output.ChecksumSHA256),
          md5: /^"?([0-9a-f]{32})"?$/i.exec(etag)?.[1]?.toLowerCase(),
        };
      } catch (error) {
        if (exchange.status === 404) return undefined;
        throw error;
      }
    },
  });
}

/** A checksum of checksums, as multipart uploads have it, ends in `-<parts>` and says nothing of the whole. */
export function hexOfChecksum(checksum: string | undefined): string | undefined {
  return checksum !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(checksum)
    ? Buffer.from(checksum, 'base64').toString('hex')
    : undefined;
}
