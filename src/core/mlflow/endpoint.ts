import type * as z from 'zod';
import type { RunStore } from '../runs/index.ts';
import type { Repository } from '../repository/repository.ts';
import { parseInput } from './fields.ts';

/** What the endpoints work on. */
export interface Tracking {
  readonly repository: Repository;
  readonly store: RunStore;
  /** Told of what went well and still needs to be known, such as that Git could not be told of a file. */
  warn(message: string): void;
}

/** Plain data for JSON.stringify; members that are undefined are left out. */
export type Reply = Readonly<Record<string, unknown>>;

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api/2.0/mlflow`, with `{name}` for a part that is a field of the request. */
  readonly path: string;
  /** Bytes that a body has at most, where it is less than usual. */
  readonly mostBytes?: number;
  /** @param fields of the body or the query and of the path, not checked yet */
  answer(tracking: Tracking, fields: unknown): Promise<Reply>;
}

export function endpoint<S extends z.ZodType>(
  [method, path]: readonly [method: Endpoint['method'], path: string],
  schema: S,
  answer: (tracking: Tracking, input: z.output<S>) => Promise<Reply | undefined>,
): Endpoint {
  return {
    method,
    path,
    answer: async (tracking, fields) => (await answer(tracking, parseInput(schema, fields))) ?? {},
  };
}
