import type { IndexCodec } from '../repository/directory-index.ts';
import { textOf } from '../repository/index-file.ts';
import type { AuditEvent } from './event.ts';

const ID_LENGTH = 'sha256:'.length + 64;
const TIME_LENGTH = '2026-11-23T10:15:00.000Z'.length;

/** In place of a reference: there is no such member. */
const ABSENT = -1;
/** In place of a reference: the member has an unusual shape, and the next number is where it is kept whole. */
const WHOLE = -2;

/**
 * Tens of thousands of events in a form that takes a tenth of the time that JSON does: what events have in common, such as
 * actor and tool, is kept once, ids and times are one long text each, and an event is a row of numbers that refer to them.
 * Parents are the places of other events, so that their ids become the very same strings. Nothing is left out: members
 * that this program does not know are kept as well.
 */
export const EVENT_CODEC: IndexCodec<AuditEvent> = {
  version: 'events/1',

  encode(events) {
    const strings = new Pool<string>((text) => text);
    const values = new Pool<unknown>((value) => JSON.stringify(value));
    const places = new Map(events.map(({ id }, place) => [id, place]));
    const row: number[] = [];
    for (const event of events) {
      const { id: _id, time: _time, subject, from, to, digest, evidence, parents, ...common } = event;
      row.push(values.add(common));
      const { model, version, stage, ...more } = subject;
      if (Object.keys(more).length > 0) row.push(WHOLE, values.add(subject));
      else row.push(strings.add(model), strings.add(version), strings.add(stage));
      row.push(strings.add(from), strings.add(to), strings.add(digest));
      pushEvidence(row, evidence, { strings, values });
      row.push(parents.length);
      for (const parent of parents) {
        const place = places.get(parent);
        if (place === undefined) row.push(WHOLE, strings.add(parent));
        else row.push(place);
      }
    }
    return [
      Buffer.from(events.map(({ id }) => id).join('')),
      Buffer.from(events.map(({ time }) => time).join('')),
      Buffer.from(Int32Array.from(row).buffer),
      Buffer.from(JSON.stringify({ strings: strings.members, values: values.members })),
    ];
  },

  decode([ids, times, numbers, pools]) {
    const reader = new RowReader(numbers, pools);
    const idText = textOf(ids);
    const timeText = textOf(times);
    const count = idText.length / ID_LENGTH;
    if (timeText.length !== count * TIME_LENGTH) throw new TypeError('not a time for each id');
    const idOf = (place: number): string => idText.slice(place * ID_LENGTH, (place + 1) * ID_LENGTH);
    const known = Array.from({ length: count }, (_, place) => idOf(place));
    return known.map((id, place) => {
      const time = timeText.slice(place * TIME_LENGTH, (place + 1) * TIME_LENGTH);
      return readEvent(reader, { id, time, known });
    });
  },
};

type Evidence = AuditEvent['evidence'];

function pushEvidence(
  row: number[],
  evidence: Evidence,
  { strings, values }: { strings: Pool<string>; values: Pool<unknown> },
): void {
  const [first] = evidence;
  if (first === undefined) {
    row.push(ABSENT);
    return;
  }
  const { type, digest, ...more } = first;
  if (evidence.length === 1 && Object.keys(more).length === 0)
    row.push(strings.add(type), strings.add(digest));
  else row.push(WHOLE, values.add(evidence));
}

function readEvent(
  reader: RowReader,
  { id, time, known }: { id: string; time: string; known: readonly string[] },
): AuditEvent {
  const { schema, type, actor, reason, changes, tool, more } = reader.common();
  // Written out, so that all events have one shape, which is what makes them quick to make and to look at.
  const event: AuditEvent = {
    schema,
    type,
    subject: reader.subject(),
    from: reader.string(),
    to: reader.string(),
    digest: reader.string(),
    actor,
    time,
    reason,
    evidence: reader.evidence(),
    parents: reader.parents(known),
    changes,
    tool,
    id,
  };
  return more === undefined ? event : Object.assign(event, more);
}

/** Different values, each kept once. */
class Pool<T> {
  readonly members: T[] = [];
  readonly #places = new Map<string, number>();
  readonly #keyOf: (value: T) => string;

  constructor(keyOf: (value: T) => string) {
    this.#keyOf = keyOf;
  }

  /** Where the value is among the members. */
  add(value: T | undefined): number {
    if (value === undefined) return ABSENT;
    const key = this.#keyOf(value);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.members.length);
    this.members.push(value);
    return this.members.length - 1;
  }
}

type Common = Pick<AuditEvent, 'schema' | 'type' | 'actor' | 'reason' | 'changes' | 'tool'> & {
  /** Members that this program does not know. */
  more: object | undefined;
};

const NO_EVIDENCE: Evidence = [];
const NO_PARENTS: string[] = [];

class RowReader {
  readonly #numbers: Int32Array;
  readonly #strings: readonly string[];
  readonly #values: readonly unknown[];
  readonly #commons: (Common | undefined)[] = [];
  #at = 0;

  constructor(numbers: Buffer | undefined, pools: Buffer | undefined) {
    if (numbers === undefined) throw new TypeError('a section is missing');
    // Copied, because numbers of four bytes must start at a multiple of four.
    this.#numbers = new Int32Array(new Uint8Array(numbers).buffer);
    const { strings, values } = JSON.parse(textOf(pools)) as { strings: string[]; values: unknown[] };
    this.#strings = strings;
    this.#values = values;
  }

  common(): Common {
    const place = this.#next();
    return (this.#commons[place] ??= splitCommon(this.#value(place)));
  }

  subject(): AuditEvent['subject'] {
    const model = this.#next();
    if (model === WHOLE) return this.#value(this.#next()) as AuditEvent['subject'];
    return { model: this.#string(model), version: this.string(), stage: this.string() };
  }

  evidence(): Evidence {
    const type = this.#next();
    if (type === ABSENT) return NO_EVIDENCE;
    if (type === WHOLE) return this.#value(this.#next()) as Evidence;
    return [{ type: this.#string(type), digest: this.#string(this.#next()) }];
  }

  parents(known: readonly string[]): string[] {
    const count = this.#next();
    if (count === 0) return NO_PARENTS;
    // Nearly all have one, and a list that is made at its length takes a fifth of the memory of one that grows.
    const parents = [this.#parent(known)];
    while (parents.length < count) parents.push(this.#parent(known));
    return parents;
  }

  #parent(known: readonly string[]): string {
    const place = this.#next();
    return place === WHOLE ? this.#string(this.#next()) : present(known[place]);
  }

  string(): string | undefined {
    const place = this.#next();
    return place === ABSENT ? undefined : this.#string(place);
  }

  #string(place: number): string {
    return present(this.#strings[place]);
  }

  #value(place: number): unknown {
    return present(this.#values[place]);
  }

  #next(): number {
    const number = this.#numbers[this.#at];
    this.#at += 1;
    return present(number);
  }
}

function splitCommon(value: unknown): Common {
  const { schema, type, actor, reason, changes, tool, ...more } = value as Common;
  return {
    schema,
    type,
    actor,
    reason,
    changes,
    tool,
    more: Object.keys(more).length === 0 ? undefined : more,
  };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a number of the index refers to nothing');
  return value;
}
