import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildEventLog,
  isAncestor,
  logAt,
  stagesInLog,
  stageTips,
  type AuditEvent,
} from '../../../src/core/audit/index.ts';

const id = (number: number): string => `sha256:${String(number).padStart(64, '0')}`;
const TIMES = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z', '2026-01-02T00:00:00.000Z'];
const TYPES = ['saved', 'promoted', 'rolled-back', 'resolved', 'annotated', 'reviewed'];
const MOVES = new Set(['promoted', 'rolled-back', 'resolved']);

interface Shape {
  parents: number[];
  time: number;
  type: number;
  stage: number;
}

/** A random directed acyclic graph: an event's parents are among those before it. */
const graphs = fc
  .array(
    fc.record({
      parents: fc.array(fc.nat(1000), { maxLength: 3 }),
      time: fc.nat(TIMES.length - 1),
      type: fc.nat(TYPES.length - 1),
      stage: fc.nat(1),
    }),
    { maxLength: 24 },
  )
  .map((shapes: Shape[]) =>
    shapes.map((shape, index): AuditEvent => {
      const parents = index === 0 ? [] : [...new Set(shape.parents.map((parent) => id(parent % index)))];
      const type = TYPES[shape.type] ?? 'saved';
      const stage = MOVES.has(type) ? { stage: shape.stage === 0 ? 'production' : 'staging' } : {};
      return {
        schema: 'mlops.event/1',
        id: id(index),
        type,
        subject: { model: 'fraud', version: 'v1', ...stage },
        actor: 'someone',
        time: TIMES[shape.time] ?? '',
        to: 'v1',
        evidence: [],
        parents: parents.toSorted(),
        tool: 'mlops/test',
      };
    }),
  );

const shuffledGraphs = graphs.chain((events) =>
  fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
);

/** All events reachable through parents, by brute force. */
function ancestorsOf(events: readonly AuditEvent[], event: AuditEvent): Set<string> {
  const found = new Set<string>();
  const open = [...event.parents];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(events.find((candidate) => candidate.id === next)?.parents ?? []));
  }
  return found;
}

describe('a log of events in any graph', () => {
  test('lists every event once, before its parents', () => {
    fc.assert(
      fc.property(shuffledGraphs, ([events, shuffled]) => {
        const order = buildEventLog(shuffled).newestFirst.map((event) => event.id);
        expect(order.toSorted()).toEqual(events.map((event) => event.id).toSorted());
        for (const event of events) {
          for (const parent of event.parents)
            expect(order.indexOf(event.id)).toBeLessThan(order.indexOf(parent));
        }
      }),
    );
  });

  test('gives the same order whatever order the files are read in', () => {
    fc.assert(
      fc.property(shuffledGraphs, ([events, shuffled]) => {
        expect(buildEventLog(shuffled).newestFirst).toEqual(buildEventLog(events).newestFirst);
      }),
    );
  });

  test('knows as heads exactly the events that nobody names as a parent', () => {
    fc.assert(
      fc.property(graphs, (events) => {
        const named = new Set(events.flatMap(({ parents }) => parents));
        const heads = events.map((event) => event.id).filter((candidate) => !named.has(candidate));
        expect(buildEventLog(events).heads).toEqual(heads.toSorted());
      }),
    );
  });

  test('knows as tips of a stage exactly its moves that are no ancestor of another move of it', () => {
    fc.assert(
      fc.property(graphs, (events) => {
        const log = buildEventLog(events);
        for (const stage of ['production', 'staging']) {
          const moves = events.filter(({ type, subject }) => MOVES.has(type) && subject.stage === stage);
          const overtaken = new Set(moves.flatMap((move) => [...ancestorsOf(events, move)]));
          const tips = moves.map((move) => move.id).filter((move) => !overtaken.has(move));
          expect(
            stageTips(log, stage)
              .map((tip) => tip.id)
              .toSorted(),
          ).toEqual(tips.toSorted());
        }
      }),
    );
  });

  test('tells ancestors as brute force does', () => {
    fc.assert(
      fc.property(graphs, fc.nat(1000), fc.nat(1000), (events, first, second) => {
        fc.pre(events.length > 0);
        const [above, below] = [events[first % events.length], events[second % events.length]];
        if (above === undefined || below === undefined) throw new Error('unreachable');
        const expected = ancestorsOf(events, below).has(above.id);
        expect(isAncestor(buildEventLog(events), above.id, below.id)).toBe(expected);
      }),
    );
  });

  test('names each parent that is not there, and orders the rest', () => {
    fc.assert(
      fc.property(graphs, fc.nat(1000), (events, victim) => {
        fc.pre(events.length > 0);
        const lost = events[victim % events.length]?.id ?? '';
        const left = events.filter((event) => event.id !== lost);
        const log = buildEventLog(left);
        const mourners = left.filter(({ parents }) => parents.includes(lost)).map((event) => event.id);
        expect(log.missingParents.map(({ event }) => event.id).toSorted()).toEqual(mourners.toSorted());
        expect(log.missingParents.every(({ parent }) => parent === lost)).toBe(true);
        expect(log.newestFirst).toHaveLength(left.length);
      }),
    );
  });

  test('as it was at a moment holds the events that are not later', () => {
    fc.assert(
      fc.property(graphs, fc.constantFrom(...TIMES), (events, time) => {
        const then = logAt(buildEventLog(events), new Date(time));
        const expected = events.filter((event) => event.time <= time).map((event) => event.id);
        expect(then.newestFirst.map((event) => event.id).toSorted()).toEqual(expected.toSorted());
      }),
    );
  });
});

