import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import type { S3Client } from '@aws-sdk/client-s3';
import { assertListingComplete } from './list-page.ts';
import { type Retrier } from '../retrying.ts';
import { type Exchange, type FailedRequest, s3Failure } from './failure.ts';
import { connect, type S3Connection, type S3Sdk, type S3Settings } from './sdk.ts';

export interface RequestParts {
  sdk: S3Sdk;
  client: S3Client;
  /** To be passed to every `client.send`. */
  options: { abortSignal?: AbortSignal };
  exchange: Exchange;
  /** For errors about what came. */
  failed: FailedRequest;
}

export interface S3Request<Result> {
  /** As S3 calls it. */
  operation: string;
  /** Of the body that is sent, as hex digits: signed as it is, so that nothing is hashed again. */
  contentSha256?: string;
  /** Sends the request and reads the whole answer, body included: whatever fails in here may be tried again. */
  send(parts: RequestParts): Promise<Result>;
}

interface WireRequest {
  hostname?: string;
  port?: number;
  headers: Record<string, string>;
}

interface WireResponse {
  statusCode: number;
  headers: Record<string, string>;
  body?: unknown;
}

/** Sends requests to one bucket, each in its own error and retry handling. */
export class S3Requests {
  readonly bucket: string;
  readonly #settings: S3Settings;
  readonly #retrier: Retrier;
  readonly #signal: AbortSignal | undefined;
  readonly #exchanges = new AsyncLocalStorage<Exchange>();
  #connection: Promise<S3Connection> | undefined;

  constructor(
    settings: S3Settings,
    { retrier, signal }: { retrier: Retrier; signal?: AbortSignal | undefined },
  ) {
    this.bucket = settings.bucket;
    this.#settings = settings;
    this.#retrier = retrier;
    this.#signal = signal;
    // Each request listens while it runs, and there may be many at once.
    if (signal !== undefined) setMaxListeners(0, signal);
  }

  /** @throws RemoteError; what `send` throws; InterruptedError when the signal was given */
  async run<Result>({ operation, contentSha256, send }: S3Request<Result>): Promise<Result> {
    const { sdk, client } = await (this.#connection ??= this.#connect());
    const options = this.#signal === undefined ? {} : { abortSignal: this.#signal };
    return this.#retrier.run(async () => {
      const exchange: Exchange = {
        host: undefined,
        status: undefined,
        headers: {},
        ...(contentSha256 === undefined ? {} : { contentSha256 }),
      };
      const failed: FailedRequest = {
        operation,
        bucket: this.bucket,
        profile: this.#settings.profile,
        exchange,
        signal: this.#signal,
        now: Date.now(),
      };
      try {
        this.#signal?.throwIfAborted();
        return await this.#exchanges.run(exchange, () => send({ sdk, client, options, exchange, failed }));
      } catch (error) {
        if (exchange.host === undefined) exchange.host = hostOf(this.#settings.endpoint);
        throw s3Failure(error, { ...failed, now: Date.now() });
      }
    });
  }

  async #connect(): Promise<S3Connection> {
    const connection = await connect(this.#settings);
    this.#watch(connection.client);
    return connection;
  }

  /** Sees requests and answers as they go over the wire, which the SDK's own results show in part only. */
  #watch({ middlewareStack }: S3Client): void {
    middlewareStack.add(
      (next) => async (args) => {
        const sha256 = this.#exchanges.getStore()?.contentSha256;
        if (sha256 !== undefined) (args.request as WireRequest).headers['x-amz-content-sha256'] = sha256;
        return next(args);
      },
      { step: 'build', name: 'mlopsContentHash', override: true },
    );
    middlewareStack.add(
      (next) => async (args) => {
        const exchange = this.#exchanges.getStore();
        const { hostname, port } = args.request as WireRequest;
        if (exchange !== undefined) exchange.host = port === undefined ? hostname : `${hostname}:${port}`;
        const result = await next(args);
        const response = result.response as WireResponse;
        if (exchange !== undefined) {
          exchange.status = response.statusCode;
          exchange.headers = response.headers;
        }
        await assertListingComplete(args.request, response);
        return result;
      },
      // The last before the wire.
      { step: 'deserialize', priority: 'low', name: 'mlopsExchange', override: true },
    );
  }
}

function hostOf(endpoint: string | undefined): string | undefined {
  return endpoint === undefined ? undefined : new URL(endpoint).host;
}
