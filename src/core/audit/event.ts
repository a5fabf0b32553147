import * as z from 'zod';
import { IntegrityError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import { digestOf } from '../repository/digest.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { eventsDirectory, gitPath } from '../repository/layout.ts';

/** RFC 3339 in UTC with milliseconds; equal width, so that text order is time order. */
export const Timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'must be RFC 3339 in UTC with milliseconds');
export const EventType = z.string().regex(/^[a-z][a-z-]{0,31}$/);

/** docs/format.md section 5.4. Loose, because a newer program may add members and types. */
const EventDocument = z.lazy(() => {
  const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
  // Wider than any name of today, but never more than one part of a path and fit for a terminal.
  const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
  const FreeText = z.string().max(20_000);
  return z.looseObject({
    schema: z.literal('mlops.event/1'),
    type: EventType,
    subject: z.looseObject({ model: Name, version: Name.optional(), stage: Name.optional() }),
    from: Name.optional(),
    to: Name.optional(),
    digest: Digest.optional(),
    actor: z.string().min(1).max(1000),
    time: Timestamp,
    reason: FreeText.optional(),
    evidence: z.array(z.looseObject({ type: z.string().max(64), digest: Digest })).max(1000),
    parents: z.array(Digest).max(1000),
    changes: z
      .looseObject({
        tags: z.record(z.string().max(250), z.string().max(8000)).optional(),
        description: FreeText.optional(),
      })
      .optional(),
    tool: z.string().max(200),
  });
});

export type EventDocument = z.output<typeof EventDocument>;

/** An event with its identity: the digest of its bytes. */
export interface AuditEvent extends EventDocument {
  id: string;
}

/** The types that move a stage pointer. */
export const STAGE_EVENT_TYPES: ReadonlySet<string> = new Set(['promoted', 'rolled-back', 'resolved']);

/** The types that make a record count as a version. */
export const REGISTERING_EVENT_TYPES: ReadonlySet<string> = new Set(['saved', 'imported']);

export interface EncodedEvent {
  id: string;
  /** Path below `.mlops`. */
  path: string;
  bytes: Uint8Array;
}

/** @throws UsageError `LIMIT_EXCEEDED` for what a reader would refuse */
export function encodeEvent(event: EventDocument): EncodedEvent {
  const bytes = encodeChecked(event as unknown as JsonValue, EventDocument, 'the event');
  const id = digestOf(bytes);
  return { id, bytes, path: eventPath(event, id) };
}

/** Path of an event below `.mlops`. */
export function eventPath(event: EventDocument, id: string): string {
  return `${eventsDirectory(event.subject.model)}/${eventFileName(event, id)}`;
}

/** The name that the time, the type and the bytes of an event call for. */
export function eventFileName(event: Pick<EventDocument, 'time' | 'type'>, id: string): string {
  const time = event.time.replaceAll(/[-:.]/g, '');
  return `${time}-${event.type}-${id.slice('sha256:'.length, 'sha256:'.length + 16)}.json`;
}

/**
 * One event file. Its name must be the one its bytes call for, so a changed, renamed or moved event is found.
 * @throws IntegrityError `EVENT_DAMAGED`, and whatever `parseDocument` throws
 */
export function parseEvent(bytes: Uint8Array, file: { model: string; name: string }): AuditEvent {
  const path = gitPath(`${eventsDirectory(file.model)}/${file.name}`);
  const event = parseDocument(bytes, EventDocument, { path, canonical: true });
  const id = digestOf(bytes);
  if (eventFileName(event, id) !== file.name) {
    throw new IntegrityError(
      'EVENT_DAMAGED',
      `${path}: its bytes or its name were changed after it was written`,
      {
        hint: `restore it from Git: git log --diff-filter=AM -- ${path}`,
      },
    );
  }
  if (event.subject.model !== file.model) {
    throw new IntegrityError('EVENT_DAMAGED', `${path}: is about the model "${event.subject.model}"`, {
      hint: 'move it back to the directory of its model',
    });
  }
  return { ...event, id };
}
