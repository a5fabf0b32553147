import * as z from 'zod';
import { IntegrityError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { digestOf } from '../repository/digest.ts';
import { jsonCodec, loadDirectory } from '../repository/directory-index.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { gitPath, REPOSITORY_EVENTS_DIRECTORY } from '../repository/layout.ts';
import { eventFileName, EventType, Timestamp, type EncodedEvent } from './event.ts';
import { buildEventLog, type DamagedEvent, type EventLog } from './event-log.ts';

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** docs/format.md section 5.4, the events of the whole repository. Loose, because a newer program may add members and types. */
const RepositoryEventDocument = z.lazy(() =>
  z
    .looseObject({
      schema: z.literal('mlops.event/1'),
      type: EventType,
      subject: z.looseObject({ path: z.string().min(1).max(4096).optional() }),
      from: z.string().max(1000).optional(),
      to: z.string().max(1000).optional(),
      digest: Digest.optional(),
      actor: z.string().min(1).max(1000),
      time: Timestamp,
      reason: z.string().max(20_000).optional(),
      evidence: z.array(z.looseObject({ type: z.string().max(64), digest: Digest })).max(1000),
      parents: z.array(Digest).max(1000),
      tool: z.string().max(200),
    })
    .refine(isCompleteDataEvent, 'an event of tracked data names its path and digests'),
);

export type RepositoryEventDocument = z.output<typeof RepositoryEventDocument>;

/** An event with its identity: the digest of its bytes. */
export interface RepositoryEvent extends RepositoryEventDocument {
  id: string;
}

function isCompleteDataEvent({
  type,
  subject,
  from,
  to,
  digest,
}: {
  type: string;
  subject: { path?: string | undefined };
  from?: string | undefined;
  to?: string | undefined;
  digest?: string | undefined;
}): boolean {
  if (type !== 'tracked' && type !== 'untracked') return true;
  const plain = [from, to].every((each) => each === undefined || Digest.safeParse(each).success);
  if (subject.path === undefined || !plain) return false;
  return type === 'untracked' || (to !== undefined && to === digest);
}

/** @throws UsageError `LIMIT_EXCEEDED` for what a reader would refuse */
export function encodeRepositoryEvent(event: RepositoryEventDocument): EncodedEvent {
  const bytes = encodeChecked(event as unknown as JsonValue, RepositoryEventDocument, 'the event');
  const id = digestOf(bytes);
  return { id, bytes, path: repositoryEventPath(event, id) };
}

/** Path of an event below `.mlops`. */
export function repositoryEventPath(event: RepositoryEventDocument, id: string): string {
  return `${REPOSITORY_EVENTS_DIRECTORY}/${eventFileName(event, id)}`;
}

/** @throws IntegrityError `EVENT_DAMAGED`, and whatever `parseDocument` throws */
export function parseRepositoryEvent(bytes: Uint8Array, name: string): RepositoryEvent {
  const path = gitPath(`${REPOSITORY_EVENTS_DIRECTORY}/${name}`);
  const event = parseDocument(bytes, RepositoryEventDocument, { path, canonical: true });
  const id = digestOf(bytes);
  if (eventFileName(event, id) === name) return { ...event, id };
  throw new IntegrityError(
    'EVENT_DAMAGED',
    `${path}: its bytes or its name were changed after it was written`,
    {
      hint: `restore it from Git: git log --diff-filter=AM -- ${path}`,
    },
  );
}

/**
 * The audit trail of what concerns the whole repository.
 * @param options.fresh read every file, leaning on no index
 */
export async function loadRepositoryLog(
  documents: DocumentStore,
  options: { fresh?: boolean | undefined } = {},
): Promise<EventLog<RepositoryEvent>> {
  const files = await loadDirectory<RepositoryEvent>(documents, {
    directory: REPOSITORY_EVENTS_DIRECTORY,
    index: { name: 'repository-events', version: 'repository-event/1', codec: jsonCodec() },
    parse: parseRepositoryEvent,
    fresh: options.fresh,
  });
  const events: RepositoryEvent[] = [];
  const damaged: DamagedEvent[] = [];
  for (const { name, value, error } of files) {
    if (value !== undefined) events.push(value);
    else if (error !== undefined) damaged.push({ name, error });
  }
  return buildEventLog(events, damaged);
}
