import { request as httpRequest } from 'node:http';
import { onTestFinished } from 'vitest';
import { openRunStore, type RunStore } from '../../src/core/runs/index.ts';
import { startTrackingServer } from '../../src/server/tracking-server.ts';
import { memoryRepository, type MemoryRepository } from '../support/memory-repository.ts';

export interface Answer {
  status: number;
  body: Record<string, unknown>;
  text: string;
}

export interface SentRequest {
  body?: object | string;
  headers?: Record<string, string>;
}

export interface Served {
  url: string;
  port: number;
  repository: MemoryRepository;
  store: RunStore;
  /** The path is sent as it is: nothing resolves its dots. */
  send(method: string, path: string, request?: SentRequest): Promise<Answer>;
  /** Below `/api/2.0/mlflow/`. */
  get(path: string): Promise<Answer>;
  post(path: string, body: object | string): Promise<Answer>;
  createRun(): Promise<string>;
}

export async function served({ token }: { token?: string } = {}): Promise<Served> {
  const repository = await memoryRepository();
  const store = await openRunStore(repository, { takesOver: true });
  const server = await startTrackingServer({
    tracking: { repository, store, warn: () => undefined },
    host: '127.0.0.1',
    port: 0,
    token,
  });
  onTestFinished(async () => {
    await server.close();
    await store.close();
  });
  const port = Number(new URL(server.url).port);
  const send: Served['send'] = (method, path, request = {}) => sent(port, { method, path, ...request });
  const post: Served['post'] = (path, body) => send('POST', `/api/2.0/mlflow/${path}`, { body });
  return {
    url: server.url,
    port,
    repository,
    store,
    send,
    get: (path) => send('GET', `/api/2.0/mlflow/${path}`),
    post,
    createRun: async () => {
      const { body } = await post('runs/create', { experiment_id: '0' });
      return (body['run'] as { info: { run_id: string } }).info.run_id;
    },
  };
}

function sent(port: number, request: SentRequest & { method: string; path: string }): Promise<Answer> {
  const { method, path, body, headers } = request;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { 'content-length': Buffer.byteLength(text), ...headers },
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(pieces).toString();
          const isJson = response.headers['content-type']?.startsWith('application/json') === true;
          resolve({
            status: response.statusCode ?? 0,
            text: answer,
            body: isJson ? (JSON.parse(answer) as Record<string, unknown>) : {},
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}
