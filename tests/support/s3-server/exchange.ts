import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { memoryBody } from './body.ts';
import type { Context, Reply } from './context.ts';
import { errorXml } from './error-document.ts';
import { S3Error } from './errors.ts';
import { replyInstead, spoilt } from './fault-replies.ts';
import type { Fault, FaultList } from './faults.ts';
import { OPERATIONS } from './operations.ts';
import { operationOf, parseRequest } from './request.ts';
import { RequestBody } from './request-body.ts';
import type { LoggedRequest, RequestLog } from './request-log.ts';
import { send } from './send.ts';
import type { Settings } from './settings.ts';
import { authenticate } from './signature.ts';
import type { Store } from './store.ts';

export interface Exchanges {
  readonly settings: Settings;
  readonly store: Store;
  readonly faults: FaultList;
  readonly log: RequestLog;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/** A request and its answer. */
interface Exchange extends Exchanges {
  readonly raw: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly wire: RequestBody;
  readonly entry: LoggedRequest;
  /** The fault, once the request is known well enough for one. */
  fault: Fault | undefined;
}

/**
 * Takes one request to its end. Resolves also when the client goes away or a fault leaves it without an answer.
 * @throws what is a mistake of this server, after answering 500.
 */
export async function exchange(
  exchanges: Exchanges,
  raw: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const waiting = raw.headers.expect?.toLowerCase() === '100-continue';
  const wire = new RequestBody(raw, () => void (waiting && response.writeContinue()));
  const entry = exchanges.log.begin(raw);
  const requestId = randomBytes(8).toString('hex').toUpperCase();
  const current: Exchange = { ...exchanges, raw, response, requestId, wire, entry, fault: undefined };
  try {
    const reply = await answer(current);
    if (reply === undefined) return;
    if (waiting && !wire.asked) response.setHeader('connection', 'close');
    else await wire.drain();
    await deliver(current, reply);
  } catch (error) {
    const gone = raw.destroyed || response.destroyed || exchanges.closing.aborted;
    if (gone && !(error instanceof S3Error)) return;
    response.destroy();
    throw error;
  } finally {
    entry.bytesIn = wire.bytes;
    exchanges.log.finish(entry);
  }
}

/** The answer, or undefined when the fault is that there is none. */
async function answer(current: Exchange): Promise<Reply | undefined> {
  try {
    return await perform(current);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    const { code, message, details, status } = error;
    current.entry.errorCode = code;
    const resource = (current.raw.url ?? '/').replace(/\?.*/, '');
    const xml = errorXml({ code, message, details, resource, requestId: current.requestId });
    const range = code === 'InvalidRange' ? { 'content-range': `bytes */${details.ActualObjectSize}` } : {};
    return { status, headers: { 'content-type': 'application/xml', ...range }, body: memoryBody([xml]) };
  }
}

async function perform(current: Exchange): Promise<Reply | undefined> {
  const { entry, settings, store, wire, requestId } = current;
  const request = parseRequest(current.raw, settings.domain);
  entry.bucket = request.bucket;
  entry.key = request.key;
  const operation = operationOf(request);
  entry.operation = operation;
  const authenticated = authenticate(request, settings);
  const { method, bucket, key } = request;
  const fault = current.faults.take({ method, operation, bucket, key });
  current.fault = fault;
  entry.fault = fault?.type;
  current.log.changed();
  if (fault?.type === 'hang' && fault.afterBytes === undefined) return undefined;
  if (fault?.type === 'reset-request') {
    await resetAfter(current, fault.afterBytes);
    return undefined;
  }
  const instead = replyInstead(fault, requestId);
  if (instead !== undefined) return instead;
  const context: Context = { request, operation, wire, authenticated, settings, store, fault };
  return spoilt(await OPERATIONS[operation](context), context, requestId);
}

async function resetAfter({ wire, raw }: Exchange, bytes: number): Promise<void> {
  if (bytes > 0) {
    for await (const _ of wire) if (wire.bytes >= bytes) break;
  }
  raw.socket.resetAndDestroy();
}

async function deliver(current: Exchange, reply: Reply): Promise<void> {
  const { response, entry, fault, settings, requestId } = current;
  const skew = fault?.type === 'date' ? fault.skewMs : 0;
  response.sendDate = false;
  response.setHeader('date', new Date(settings.clock() + skew).toUTCString());
  response.setHeader('server', 'AmazonS3');
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('x-amz-id-2', `host-of-${requestId}`);
  entry.status = reply.status;
  if (fault?.type === 'status' && reply.status === fault.status) entry.errorCode = fault.code;
  await send(response, reply, {
    head: current.raw.method === 'HEAD',
    fault,
    signal: current.closing,
    sent(bytes) {
      entry.bytesOut += bytes;
      current.log.changed();
    },
  });
}
