import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { findEndpoint, MlflowError, toMlflowError, type Reply, type Tracking } from '../core/mlflow/index.ts';
import { LocalIoError } from '../errors.ts';
import { answerArtifacts } from './artifact-routes.ts';
import { assertAccess, isLoopback, type AccessRules } from './access.ts';
import { readFields } from './body.ts';

export interface TrackingServerOptions {
  tracking: Tracking;
  /** Address or name to listen at. */
  host: string;
  /** 0: one that is free. */
  port: number;
  /** What requests have to bring; undefined only on loopback. */
  token: string | undefined;
}

export interface TrackingServer {
  /** `http://host:port`. */
  readonly url: string;
  /** Takes no more requests, answers what is under way, and stops. */
  close(): Promise<void>;
}

/** A client that sends nothing for so long is gone; a body may take as long as it takes. */
const IDLE_MS = 60_000;
const HEADERS_MS = 15_000;
const GRACE_MS = 5000;
const API = /^\/(?:ajax-)?api\/[23]\.0\/mlflow\/([^?]+)$/;
const ARTIFACTS = /^\/(?:ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts(?:\/(.*))?$/;
/** The release of MLflow whose protocol is spoken; clients compare it. */
const PROTOCOL = '3.0.0';

/**
 * MLflow's REST protocol over HTTP.
 *
 * @throws LocalIoError `LISTEN_FAILED`
 */
export async function startTrackingServer(options: TrackingServerOptions): Promise<TrackingServer> {
  const { tracking, host, port, token } = options;
  const rules: AccessRules = { token, hosts: isLoopback(host) ? [] : [host] };
  const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: 0 }, (request, response) => {
    void respond(tracking, rules, { request, response });
  });
  server.setTimeout(IDLE_MS);
  await listen(server, { host, port });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${bound}`,
    close: () => close(server),
  };
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new LocalIoError(
          'LISTEN_FAILED',
          `cannot listen at ${host}:${port}: ${cause.code ?? cause.message}`,
          {
            cause,
            hint: 'choose another with --host and --port',
          },
        ),
      );
    });
    server.listen({ host, port }, resolve);
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function respond(tracking: Tracking, rules: AccessRules, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  try {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
    if (request.method === 'GET' && path === '/health') return send(response, 200, 'OK');
    assertAccess(request.headers, rules);
    if (request.method === 'GET' && path === '/version') return send(response, 200, PROTOCOL);
    const reply = await answer(tracking, exchange, { path, query });
    if (reply !== undefined) send(response, 200, reply);
  } catch (error) {
    refuse(tracking, exchange, error);
  }
}

async function answer(
  tracking: Tracking,
  { request, response }: Exchange,
  { path, query }: { path: string; query: URLSearchParams },
): Promise<Reply | undefined> {
  const artifact = ARTIFACTS.exec(path);
  if (artifact !== null)
    return answerArtifacts(tracking, { request, response, path: artifact[1] ?? '', query });
  const found = findEndpoint(request.method ?? '', API.exec(path)?.[1] ?? '');
  if (found === undefined) throw new MlflowError('ENDPOINT_NOT_FOUND', 'there is no such endpoint');
  const { endpoint, fields } = found;
  const input = await readFields(request, { query, path: fields, mostBytes: endpoint.mostBytes });
  return endpoint.answer(tracking, input);
}

function refuse(tracking: Tracking, { request, response }: Exchange, thrown: unknown): void {
  const error = toMlflowError(thrown);
  if (error.errorCode === 'INTERNAL_ERROR' && !request.destroyed)
    tracking.warn(`${request.method ?? ''} ${request.url ?? ''}: ${messageOf(error.cause)}`);
  // A part of a file is out already: cutting the connection is what tells that it is not whole.
  if (response.headersSent) return void response.destroy();
  // What was not read of the body must not be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  send(response, error.status, { error_code: error.errorCode, message: error.message });
  if (!request.complete) request.resume();
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'internal error';
}

function send(response: ServerResponse, status: number, body: string | Reply): void {
  const [type, text] =
    typeof body === 'string' ? ['text/plain', body] : ['application/json', JSON.stringify(body)];
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
