import { tipsOf, type EventLog, type RepositoryEvent } from '../audit/index.ts';

/** The events that tracked or untracked this path and that no later one of them knew of, newest first. */
export function dataTips(log: EventLog<RepositoryEvent>, path: string): RepositoryEvent[] {
  return tipsOf(log, (event) => isDataEvent(event) && event.subject.path === path);
}

export function isDataEvent({ type }: RepositoryEvent): boolean {
  return type === 'tracked' || type === 'untracked';
}
