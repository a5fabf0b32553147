import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reply } from './context.ts';
import type { Fault } from './faults.ts';

interface Sending {
  readonly head: boolean;
  readonly fault: Fault | undefined;
  /** Ends every pause when the server closes. */
  readonly signal: AbortSignal;
  /** Told how much of the body has been handed to the connection. */
  readonly sent: (bytes: number) => void;
}

/** Writes the answer, at the pace and as far as the fault lets it; resolves when no more will come. */
export async function send(response: ServerResponse, reply: Reply, sending: Sending): Promise<void> {
  const { head, fault } = sending;
  const bodiless = reply.status === 204 || reply.status === 304;
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  if (!bodiless) response.setHeader('content-length', reply.body.size);
  response.writeHead(reply.status);
  response.flushHeaders();
  const limit = bodyLimit(fault);
  if (head || bodiless) {
    if (limit === undefined) response.end();
    else await stop(response, fault);
    return;
  }
  const end = Math.min(reply.body.size, limit ?? Infinity);
  for await (const chunk of reply.body.read(0, end)) {
    if (response.destroyed) return;
    if (fault?.type === 'drip') await drip(response, chunk, { ...fault, ...sending });
    else await write(response, chunk);
    if (fault?.type !== 'drip') sending.sent(chunk.length);
  }
  if (limit === undefined) response.end();
  else await stop(response, fault);
}

function bodyLimit(fault: Fault | undefined): number | undefined {
  if (fault?.type === 'truncate') return fault.bytes;
  return fault?.type === 'reset-response' || fault?.type === 'hang' ? fault.afterBytes : undefined;
}

/** Ends the connection in the fault's way once what was written has left. */
async function stop(response: ServerResponse, fault: Fault | undefined): Promise<void> {
  const { socket } = response;
  if (fault?.type === 'hang' || socket === null || socket.destroyed) return;
  // An empty write is called back after all that came before it.
  await new Promise<void>((resolve) => void socket.write('', () => resolve()));
  if (fault?.type === 'truncate') socket.destroySoon();
  else socket.resetAndDestroy();
}

async function write(response: ServerResponse, chunk: Buffer): Promise<void> {
  if (response.write(chunk) || response.destroyed) return;
  const closed = new AbortController();
  const { signal } = closed;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).finally(() =>
    closed.abort(),
  );
}

async function drip(
  response: ServerResponse,
  chunk: Buffer,
  pace: { bytes: number; intervalMs: number; signal: AbortSignal; sent: (bytes: number) => void },
): Promise<void> {
  for (let offset = 0; offset < chunk.length; offset += pace.bytes) {
    const piece = chunk.subarray(offset, offset + pace.bytes);
    await write(response, piece);
    pace.sent(piece.length);
    await pause(pace.intervalMs, undefined, { signal: pace.signal });
    if (response.destroyed) return;
  }
}
