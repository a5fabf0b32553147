import { flippedBody, memoryBody, sliceBody } from './body.ts';
import type { Context, Reply } from './context.ts';
import { errorXml } from './error-document.ts';
import { S3Error } from './errors.ts';
import type { Fault } from './faults.ts';
import { parseRange } from './range.ts';
import { bucketOf } from './store.ts';

const USUAL_CODE: Readonly<Record<number, string>> = {
  400: 'InvalidRequest',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  409: 'ConditionalRequestConflict',
  412: 'PreconditionFailed',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'SlowDown',
};

const HTML =
  '<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head><body>Please sign in.</body></html>\n';

/** The answer that a fault gives without the operation being carried out, if it is one of those. */
export function replyInstead(fault: Fault | undefined, requestId: string): Reply | undefined {
  if (fault?.type === 'status' && fault.performed !== true) return statusReply(fault, requestId);
  if (fault?.type !== 'html-200') return undefined;
  if (fault.body === 'html') {
    return { status: 200, headers: { 'content-type': 'text/html' }, body: memoryBody([Buffer.from(HTML)]) };
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: memoryBody([
      errorXml({
        code: 'InternalError',
        message: 'We encountered an internal error. Please try again.',
        resource: '/',
        requestId,
      }),
    ]),
  };
}

/** The answer to a request that was carried out, spoilt as the fault says. */
export function spoilt(reply: Reply, context: Context, requestId: string): Reply {
  const { fault } = context;
  switch (fault?.type) {
    case 'status':
      return statusReply(fault, requestId);
    case 'short':
      return { ...reply, body: sliceBody(reply.body, 0, fault.bytes) };
    case 'flip':
      return { ...reply, body: flippedBody(reply.body, fault.at ?? reply.body.size >> 1) };
    case 'etag':
      return { ...reply, headers: { ...reply.headers, etag: `"${fault.etag}"` } };
    case 'wrong-range':
      return wrongRange(reply, context, fault.how);
    default:
      return reply;
  }
}

function statusReply(fault: Extract<Fault, { type: 'status' }>, requestId: string): Reply {
  const code = fault.code ?? USUAL_CODE[fault.status] ?? 'InternalError';
  const retry = fault.retryAfterSeconds;
  return {
    status: fault.status,
    headers: {
      'content-type': 'application/xml',
      ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
    },
    body: memoryBody([
      errorXml({ code, message: `The test asked for ${fault.status} ${code}.`, resource: '/', requestId }),
    ]),
  };
}

function wrongRange(
  reply: Reply,
  { request, store }: Context,
  how: Extract<Fault, { type: 'wrong-range' }>['how'],
): Reply {
  const object = bucketOf(store, request.bucket).get(request.key);
  if (reply.status !== 206 || object === undefined) return reply;
  const { size } = object.body;
  const { 'content-range': _, ...headers } = reply.headers;
  if (how === 'ignored') return { status: 200, headers, body: object.body };
  if (how === 'unsatisfiable') {
    throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
      ActualObjectSize: String(size),
    });
  }
  const range = parseRange(request.header('range'), size) ?? { start: 0, end: size };
  const start = range.end < size ? range.start + 1 : Math.max(range.start - 1, 0);
  const end = Math.min(start + (range.end - range.start), size) - (start === range.start ? 1 : 0);
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}` },
    body: sliceBody(object.body, start, end),
  };
}
