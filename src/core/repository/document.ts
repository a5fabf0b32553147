import { isUtf8 } from 'node:buffer';
import type * as z from 'zod';
import { IntegrityError, UsageError } from '../../errors.ts';
import { canonicalJson, type JsonValue } from '../../lib/canonical-json.ts';
import { parseJson } from '../../lib/parse-json.ts';

export interface ParseDocumentOptions {
  /** Path below the Git root, for messages. */
  path: string;
  /** Require the canonical bytes, as records, events and pointers do. */
  canonical: boolean;
}

/**
 * One document of the repository: hostile bytes in, a typed value out, with the members it does not know kept.
 *
 * @throws IntegrityError `DOCUMENT_INVALID`, `JSON_INVALID`; ConflictError `MERGE_CONFLICT`;
 * UsageError `FORMAT_UNSUPPORTED` for a newer version of the document
 */
export function parseDocument<S extends z.ZodType>(
  bytes: Uint8Array,
  schema: S,
  options: ParseDocumentOptions,
): z.output<S> {
  const { path } = options;
  const proven = options.canonical ? parseCanonical(bytes) : undefined;
  const value = proven ?? parseJson(bytes, { source: path });
  const result = schema.safeParse(value);
  if (!result.success) {
    const newer = newerSchema(value);
    if (newer !== undefined) {
      throw new UsageError(
        'FORMAT_UNSUPPORTED',
        `${path} is written as ${newer}, which this version does not know`,
        {
          hint: 'install a newer mlops; the file is untouched',
        },
      );
    }
    const problems = result.error.issues.map(
      (issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`,
    );
    throw new IntegrityError('DOCUMENT_INVALID', `${path}: ${problems.slice(0, 3).join('; ')}`, {
      hint: `restore it from Git: git checkout HEAD -- ${path}`,
    });
  }
  if (options.canonical && proven === undefined && !isCanonical(value, bytes)) {
    throw new IntegrityError(
      'DOCUMENT_INVALID',
      `${path}: not in canonical form, so it was changed after it was written`,
      {
        hint: `restore it from Git: git checkout HEAD -- ${path}`,
      },
    );
  }
  return result.data;
}

const FEW_BRACKETS = 64;
const FORBIDDEN_KEY = /"(?:__proto__|constructor|prototype)"/;

/**
 * The quick way for the tens of thousands of small canonical documents: a text that is exactly what its value would be
 * written as has no duplicate keys, and with at most 64 brackets it is not nested deeper. Whatever is amiss, or could be,
 * goes the careful way, which also knows the position.
 */
function parseCanonical(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  if (text.split(/[{[]/, FEW_BRACKETS + 2).length > FEW_BRACKETS + 1 || FORBIDDEN_KEY.test(text))
    return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function isCanonical(value: unknown, bytes: Uint8Array): boolean {
  return Buffer.compare(Buffer.from(canonicalJson(value as JsonValue)), bytes) === 0;
}

/** `mlops.version/2` where this program knows version 1 only. Reports say it in `format`, as their `schema` is that of the data. */
function newerSchema(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { schema, format } = value as { schema?: unknown; format?: unknown };
  const name = typeof schema === 'string' ? schema : format;
  return typeof name === 'string' && /^mlops\.[a-z-]+\/([2-9]|[1-9][0-9]{1,5})$/.test(name)
    ? name
    : undefined;
}

/**
 * The bytes of a document that this program will be able to read again: what a reader would refuse is never written.
 *
 * @param what names the document in the message, such as "the record"
 * @throws UsageError `LIMIT_EXCEEDED`
 */
export function encodeChecked(value: JsonValue, schema: z.ZodType, what: string): Uint8Array {
  const bytes = encodeDocument(value);
  try {
    parseDocument(bytes, schema, { path: what, canonical: true });
  } catch (cause) {
    if (!(cause instanceof IntegrityError)) throw cause;
    throw new UsageError('LIMIT_EXCEEDED', `can't be written: ${cause.message}`, {
      hint: 'shorten what is named above; nothing was registered',
      cause,
    });
  }
  return bytes;
}

export function encodeDocument(value: JsonValue): Uint8Array {
  return Buffer.from(canonicalJson(value));
}
