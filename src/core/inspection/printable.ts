import type { JsonValue } from '../../lib/canonical-json.ts';

const MAX_TEXT = 200;
const MAX_LISTED = 50;
/** C0, C1, line separators, bidirectional controls, zero-width characters, lone surrogates. */
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\u200b-\u200f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text from a hostile file, made fit for a terminal and a record: no control characters, at most `max` UTF-16 units. */
export function printable(text: string, max: number = MAX_TEXT): string {
  const cut = text.length > max ? text.slice(0, max) : text;
  const clean = cut.replace(UNPRINTABLE, '\ufffd');
  return text.length > max ? `${clean}…` : clean;
}

/** The first 50 distinct entries, sorted and printable. */
export function listed(names: Iterable<string>): string[] {
  return [...new Set(names)]
    .toSorted()
    .slice(0, MAX_LISTED)
    .map((name) => printable(name));
}

/** A count as JSON: a number while it is exact, else its decimal digits. */
export function countJson(count: bigint | number): JsonValue {
  if (typeof count === 'number') return count;
  return count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : count.toString();
}

/** Counts per name, with at most 50 names. */
export class Histogram {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  toJson(): Record<string, JsonValue> {
    const names = [...this.#counts.keys()].toSorted().slice(0, MAX_LISTED);
    return Object.fromEntries(names.map((name) => [printable(name), this.#counts.get(name) ?? 0]));
  }
}
