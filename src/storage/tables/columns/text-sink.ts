import type { CharacterShares, TextColumn } from '../table.ts';
import type { Batch } from '../text/batch.ts';
import type { NullTokens } from '../values/null-tokens.ts';
import { utf8 } from '../values/number.ts';
import { hashCell, hashOf } from './byte-hash.ts';
import type { ColumnSink, KeptRows } from './column-sink.ts';
import { DistinctCounter } from './distinct-counter.ts';
import { GrowingNumbers, withoutNaN } from './growing-numbers.ts';

const CLASSES = ['letter', 'digit', 'space', 'punctuation', 'other'] as const;

/** Numbers that are kept of one row. */
export const TEXT_VALUES = 1 + CLASSES.length;

/** Different texts up to which they are counted exactly. */
const DISTINCT = 1_000_000;

const ASCII_CLASSES = Uint8Array.from({ length: 128 }, (_, code) => classOf(String.fromCharCode(code)));

function classOf(character: string): number {
  if (/\p{L}/u.test(character)) return 0;
  if (/\p{N}/u.test(character)) return 1;
  if (/[\p{Z}\t\n\r\v\f]/u.test(character)) return 2;
  return /[\p{P}\p{S}]/u.test(character) ? 3 : 4;
}

export interface TextSinkOptions {
  name: string;
  nullTokens: NullTokens;
}

/** Free text: how long it is and of what kinds of characters. */
export class TextSink implements ColumnSink {
  readonly #options: TextSinkOptions;
  readonly #lengths = new GrowingNumbers();
  /** Of each kept row how many characters of each class it has. */
  readonly #classes = CLASSES.map(() => new GrowingNumbers());
  readonly #distinct = new DistinctCounter(DISTINCT);
  readonly #lanes = { low: 0, high: 0 };
  readonly #tally = new Float64Array(CLASSES.length);
  #nulls = 0;
  #empty = 0;

  constructor(options: TextSinkOptions) {
    this.#options = options;
  }

  take({ bytes, rows, capacity, starts, ends }: Batch, column: number, { places, count }: KeptRows): void {
    const { nullTokens } = this.#options;
    let next = 0;
    for (let row = 0, cell = column * capacity; row < rows; row += 1, cell += 1) {
      const start = starts[cell] as number;
      const end = ends[cell] as number;
      const missing = start < 0 || (nullTokens.everywhere && nullTokens.matches(bytes, start, end));
      if (missing) this.#nulls += 1;
      else if (start === end) this.#empty += 1;
      if (!missing) this.#count(bytes, start, end);
      if (next === count || places[next] !== row) continue;
      next += 1;
      this.#lengths.push(missing ? Number.NaN : this.#characters(bytes, start, end));
      for (const [index, kept] of this.#classes.entries()) {
        kept.push(missing ? 0 : (this.#tally[index] as number));
      }
    }
  }

  keep(places: Int32Array): void {
    this.#lengths.keep(places);
    for (const kept of this.#classes) kept.keep(places);
  }

  finish({ rows, sampled }: { rows: number; sampled: boolean }): TextColumn {
    return {
      name: this.#options.name,
      type: 'text',
      rows,
      nulls: this.#nulls,
      unparsable: 0,
      unparsableExamples: [],
      lengths: withoutNaN(this.#lengths.take()),
      sampled,
      classShares: this.#shares(),
      distinct: this.#distinct.distinct,
      distinctExact: this.#distinct.exact,
      emptyStrings: this.#empty,
    };
  }

  #count(bytes: Uint8Array, start: number, end: number): void {
    this.#lanes.low = 0;
    this.#lanes.high = 0;
    hashCell(bytes, start, end, this.#lanes);
    this.#distinct.add(hashOf(this.#lanes));
  }

  /** Counts the characters of each class. @returns how many there are */
  #characters(bytes: Uint8Array, start: number, end: number): number {
    const tally = this.#tally.fill(0);
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] as number;
      if (byte >= 0x80) return this.#unicode(utf8(bytes, start, end));
      const kind = ASCII_CLASSES[byte] as number;
      tally[kind] = (tally[kind] as number) + 1;
    }
    return end - start;
  }

  #unicode(text: string): number {
    const tally = this.#tally.fill(0);
    let length = 0;
    for (const character of text) {
      const code = character.charCodeAt(0);
      const kind = code < 128 ? (ASCII_CLASSES[code] as number) : classOf(character);
      tally[kind] = (tally[kind] as number) + 1;
      length += 1;
    }
    return length;
  }

  #shares(): CharacterShares {
    const sums = this.#classes.map((kept) => kept.take().reduce((sum, count) => sum + count, 0));
    const all = sums.reduce((sum, count) => sum + count, 0);
    const share = (index: number): number => (all === 0 ? 0 : (sums[index] ?? 0) / all);
    return { letter: share(0), digit: share(1), space: share(2), punctuation: share(3), other: share(4) };
  }
}
