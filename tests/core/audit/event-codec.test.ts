import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVENT_CODEC } from '../../../src/core/audit/event-codec.ts';
import type { AuditEvent } from '../../../src/core/audit/index.ts';

const digest = fc
  .bigInt({ min: 0n, max: 2n ** 256n - 1n })
  .map((number) => `sha256:${number.toString(16).padStart(64, '0')}`);
const time = fc
  .date({ min: new Date('1970-01-01T00:00:00.000Z'), max: new Date('2999-01-01T00:00:00.000Z') })
  .filter((date) => !Number.isNaN(date.getTime()))
  .map((date) => date.toISOString());
const name = fc.constantFrom('v1', 'v2', 'staging', 'production', 'fraud');
const member = fc.constantFrom('more', 'from', 'common', 'é');
/** Members of a newer program. */
const unknown = fc.dictionary(member, fc.jsonValue(), { maxKeys: 2 });

const subject = fc
  .tuple(unknown, fc.record({ model: name, version: name, stage: name }, { requiredKeys: ['model'] }))
  .map(([more, known]) => ({ ...more, ...known }));
const evidence = fc.array(
  fc
    .tuple(unknown, fc.record({ type: fc.constantFrom('record', 'bundle', 'candidate'), digest }))
    .map(([more, known]) => ({ ...more, ...known })),
  { maxLength: 2 },
);
const changes = fc.record(
  { tags: fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }), description: fc.string() },
  { requiredKeys: [] },
);

const drafts = fc.tuple(
  fc.dictionary(fc.constantFrom('more', 'ids', 'é'), fc.jsonValue(), { maxKeys: 2 }),
  fc.record(
    {
      schema: fc.constant('mlops.event/1' as const),
      type: fc.constantFrom('saved', 'promoted', 'reviewed-by'),
      subject,
      from: name,
      to: name,
      digest,
      actor: fc.string({ minLength: 1, unit: 'binary' }),
      time,
      reason: fc.string(),
      evidence,
      changes,
      tool: fc.string(),
      id: digest,
    },
    { requiredKeys: ['schema', 'type', 'subject', 'actor', 'time', 'evidence', 'tool', 'id'] },
  ),
  fc.array(fc.oneof(fc.nat(20), digest), { maxLength: 3 }),
);

/** As `parseEvent` gives them: JSON without members that are undefined. Parents are events of the list, or missing ones. */
const events = fc.array(drafts, { maxLength: 12 }).map((list) =>
  list.map(([more, known, parents]): AuditEvent => {
    const ids = parents.map((parent) =>
      typeof parent === 'string' ? parent : (list[parent % list.length]?.[1].id ?? ''),
    );
    // By way of their text, in which there is no negative zero.
    return JSON.parse(JSON.stringify({ ...more, ...known, parents: ids })) as AuditEvent;
  }),
);

function roundTrip(list: readonly AuditEvent[]): AuditEvent[] {
  return EVENT_CODEC.decode(EVENT_CODEC.encode(list).map((section) => Buffer.from(section)));
}

describe('events in an index', () => {
  test('come out as they went in, with members that this program does not know', () => {
    fc.assert(
      fc.property(events, (list) => {
        expect(roundTrip(list)).toEqual(list);
      }),
    );
  });

  test('share what they have in common', () => {
    const event = (place: number, parents: string[]): AuditEvent => ({
      schema: 'mlops.event/1',
      type: 'saved',
      subject: { model: 'fraud', version: `v${place}` },
      digest: `sha256:${'a'.repeat(64)}`,
      actor: 'Ada <ada@example.org>',
      time: '2026-11-23T10:15:00.000Z',
      evidence: [{ type: 'record', digest: `sha256:${'b'.repeat(64)}` }],
      parents,
      tool: 'mlops/0.1.0',
      id: `sha256:${String(place).padStart(64, '0')}`,
    });
    const list = Array.from({ length: 1000 }, (_, place) =>
      event(place, place === 0 ? [] : [`sha256:${String(place - 1).padStart(64, '0')}`]),
    );
    const bytes = EVENT_CODEC.encode(list).reduce((sum, { length }) => sum + length, 0);
    expect(bytes).toBeLessThan(JSON.stringify(list).length / 2);
  });

  test.each([0, 1, 2, 3])('are nothing without section %i', (missing) => {
    const sections = EVENT_CODEC.encode([]).map((section) => Buffer.from(section));
    sections.splice(missing, 1);
    expect(() => EVENT_CODEC.decode(sections)).toThrow(Error);
  });

  test('are nothing with a number that refers to nothing, or with fewer numbers than events', () => {
    fc.assert(
      fc.property(events, fc.nat(), fc.boolean(), (list, at, cut) => {
        fc.pre(list.length > 0);
        const sections = EVENT_CODEC.encode(list).map((section) => Buffer.from(section));
        const numbers = sections[2] ?? Buffer.alloc(0);
        const place = (at % (numbers.length / 4)) * 4;
        if (cut) sections[2] = numbers.subarray(0, place);
        else numbers.writeInt32LE(1_000_000, place);
        expect(() => EVENT_CODEC.decode(sections)).toThrow(TypeError);
      }),
    );
  });
});
