export { encodeEvent, eventPath, REGISTERING_EVENT_TYPES, STAGE_EVENT_TYPES, Timestamp } from './event.ts';
export type { AuditEvent, EncodedEvent, EventDocument } from './event.ts';
export {
  buildEventLog,
  isAncestor,
  loadEventLog,
  logAt,
  stagesInLog,
  stageTips,
  tipsOf,
} from './event-log.ts';
export type { DamagedEvent, EventLog } from './event-log.ts';
export { EventSummary, summariseEvent } from './event-summary.ts';
export { encodeRepositoryEvent, loadRepositoryLog } from './repository-event.ts';
export type { RepositoryEvent, RepositoryEventDocument } from './repository-event.ts';
