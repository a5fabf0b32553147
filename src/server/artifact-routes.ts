import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import {
  deleteArtifact,
  listArtifacts,
  MlflowError,
  openArtifact,
  putArtifact,
  type Reply,
  type Tracking,
} from '../core/mlflow/index.ts';

export interface ArtifactRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Below `mlflow-artifacts/artifacts`, still encoded; empty for the service itself. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** @returns undefined when the response was written here */
export async function answerArtifacts(
  tracking: Tracking,
  { request, response, path: encoded, query }: ArtifactRequest,
): Promise<Reply | undefined> {
  if (encoded === '') {
    if (request.method === 'GET') return listArtifacts(tracking, query.get('path') ?? '');
    throw new MlflowError('ENDPOINT_NOT_FOUND', 'there is no such endpoint');
  }
  const path = decoded(encoded);
  if (request.method === 'PUT') return putArtifact(tracking.store, path, bytesOf(request));
  if (request.method === 'DELETE') return deleteArtifact(tracking.store, path);
  if (request.method !== 'GET') throw new MlflowError('ENDPOINT_NOT_FOUND', 'there is no such endpoint');
  const opened = await openArtifact(tracking, path);
  // Whatever a file holds, a browser saves it and runs nothing of it.
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': opened.size,
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(opened.name)}`,
    'x-content-type-options': 'nosniff',
  });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for await (const piece of opened.read({ signal: gone.signal }))
    if (!response.write(piece)) await once(response, 'drain', { signal: gone.signal });
  response.end();
  return undefined;
}

/** A body that was cut off ends in an error here, so that nothing of it is kept. */
async function* bytesOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  for await (const piece of request) yield piece as Buffer;
  if (!request.complete) throw new MlflowError('BAD_REQUEST', 'the body of the request was cut off');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new MlflowError('INVALID_PARAMETER_VALUE', 'Invalid path', { cause });
  }
}
