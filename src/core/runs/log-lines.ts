import * as z from 'zod';
import { unsafePathProblem } from '../../lib/safe-path.ts';
import { isDate, isKey, isLoggedModelId, isTime, RUN_LIMITS } from './limits.ts';
import { parseObject } from './metric-lines.ts';
import { LOGGED_MODEL_STATUSES, RUN_STATUSES } from './run.ts';

export const Key = z.string().refine(isKey, 'is no key');
export const ParamValue = z.string().max(RUN_LIMITS.paramLength);
export const TagValue = z.string().max(RUN_LIMITS.tagLength);
export const Milliseconds = z.number().refine(isTime, 'is no time');
/** A time that a document can hold as text. */
const When = z.number().refine(isDate, 'is no time of the years 1970 to 9999');
export const Text = z.string().max(RUN_LIMITS.textLength);
const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const Bytes = z.number().int().min(0);
export const LoggedModelId = z.string().refine(isLoggedModelId, 'is no id of a logged model');
export const Entries = z.array(z.object({ key: Key, value: TagValue })).max(RUN_LIMITS.entries);

export const Dataset = z.object({
  name: Text,
  digest: Text,
  sourceType: Text,
  source: z.string().max(RUN_LIMITS.lineBytes),
  schema: z.string().max(RUN_LIMITS.lineBytes).optional(),
  profile: z.string().max(RUN_LIMITS.lineBytes).optional(),
  tags: Entries.default([]),
});

export const Link = z.object({ model: LoggedModelId, step: z.number().int().default(0) });

export const Mount = z.object({
  path: z.string().refine((path) => path === '' || unsafePathProblem(path) === undefined, 'is no safe path'),
  digest: Digest,
  kind: z.enum(['file', 'directory']),
  size: Bytes,
  files: Bytes,
});

export const Version = z.object({ model: z.string().max(128), version: z.string().max(64), digest: Digest });

export const Usage = z.object({
  cpuSeconds: z.number().min(0).optional(),
  maxMemoryBytes: Bytes.optional(),
  output: z
    .array(z.object({ key: z.enum(['stdout', 'stderr']), value: Bytes }))
    .max(2)
    .optional(),
});

export const Writer = z.object({
  host: z.string().max(1000),
  bootId: z.string().max(1000),
  pid: z.number().int().positive(),
  processStart: z.string().max(1000),
});

/** What one line of log.jsonl says, docs/format.md section 5.9. */
const LogLine = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('log'), time: When, id: z.string().regex(/^[0-9a-f]{16}$/) }),
    z.object({ type: z.literal('param'), time: When, key: Key, value: ParamValue }),
    z.object({ type: z.literal('tag'), time: When, key: Key, value: TagValue }),
    z.object({ type: z.literal('tag-removed'), time: When, key: Key }),
    z.object({ type: z.literal('name'), time: When, name: z.string().max(RUN_LIMITS.nameLength) }),
    z.object({
      type: z.literal('status'),
      time: When,
      status: z.enum([...RUN_STATUSES, ...LOGGED_MODEL_STATUSES]),
      endedAt: When.optional(),
      exitCode: z.number().int().min(0).max(255).optional(),
      reason: Text.optional(),
      presumed: z.literal(true).optional(),
    }),
    z.object({ type: z.literal('lifecycle'), time: When, lifecycle: z.enum(['active', 'deleted']) }),
    z.object({ type: z.literal('writer'), time: When, ...Writer.partial().shape }),
    z.object({ type: z.literal('input'), time: When, ...Dataset.shape }),
    z.object({ type: z.literal('model-input'), time: When, ...Link.shape }),
    z.object({ type: z.literal('model-output'), time: When, ...Link.shape }),
    z.object({
      type: z.literal('artifact'),
      time: When,
      ...Mount.shape,
      replaces: z.literal(true).optional(),
    }),
    z.object({ type: z.literal('artifacts-cleared'), time: When }),
    z.object({ type: z.literal('version'), time: When, ...Version.shape }),
    z.object({ type: z.literal('usage'), time: When, ...Usage.shape }),
  ]),
);
export type LogLine = z.output<typeof LogLine>;

/** Undefined for an interrupted write, and for a type or a form that this program does not know. */
export function decodeLogLine(line: string): LogLine | undefined {
  const found = parseObject(line);
  return found === undefined ? undefined : LogLine.safeParse(found).data;
}

/** One line, keys sorted at every level. */
export function encodeLogLine(line: LogLine): string {
  return `${JSON.stringify(sorted(line))}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([first], [second]) => (first < second ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
