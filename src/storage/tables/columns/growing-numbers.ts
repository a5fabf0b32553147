const START = 1024;

/** Numbers that grow piece by piece. */
export class GrowingNumbers {
  #values: Float64Array;
  #length = 0;

  /** @param expected how many there may be: room that is not used costs no memory, and what fits need not be moved */
  constructor(expected = 0) {
    this.#values = new Float64Array(Math.max(START, Math.ceil(expected)));
  }

  get length(): number {
    return this.#length;
  }

  append(values: Float64Array, count: number): void {
    this.#reserve(count);
    this.#values.set(count === values.length ? values : values.subarray(0, count), this.#length);
    this.#length += count;
  }

  push(value: number): void {
    this.#reserve(1);
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  /** A copy of the first `count`, or of all if there are fewer. */
  head(count: number): Float64Array {
    return this.#values.slice(0, Math.min(count, this.#length));
  }

  /** Keeps what lies at `places`, which ascend. */
  keep(places: Int32Array): void {
    const values = this.#values;
    for (let index = 0; index < places.length; index += 1)
      values[index] = values[places[index] as number] as number;
    this.#length = places.length;
    if (this.#length * 4 < values.length) this.#values = values.slice(0, 2 * this.#length);
  }

  /** All of them; nothing is left here. */
  take(): Float64Array {
    const all = this.#values.subarray(0, this.#length);
    this.#values = new Float64Array(0);
    this.#length = 0;
    return all;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#values.length) return;
    const larger = new Float64Array(Math.ceil((this.#length + count) * 1.5));
    larger.set(this.#values.subarray(0, this.#length));
    this.#values = larger;
  }
}

/** What is not NaN, in order and in the memory of `values`, which is not to be used any more. */
export function withoutNaN(values: Float64Array): Float64Array {
  let count = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] as number;
    if (value === value) {
      values[count] = value;
      count += 1;
    }
  }
  return values.subarray(0, count);
}
