import { IntegrityError, ConflictError } from '../errors.ts';
import { scanJson } from './scan-json.ts';

export interface ParseJsonOptions {
  /** The path or name to put into error messages. */
  source: string;
  /** Refuse more than this many bytes; default 10 MiB. */
  maxBytes?: number;
  /** Refuse deeper nesting than this; default 64. */
  maxDepth?: number;
}

const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;
const DEFAULT_MAX_DEPTH = 64;
const CONFLICT_MARKER = /^<{7}(?: |$)/m;

/**
 * Parses untrusted JSON. UTF-8 only, limits on size and depth, duplicate keys and the keys `__proto__`, `constructor` and
 * `prototype` refused, so that the value means the same to every reader and can't reach a prototype.
 *
 * @throws ConflictError `MERGE_CONFLICT` when the text holds Git conflict markers
 * @throws IntegrityError `JSON_INVALID` with the line and column of the first problem
 */
export function parseJson(bytes: Uint8Array, options: ParseJsonOptions): unknown {
  const { source, maxBytes = DEFAULT_MAX_BYTES, maxDepth = DEFAULT_MAX_DEPTH } = options;
  if (bytes.length > maxBytes) {
    throw new IntegrityError(
      'JSON_TOO_LARGE',
      `${source} has ${bytes.length} bytes; the limit is ${maxBytes}`,
    );
  }
  const text = decode(bytes, source);
  const marker = CONFLICT_MARKER.exec(text);
  if (marker !== null) {
    const line = text.slice(0, marker.index).split('\n').length;
    throw new ConflictError(
      'MERGE_CONFLICT',
      `${source}:${line}: the file holds an unresolved Git merge conflict`,
      {
        hint: 'settle it in Git, or see `mlops doctor` for the command that settles a stage',
      },
    );
  }
  const problem = scanJson(text, maxDepth);
  if (problem !== undefined) {
    const { line, column } = positionOf(text, problem.offset);
    throw new IntegrityError('JSON_INVALID', `${source}:${line}:${column}: ${problem.message}`, {
      hint: 'restore the file from Git, for example `git checkout HEAD -- <path>`',
    });
  }
  return JSON.parse(text) as unknown;
}

function decode(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new IntegrityError('JSON_INVALID', `${source}: not valid UTF-8`, { cause });
  }
}

function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
