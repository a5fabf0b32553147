const START = 1024;

/**
 * Counts different hashes in bounded memory: all of them up to `limit`, beyond it only those in a slice of the hash space that is
 * halved each time it is full. Equal values have equal hashes, so the slice holds a value's rows either all or not at all.
 */
export class DistinctCounter {
  readonly #limit: number;
  #keys: Float64Array;
  /** How often each key came again; undefined until one does. */
  #again: Uint32Array | undefined;
  #used = 0;
  /** Hashes from here on are not looked at. */
  #slice = 2 ** 53;

  /** @param expected how many hashes there may be: room for them from the start, which saves moving them */
  constructor(limit: number, expected = 0) {
    this.#limit = limit;
    const size = 2 ** Math.ceil(Math.log2(2 * Math.min(limit, expected) + 1));
    this.#keys = new Float64Array(Math.max(START, size));
  }

  /** @param hash a whole number below 2^53 */
  add(hash: number): void {
    if (hash >= this.#slice) return;
    // 0 is a free place.
    const key = hash + 1;
    const place = findPlace(this.#keys, key);
    if (this.#keys[place] === key) {
      this.#again ??= new Uint32Array(this.#keys.length);
      this.#again[place] = (this.#again[place] as number) + 1;
      return;
    }
    this.#keys[place] = key;
    this.#used += 1;
    if (this.#used > this.#limit) this.#halve();
    else if (this.#used * 2 > this.#keys.length) this.#resize(this.#keys.length * 2);
  }

  get exact(): boolean {
    return this.#slice === 2 ** 53;
  }

  /** How many different hashes there are. */
  get distinct(): number {
    return Math.round(this.#used * this.#factor());
  }

  /** How many came after an equal one. */
  get repeated(): number {
    let repeated = 0;
    for (let place = 0; place < (this.#again?.length ?? 0); place += 1) repeated += this.#again?.[place] ?? 0;
    return Math.round(repeated * this.#factor());
  }

  #factor(): number {
    return 2 ** 53 / this.#slice;
  }

  #halve(): void {
    this.#slice /= 2;
    this.#resize(this.#keys.length);
  }

  #resize(size: number): void {
    const keys = this.#keys;
    const again = this.#again;
    this.#keys = new Float64Array(size);
    this.#again = again === undefined ? undefined : new Uint32Array(size);
    this.#used = 0;
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] as number;
      if (key === 0 || key > this.#slice) continue;
      const place = findPlace(this.#keys, key);
      this.#keys[place] = key;
      this.#used += 1;
      if (this.#again !== undefined) this.#again[place] = again?.[index] ?? 0;
    }
  }
}

function findPlace(keys: Float64Array, key: number): number {
  const mask = keys.length - 1;
  let place = (key | 0) & mask;
  for (;;) {
    const there = keys[place];
    if (there === key || there === 0) return place;
    place = (place + 1) & mask;
  }
}
