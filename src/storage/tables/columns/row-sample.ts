/** Values that may be kept of one table: 256 MiB of them. */
const KEPT_VALUES = 32 * 1024 * 1024;

export const DEFAULT_KEEP_ROWS = 2_000_000;
export const DEFAULT_SAMPLE = 200_000;

export interface RowSampleLimits {
  sample: number;
  keepRows: number;
  seed: number;
  /** Numbers that are kept of one row; of very wide tables fewer rows are. */
  valuesPerRow: number;
}

/**
 * Which rows' values are kept: all of them up to `keepRows`, else those `sample` rows that {@link rowHash} gives the smallest numbers.
 * That is a uniform sample without replacement, it is known after one pass over however many rows, and it depends on nothing
 * but the seed and the rows' numbers.
 */
export class RowSample {
  readonly #sample: number;
  readonly #keepRows: number;
  readonly #seed: number;
  /** Hashes of the rows that are kept, once not all are. */
  #hashes: Float64Array = new Float64Array(0);
  #kept = 0;
  #rows = 0;
  /** Rows whose hash is not below it are not wanted any more. */
  #limit = Infinity;

  constructor({ sample, keepRows, seed, valuesPerRow }: RowSampleLimits) {
    const affordable = Math.floor(KEPT_VALUES / Math.max(1, valuesPerRow));
    this.#keepRows = Math.min(keepRows, affordable);
    // Twice the sample is kept on the way.
    this.#sample = Math.max(1, Math.min(sample, Math.floor(affordable / 2)));
    this.#seed = seed;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Rows that are kept now. */
  get kept(): number {
    return this.#kept;
  }

  /** Whether not all of the rows so far are kept. */
  get sampled(): boolean {
    return !this.keepsAll(this.#rows);
  }

  /** Whether all of so many rows would be kept. */
  keepsAll(rows: number): boolean {
    return rows <= this.#keepRows;
  }

  /**
   * Goes on by `count` rows.
   *
   * @param places is filled with those of them that are to be kept, counted from 0
   * @returns how many these are; and which of the rows kept so far stay, by their place among those, if not all do
   */
  next(count: number, places: Int32Array): { taken: number; stay: Int32Array | undefined } {
    let stay: Int32Array | undefined;
    if (!this.sampled && this.#rows + count > this.#keepRows) stay = this.#begin();
    const from = this.#rows;
    this.#rows += count;
    let taken = 0;
    if (!this.sampled) {
      for (; taken < count; taken += 1) places[taken] = taken;
      this.#kept += count;
      return { taken, stay };
    }
    if (this.#kept + count > this.#hashes.length) stay = combine(stay, this.#shrink());
    for (let row = 0; row < count; row += 1) {
      const hash = rowHash(this.#seed, from + row);
      if (hash >= this.#limit) continue;
      this.#hashes[this.#kept] = hash;
      this.#kept += 1;
      places[taken] = row;
      taken += 1;
    }
    return { taken, stay };
  }

  /** @returns the places that stay when all rows were seen, if not all do */
  finish(): Int32Array | undefined {
    return this.sampled ? this.#shrink() : undefined;
  }

  /** From here on not all rows are kept. */
  #begin(): Int32Array | undefined {
    this.#hashes = new Float64Array(Math.max(2 * this.#sample, this.#sample + 4096, this.#kept));
    for (let row = 0; row < this.#kept; row += 1) this.#hashes[row] = rowHash(this.#seed, row);
    const stay = this.#shrink();
    this.#hashes = this.#hashes.slice(0, Math.max(2 * this.#sample, this.#sample + 4096));
    return stay;
  }

  #shrink(): Int32Array | undefined {
    if (this.#kept <= this.#sample) return undefined;
    const sorted = this.#hashes.slice(0, this.#kept).sort();
    this.#limit = sorted[this.#sample] as number;
    const stay = new Int32Array(this.#sample);
    let count = 0;
    for (let place = 0; place < this.#kept; place += 1) {
      const hash = this.#hashes[place] as number;
      if (hash >= this.#limit || count === this.#sample) continue;
      this.#hashes[count] = hash;
      stay[count] = place;
      count += 1;
    }
    this.#kept = count;
    return stay.subarray(0, count);
  }
}

function combine(first: Int32Array | undefined, second: Int32Array | undefined): Int32Array | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return second.map((place) => first[place] as number);
}

/**
 * A number from 0 up to 2^53 that looks random: two rounds of the 32-bit finaliser of MurmurHash3 (A. Appleby, public domain) over the
 * seed and the row's number.
 */
export function rowHash(seed: number, row: number): number {
  const low = row >>> 0;
  const high = Math.floor(row / 2 ** 32);
  const first = mix(mix(low ^ Math.imul(high + 1, 0x9e3779b1)) ^ mix(seed ^ 0x85ebca6b));
  const second = mix(first ^ Math.imul(low, 0xc2b2ae35) ^ (seed + 0x27d4eb2f));
  return (first >>> 11) * 2 ** 32 + (second >>> 0);
}

function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
