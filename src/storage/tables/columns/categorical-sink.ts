import type { CategoricalColumn } from '../table.ts';
import type { Batch } from '../text/batch.ts';
import { parseBoolean } from '../values/boolean.ts';
import { utf8 } from '../values/number.ts';
import type { NullTokens } from '../values/null-tokens.ts';
import { OddCells, type ColumnSink } from './column-sink.ts';
import { LevelCounts } from './level-counts.ts';

export interface LevelOptions {
  name: string;
  nullTokens: NullTokens;
  /** Of integer levels `1.0` is `1`, and what means "no number" is missing. */
  integers: boolean;
  /** Levels that are counted one by one. */
  limit: number;
}

/** Where values lie. */
type Text = Pick<Batch, 'bytes' | 'view'>;

/** A column of few different values, which can be counted before they are read. */
export interface LevelSink extends ColumnSink {
  /** @param rows that hold this value; -1 as both places is a missing one */
  add(text: Text, start: number, end: number, rows: number): void;
  /** Values that were not added, being the rarest. */
  addPooled(pooled: { levels: number; rows: number }): void;
}

/** Levels of a categorical column. */
export class CategoricalSink implements LevelSink {
  readonly #options: LevelOptions;
  readonly #levels: LevelCounts;
  #nulls = 0;

  constructor(options: LevelOptions) {
    this.#options = options;
    this.#levels = new LevelCounts(options.limit);
  }

  take(batch: Batch, column: number): void {
    const { rows, capacity, starts, ends } = batch;
    for (let row = 0, cell = column * capacity; row < rows; row += 1, cell += 1) {
      this.add(batch, starts[cell] as number, ends[cell] as number, 1);
    }
  }

  add({ bytes, view }: Text, start: number, end: number, rows: number): void {
    const { integers } = this.#options;
    if (start < 0 || isMissingLevel(bytes, start, end, this.#options)) this.#nulls += rows;
    else this.#levels.add(view, start, integers ? endOfInteger(bytes, start, end) : end, rows);
  }

  addPooled(pooled: { levels: number; rows: number }): void {
    this.#levels.addPooled(pooled);
  }

  keep(): void {
    // All rows are counted.
  }

  finish({ rows }: { rows: number }): CategoricalColumn {
    return {
      name: this.#options.name,
      type: 'categorical',
      rows,
      nulls: this.#nulls,
      unparsable: 0,
      unparsableExamples: [],
      ...this.#levels.finish(),
    };
  }
}

/** Of a cell that is not empty. */
export function isMissingLevel(
  bytes: Uint8Array,
  start: number,
  end: number,
  { nullTokens, integers }: Pick<LevelOptions, 'nullTokens' | 'integers'>,
): boolean {
  if (nullTokens.everywhere) return nullTokens.matches(bytes, start, end);
  if (!integers) return false;
  const last = bytes[end - 1];
  // Most cells end in a digit, and no token does.
  if (last !== undefined && last >= 0x30 && last <= 0x39) return false;
  return nullTokens.matchesTrimmed(bytes, start, end);
}

/** Where `1.0` ends if it is read as `1`; `end` for anything else. */
export function endOfInteger(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && bytes[at - 1] === 0x30) at -= 1;
  if (at - 1 <= start || bytes[at - 1] !== 0x2e) return end;
  for (let digit = at - 2; digit >= start; digit -= 1) {
    const byte = bytes[digit] as number;
    const sign = digit === start && digit < at - 2 && (byte === 0x2d || byte === 0x2b);
    if (!sign && (byte < 0x30 || byte > 0x39)) return end;
  }
  return at - 1;
}

/** Booleans, whatever words they are written in. */
export class BooleanSink implements LevelSink {
  readonly #options: Pick<LevelOptions, 'name' | 'nullTokens'>;
  readonly #odd = new OddCells();
  #yes = 0;
  #no = 0;

  constructor(options: Pick<LevelOptions, 'name' | 'nullTokens'>) {
    this.#options = options;
  }

  take(batch: Batch, column: number): void {
    const { rows, capacity, starts, ends } = batch;
    for (let row = 0, cell = column * capacity; row < rows; row += 1, cell += 1) {
      this.add(batch, starts[cell] as number, ends[cell] as number, 1);
    }
  }

  add({ bytes }: Text, start: number, end: number, rows: number): void {
    const { nullTokens } = this.#options;
    if (start === end || (nullTokens.everywhere && nullTokens.matchesTrimmed(bytes, start, end))) {
      this.#odd.nulls += rows;
      return;
    }
    const value = parseBoolean(bytes, start, end);
    if (value === true) this.#yes += rows;
    else if (value === false) this.#no += rows;
    else if (nullTokens.matchesTrimmed(bytes, start, end)) this.#odd.nulls += rows;
    else this.#odd.addUnparsable(utf8(bytes, start, Math.min(end, start + 200)), rows);
  }

  addPooled({ rows }: { levels: number; rows: number }): void {
    this.#odd.unparsable += rows;
  }

  keep(): void {
    // All rows are counted.
  }

  finish({ rows }: { rows: number }): CategoricalColumn {
    const { nulls, unparsable, examples } = this.#odd;
    const counts = new Map<string, number>();
    if (this.#no > 0) counts.set('false', this.#no);
    if (this.#yes > 0) counts.set('true', this.#yes);
    return {
      name: this.#options.name,
      type: 'boolean',
      rows,
      nulls,
      unparsable,
      unparsableExamples: examples,
      counts,
      distinct: counts.size,
      distinctExact: true,
      pooled: { levels: 0, rows: 0 },
    };
  }
}
