import { ConflictError, IntegrityError } from '../../errors.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { MalformedError } from './inspection.ts';

export interface JsonObject {
  readonly [key: string]: unknown;
}

/**
 * Parses JSON from a model: UTF-8, no duplicate keys, bounded size and depth, an object at the top.
 *
 * @param what how a warning names the text, such as `header`
 * @throws MalformedError
 */
export function parseObject(bytes: Uint8Array, what: string, maxDepth = 64): JsonObject {
  let value: unknown;
  try {
    value = parseJson(bytes, { source: what, maxBytes: 25 * 1024 * 1024, maxDepth });
  } catch (error) {
    if (error instanceof IntegrityError || error instanceof ConflictError)
      throw new MalformedError(error.message);
    throw error;
  }
  if (!isObject(value)) throw new MalformedError(`${what}: an object is expected`);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
