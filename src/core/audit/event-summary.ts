import * as z from 'zod';
import type { AuditEvent } from './event.ts';

/** An event as every `--json` output shows it. */
export const EventSummary = z.lazy(() =>
  z.object({
    id: z.string(),
    type: z.string(),
    model: z.string(),
    version: z.string().nullable(),
    stage: z.string().nullable(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    digest: z.string().nullable(),
    actor: z.string(),
    time: z.string(),
    reason: z.string().nullable(),
  }),
);
export type EventSummary = z.output<typeof EventSummary>;

export function summariseEvent(event: AuditEvent): EventSummary {
  const { id, type, subject, from, to, digest, actor, time, reason } = event;
  return {
    id,
    type,
    model: subject.model,
    version: subject.version ?? null,
    stage: subject.stage ?? null,
    from: from ?? null,
    to: to ?? null,
    digest: digest ?? null,
    actor,
    time,
    reason: reason ?? null,
  };
}
