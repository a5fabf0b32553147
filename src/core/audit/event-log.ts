import type { MlopsError } from '../../errors.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { loadDirectory } from '../repository/directory-index.ts';
import { eventsDirectory } from '../repository/layout.ts';
import { EVENT_CODEC } from './event-codec.ts';
import { parseEvent, STAGE_EVENT_TYPES, type AuditEvent } from './event.ts';

/** A file in an events directory that is no valid event. */
export interface DamagedEvent {
  name: string;
  error: MlopsError;
}

/** What an event needs for its place in the graph. */
export type GraphEvent = Pick<AuditEvent, 'id' | 'time' | 'parents'>;

type EventLookup<E> = Pick<ReadonlyMap<string, E>, 'get' | 'has'>;

/** The audit trail of one model, or of the repository: a directed acyclic graph of events, ordered by their parents. */
export interface EventLog<E extends GraphEvent = AuditEvent> {
  /** Newest first: an event comes before its parents; events that neither knew of come by time, then id. */
  readonly newestFirst: readonly E[];
  readonly byId: EventLookup<E>;
  /** Ids that no event names as a parent, sorted. They become the parents of the next event. */
  readonly heads: readonly string[];
  /** Parents that are named and not there. */
  readonly missingParents: readonly { event: E; parent: string }[];
  readonly damaged: readonly DamagedEvent[];
}

/**
 * Which events there are is settled before this returns its promise.
 *
 * @param options.fresh read every file, leaning on no index
 */
export async function loadEventLog(
  documents: DocumentStore,
  model: string,
  options: { fresh?: boolean | undefined } = {},
): Promise<EventLog> {
  const files = await loadDirectory<AuditEvent>(documents, {
    directory: eventsDirectory(model),
    index: { name: `events-${model}`, version: 'event/1', codec: EVENT_CODEC },
    parse: (bytes, name) => parseEvent(bytes, { model, name }),
    fresh: options.fresh,
  });
  const events: AuditEvent[] = [];
  const damaged: DamagedEvent[] = [];
  for (const { name, value, error } of files) {
    if (value !== undefined) events.push(value);
    else if (error !== undefined) damaged.push({ name, error });
  }
  return buildEventLog(events, damaged);
}

export function buildEventLog<E extends GraphEvent>(
  events: readonly E[],
  damaged: readonly DamagedEvent[] = [],
): EventLog<E> {
  const graph = buildGraph(events);
  const heads: string[] = [];
  for (const [place, { id }] of graph.events.entries()) if (graph.children[place] === 0) heads.push(id);
  heads.sort();
  const { missingParents } = graph;
  return {
    // Before it is used up.
    newestFirst: sortNewestFirst(graph, heads),
    byId: new EventsById(graph),
    heads,
    missingParents,
    damaged,
  };
}

/** Events by their place, as numbers are what fifty thousand of them can be counted with quickly. */
interface Graph<E> {
  /** Each once. */
  events: E[];
  places: Map<string, number>;
  /** How many events name this one as a parent. */
  children: Int32Array;
  missingParents: { event: E; parent: string }[];
}

function buildGraph<E extends GraphEvent>(given: readonly E[]): Graph<E> {
  const places = new Map<string, number>();
  const events: E[] = [];
  for (const event of given) {
    const place = places.get(event.id) ?? events.length;
    if (place === events.length) places.set(event.id, place);
    events[place] = event;
  }
  const children = new Int32Array(events.length);
  const missingParents: Graph<E>['missingParents'] = [];
  for (const event of events) {
    for (const parent of distinct(event.parents)) {
      const place = places.get(parent);
      if (place === undefined) missingParents.push({ event, parent });
      else children[place] = (children[place] ?? 0) + 1;
    }
  }
  return { events, places, children, missingParents };
}

class EventsById<E> implements EventLookup<E> {
  readonly #graph: Graph<E>;

  constructor(graph: Graph<E>) {
    this.#graph = graph;
  }

