import type { IncomingMessage } from 'node:http';
import { MlflowError } from '../core/mlflow/index.ts';

const MOST_BYTES = 16 * 1024 * 1024;
const MOST_DEPTH = 32;
const MOST_DISCARDED = 16 * 1024 * 1024;

/**
 * The fields of a request: of its query for GET, otherwise of its JSON body, and those of its path.
 *
 * @throws MlflowError `BAD_REQUEST`, `INVALID_PARAMETER_VALUE`
 */
export async function readFields(
  request: IncomingMessage,
  { query, path, mostBytes = MOST_BYTES }: FieldSources,
): Promise<Readonly<Record<string, unknown>>> {
  const fields = new Map<string, unknown>(
    request.method === 'GET' ? queryFields(query) : await bodyFields(request, mostBytes),
  );
  for (const [name, value] of path) fields.set(name, value);
  return Object.fromEntries([...fields].filter(([name]) => name !== '__proto__'));
}

export interface FieldSources {
  readonly query: URLSearchParams;
  readonly path: ReadonlyMap<string, string>;
  readonly mostBytes?: number | undefined;
}

function queryFields(query: URLSearchParams): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    fields.set(name, values.length === 1 ? values[0] : values);
  }
  return fields;
}

async function bodyFields(request: IncomingMessage, mostBytes: number): Promise<[string, unknown][]> {
  const text = (await readBody(request, mostBytes)).toString('utf8');
  if (text.trim() === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MlflowError('BAD_REQUEST', 'Malformed request: the body is no JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MlflowError('BAD_REQUEST', 'Malformed request: the body is no JSON object');
  assertDepth(value);
  return Object.entries(value);
}

/** What is too large is read to its end where that is near, since many clients read an answer only after they sent everything. */
async function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    const bytes = piece as Buffer;
    size += bytes.length;
    if (size > mostBytes + MOST_DISCARDED) break;
    if (size <= mostBytes) pieces.push(bytes);
  }
  if (size > mostBytes) {
    throw new MlflowError(
      'INVALID_PARAMETER_VALUE',
      `the body of the request has more than ${mostBytes} bytes`,
    );
  }
  return Buffer.concat(pieces);
}

function assertDepth(top: object): void {
  const waiting: { value: unknown; depth: number }[] = [{ value: top, depth: 1 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MOST_DEPTH) throw new MlflowError('BAD_REQUEST', 'Malformed request: nested too deeply');
    for (const child of Object.values(value)) waiting.push({ value: child, depth: depth + 1 });
  }
}
