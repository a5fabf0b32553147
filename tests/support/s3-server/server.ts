/**
 * The S3 server of this project's own tests. It is stricter than the servers one can install, and breaks when it is told to.
 *
 * It enforces:
 * - Signature Version 4 in the Authorization header: key, scope, region, canonical request, every `x-amz-*` header signed, session
 *   token and its expiry, a clock skew of at most 15 minutes (signature.ts);
 * - `x-amz-content-sha256` against the body, or `aws-chunked` framing with its lengths, chunk signatures and trailers (request-body.ts,
 *   chunked.ts);
 * - `x-amz-checksum-sha256`, `-sha1`, `-crc32` and `-crc32c`, in a header or a trailer, and `Content-MD5`; what was verified is kept and
 *   echoed where `x-amz-checksum-mode: ENABLED` asks for it, never with a range (checksum.ts);
 * - `If-None-Match: *` and `If-Match` on writes, atomically; both and `Range` on reads (conditions.ts, range.ts);
 * - the rules of multipart uploads: order, ETags, least size, one checksum algorithm (multipart.ts);
 * - paging: no listing ever holds more than `pageSize` entries (listing.ts);
 * - that nothing is ignored: an unknown parameter or algorithm is `NotImplemented` (request.ts).
 *
 * `settings` makes it like weaker stores, `faults` makes single requests go wrong (faults.ts), `log` tells what was asked of it.
 * Not implemented: presigned URLs, ACLs, versions, tags, encryption, CRC-64, full-object checksums of multipart uploads.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { diskSink, memorySink } from './body.ts';
import { BucketContents } from './bucket-contents.ts';
import { selfSignedCertificate } from './certificate.ts';
import { type Exchanges, exchange } from './exchange.ts';
import { FaultList } from './faults.ts';
import { RequestLog } from './request-log.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';
import { Bucket, type Store } from './store.ts';

export interface S3ServerOptions extends Partial<Settings> {
  /** Buckets that are there from the start (default: `test-bucket`). */
  buckets?: readonly [string, ...string[]];
  /** An existing directory for the bodies; they are in memory without it. Nothing in it is removed before the caller does. */
  directory?: string;
  /** Speak TLS with a certificate nobody vouches for. */
  tls?: boolean;
}

export interface S3Server {
  /** `http://127.0.0.1:<port>`; `https` with TLS. */
  readonly endpoint: string;
  readonly port: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** The first bucket. */
  readonly bucket: string;
  /** What is in the first bucket, from behind the protocol. */
  readonly objects: BucketContents;
  /** The same for another bucket. */
  contentsOf(bucket: string): BucketContents;
  /** How the store behaves; changes hold from the next request on. */
  readonly settings: Settings;
  readonly faults: FaultList;
  readonly log: RequestLog;
  /** With TLS, the PEM certificate a client may trust. */
  readonly certificate: string | undefined;
  /** Ends all connections. @throws the first mistake of the server itself. */
  close(): Promise<void>;
}

/** Starts a server on a free port of the loopback interface. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { buckets = ['test-bucket'], directory, tls = false, ...chosen } = options;
  const settings: Settings = { ...DEFAULT_SETTINGS, ...chosen };
  const store: Store = {
    buckets: new Map(buckets.map((name) => [name, new Bucket()])),
    sink: () => (directory === undefined ? Promise.resolve(memorySink()) : diskSink(directory)),
  };
  const closing = new AbortController();
  const exchanges: Exchanges = {
    settings,
    store,
    faults: new FaultList(),
    log: new RequestLog(),
    closing: closing.signal,
  };
  const mistakes: unknown[] = [];
  const certificate = tls ? selfSignedCertificate() : undefined;
  const server = certificate === undefined ? createServer() : createTlsServer({ ...certificate });
  const handle = (raw: IncomingMessage, response: ServerResponse) => {
    exchange(exchanges, raw, response).catch((error: unknown) => mistakes.push(error));
  };
  server.on('request', handle);
  // Node would answer `100 Continue` by itself, before the request has been looked at.
  server.on('checkContinue', handle);
  // A test that waits must not meet a server that has hung up in the meantime.
  Object.assign(server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 600_000 });
  const port = await listen(server);
  const contentsOf = (name: string) => new BucketContents(store, name, () => settings.clock());
  const { accessKeyId, secretAccessKey, region } = settings;
  return {
    endpoint: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    accessKeyId,
    secretAccessKey,
    region,
    settings,
    contentsOf,
    bucket: buckets[0],
    objects: contentsOf(buckets[0]),
    faults: exchanges.faults,
    log: exchanges.log,
    certificate: certificate?.cert,
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      if (mistakes.length > 0) throw mistakes[0];
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}
