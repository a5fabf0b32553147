import type { IncomingMessage } from 'node:http';
import { EventEmitter, once } from 'node:events';
import type { Fault } from './faults.ts';
import type { Operation } from './request.ts';

/** One request, as it came and what became of it. */
export interface LoggedRequest {
  readonly method: string;
  /** Undefined where it was refused before that was clear. */
  operation: Operation | undefined;
  bucket: string;
  key: string;
  /** Path and query as sent. */
  readonly url: string;
  /** Header names in lower case; the signature is left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** HTTP status; undefined while it runs, and for ever where no answer was sent. */
  status: number | undefined;
  /** S3's error code. */
  errorCode: string | undefined;
  /** The fault that was put on it. */
  fault: Fault['type'] | undefined;
  /** Bytes of the request's body, framing included. */
  bytesIn: number;
  /** Bytes of the answer's body that were handed to the connection. */
  bytesOut: number;
  /** Whether the server is done with it. */
  finished: boolean;
}

/** What the server was asked, in order of arrival. */
export class RequestLog {
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #entries: LoggedRequest[] = [];
  #running = 0;
  #peak = 0;

  /** Requests that were being worked on at the same time, at most. */
  get peakConcurrency(): number {
    return this.#peak;
  }

  all(): readonly LoggedRequest[] {
    return this.#entries;
  }

  /** Those of one operation. */
  of(operation: Operation): readonly LoggedRequest[] {
    return this.#entries.filter((entry) => entry.operation === operation);
  }

  clear(): void {
    this.#entries = [];
    this.#peak = this.#running;
  }

  /** Resolves to the first request that fits, once there is one; it is asked again with every change. */
  async waitFor(fits: (entry: LoggedRequest) => boolean): Promise<LoggedRequest> {
    for (;;) {
      const found = this.#entries.find(fits);
      if (found !== undefined) return found;
      await once(this.#changes, 'change');
    }
  }

  begin(raw: IncomingMessage): LoggedRequest {
    const { authorization: _, ...headers } = raw.headers;
    const entry: LoggedRequest = {
      method: raw.method ?? '',
      operation: undefined,
      bucket: '',
      key: '',
      url: raw.url ?? '',
      headers: headers as Record<string, string>,
      status: undefined,
      errorCode: undefined,
      fault: undefined,
      bytesIn: 0,
      bytesOut: 0,
      finished: false,
    };
    this.#entries.push(entry);
    this.#running++;
    this.#peak = Math.max(this.#peak, this.#running);
    return entry;
  }

  /** Tells those who wait. */
  changed(): void {
    this.#changes.emit('change');
  }

  finish(entry: LoggedRequest): void {
    entry.finished = true;
    this.#running--;
    this.changed();
  }
}
