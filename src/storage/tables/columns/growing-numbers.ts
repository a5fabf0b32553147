const SEGMENT = 64 * 1024;

/** Numbers that grow piece by piece without being copied on the way. */
export class GrowingNumbers {
  #segments: Float64Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(values: Float64Array, count: number): void {
    for (let from = 0; from < count;) {
      const used = this.#length % SEGMENT;
      if (used === 0) this.#segments.push(new Float64Array(SEGMENT));
      const part = Math.min(SEGMENT - used, count - from);
      this.#segments.at(-1)?.set(values.subarray(from, from + part), used);
      this.#length += part;
      from += part;
    }
  }

  at(index: number): number {
    return this.#segments[Math.floor(index / SEGMENT)]?.[index % SEGMENT] ?? Number.NaN;
  }

  /** A copy of the first `count`, or of all if there are fewer. */
  head(count: number): Float64Array {
    return Float64Array.from({ length: Math.min(count, this.#length) }, (_, index) => this.at(index));
  }

  /** Keeps what lies at `places`, which ascend. */
  keep(places: Int32Array): void {
    const kept: Float64Array[] = [];
    for (let from = 0; from < places.length; from += SEGMENT) {
      const segment = new Float64Array(SEGMENT);
      const count = Math.min(SEGMENT, places.length - from);
      for (let index = 0; index < count; index += 1) segment[index] = this.at(places[from + index] as number);
      kept.push(segment);
    }
    this.#segments = kept;
    this.#length = places.length;
  }

  /** All of them in memory of their own; nothing is left here. */
  take(): Float64Array {
    const all = new Float64Array(this.#length);
    for (let from = 0; from < this.#length; from += SEGMENT) {
      const segment = this.#segments.shift() as Float64Array;
      all.set(segment.subarray(0, Math.min(SEGMENT, this.#length - from)), from);
    }
    this.#length = 0;
    this.#segments = [];
    return all;
  }
}

/** Moves what is not NaN to the front, in order. @returns a view of it, or of everything if nothing is NaN */
export function withoutNaN(values: Float64Array): Float64Array {
  let count = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] as number;
    if (value === value) {
      values[count] = value;
      count += 1;
    }
  }
  if (count === values.length) return values;
  // Much unused memory behind a view would be kept with it.
  return values.slice(0, count);
}