describe('a log with two branches', () => {
  const event = (number: number, parents: number[], rest: Partial<AuditEvent> = {}): AuditEvent => ({
    schema: 'mlops.event/1',
    id: id(number),
    type: 'promoted',
    subject: { model: 'fraud', version: 'v1', stage: 'production' },
    actor: 'someone',
    time: TIMES[0] ?? '',
    evidence: [],
    parents: parents.map(id),
    tool: 'mlops/test',
    ...rest,
  });

  test('takes concurrent events by time, then by id', () => {
    const later = event(1, [0], { time: TIMES[1] ?? '' });
    const log = buildEventLog([event(0, []), later, event(2, [0]), event(3, [0])]);
    expect(log.newestFirst.map((each) => each.id)).toEqual([1, 3, 2, 0].map(id));
  });

  test('puts an event before its parent even where the clock of its writer was behind', () => {
    const log = buildEventLog([event(0, [], { time: TIMES[2] ?? '' }), event(1, [0])]);
    expect(log.newestFirst.map((each) => each.id)).toEqual([id(1), id(0)]);
  });

  test('a later annotation of another branch does not overtake a move it never knew of', () => {
    const note = event(2, [0], { type: 'annotated', subject: { model: 'fraud', version: 'v1' } });
    const log = buildEventLog([event(0, []), event(1, [0]), note]);
    expect(stageTips(log, 'production').map((tip) => tip.id)).toEqual([id(1)]);
  });

  test('a move after a merge joins both tips', () => {
    const log = buildEventLog([event(0, []), event(1, [0]), event(2, [0]), event(3, [1, 2])]);
    expect(stageTips(log, 'production').map((tip) => tip.id)).toEqual([id(3)]);
    expect(stagesInLog(log)).toEqual(new Set(['production']));
  });

  test('keeps an event of a type that it does not know in the graph', () => {
    const unknown = event(1, [0], { type: 'blessed' });
    const log = buildEventLog([event(0, []), unknown, event(2, [1])]);
    expect(log.heads).toEqual([id(2)]);
    expect(stageTips(log, 'production').map((tip) => tip.id)).toEqual([id(2)]);
  });
});