  has(id: string): boolean {
    return this.#graph.places.has(id);
  }

  get(id: string): E | undefined {
    const place = this.#graph.places.get(id);
    return place === undefined ? undefined : this.#graph.events[place];
  }
}

/** Kahn's algorithm from the heads towards the first event; `children` is used up. */
function sortNewestFirst<E extends GraphEvent>(
  { events, places, children }: Graph<E>,
  heads: readonly string[],
): E[] {
  // Ascending, so that the newest of the ready events is taken from the end. Few are ready at a time: one a branch.
  const ready: E[] = [];
  const order: E[] = [];
  const makeReady = (event: E | undefined): void => {
    if (event === undefined) return;
    let at = ready.length;
    while (at > 0 && isOlder(event, ready[at - 1])) at -= 1;
    ready.splice(at, 0, event);
  };
  for (const id of heads) makeReady(events[places.get(id) ?? -1]);
  for (let event = ready.pop(); event !== undefined; event = ready.pop()) {
    order.push(event);
    for (const parent of distinct(event.parents)) {
      const place = places.get(parent);
      if (place === undefined) continue;
      const left = (children[place] ?? 0) - 1;
      children[place] = left;
      if (left === 0) makeReady(events[place]);
    }
  }
  return order;
}

/** Nearly every event has one parent, and there may be fifty thousand of them. */
function distinct(parents: readonly string[]): Iterable<string> {
  return parents.length < 2 ? parents : new Set(parents);
}

function isOlder(event: GraphEvent, other: GraphEvent | undefined): boolean {
  if (other === undefined) return false;
  return event.time < other.time || (event.time === other.time && event.id < other.id);
}

/**
 * The events that moved this stage and that no later move of it knew of, newest first (docs/format.md, Replay). One in a
 * straight history, several when branches moved the stage at the same time.
 */
export function stageTips(log: EventLog, stage: string): AuditEvent[] {
  return tipsOf(log, ({ type, subject }) => subject.stage === stage && STAGE_EVENT_TYPES.has(type));
}

/** The events that `isMove` picks and that no later one of them knew of, newest first. */
export function tipsOf<E extends GraphEvent>(log: EventLog<E>, isMove: (event: E) => boolean): E[] {
  const overtaken = new Set<string>();
  // Events that are still to come and that no move is known to descend from; once there are none, there are no more tips.
  const open = new Set(log.heads);
  const tips: E[] = [];
  for (const event of log.newestFirst) {
    if (open.size === 0) break;
    const moves = isMove(event);
    const passed = overtaken.has(event.id);
    if (moves && !passed) tips.push(event);
    open.delete(event.id);
    for (const parent of event.parents) {
      if (moves || passed) {
        overtaken.add(parent);
        open.delete(parent);
      } else if (!overtaken.has(parent) && log.byId.has(parent)) {
        open.add(parent);
      }
    }
  }
  return tips;
}

/** True when `ancestor` is reachable from `event` through parents. */
export function isAncestor(log: EventLog, ancestor: string, event: string): boolean {
  const seen = new Set<string>([event]);
  const open = [event];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const parent of log.byId.get(id)?.parents ?? []) {
      if (parent === ancestor) return true;
      if (!seen.has(parent)) {
        seen.add(parent);
        open.push(parent);
      }
    }
  }
  return false;
}

/** The log as it was known at a moment: the events whose time is not later. */
export function logAt(log: EventLog, time: Date): EventLog {
  const limit = time.toISOString();
  return buildEventLog(log.newestFirst.filter((event) => event.time <= limit));
}

/** The names of all stages that any event ever moved. */
export function stagesInLog(log: EventLog): Set<string> {
  const stages = new Set<string>();
  for (const event of log.newestFirst) {
    if (event.subject.stage !== undefined && STAGE_EVENT_TYPES.has(event.type))
      stages.add(event.subject.stage);
  }
  return stages;
}
