import type { Batch } from '../text/batch.ts';
import { parseDatetime } from '../values/datetime.ts';
import { parseNumber } from '../values/number.ts';
import type { NullTokens } from '../values/null-tokens.ts';

export interface ValueCounterOptions {
  value: number;
  type: 'numeric' | 'datetime';
  nullTokens: NullTokens;
}

/** Counts one number (time) of a column. */
export class ValueCounter {
  count = 0;
  readonly #options: ValueCounterOptions;

  constructor(options: ValueCounterOptions) {
    this.#options = options;
  }

  take({ bytes, rows, capacity, starts, ends, numbers }: Batch, column: number): void {
    const { value, nullTokens } = this.#options;
    const plain = !nullTokens.everywhere;
    for (let row = 0, cell = column * capacity; row < rows; row += 1, cell += 1) {
      const number = numbers[cell] as number;
      const found =
        plain && number === number
          ? number
          : this.#valueOf(bytes, starts[cell] as number, ends[cell] as number);
      if (found === value) this.count += 1;
    }
  }

  keep(): void {
    // Nothing is kept of rows.
  }

  #valueOf(bytes: Uint8Array, start: number, end: number): number {
    const { nullTokens, type } = this.#options;
    if (start === end || (nullTokens.everywhere && nullTokens.matchesTrimmed(bytes, start, end)))
      return Number.NaN;
    return type === 'numeric' ? parseNumber(bytes, start, end) : parseDatetime(bytes, start, end);
  }
}
