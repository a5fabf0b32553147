const START = 1024;

/**
 * Counts different hashes in bounded memory: all of them up to `limit`, beyond it only those in a slice of the hash space that is
 * halved each time it is full. Equal values have equal hashes, so the slice holds a value's rows either all or not at all.
 */
export class DistinctCounter {
  readonly #limit: number;
  #keys: Float64Array;
  #counts: Uint32Array;
  #used = 0;
  /** Hashes from here on are not looked at. */
  #slice = 2 ** 53;

  /** @param expected how many hashes there may be: room for them from the start, which saves moving them */
  constructor(limit: number, expected = 0) {
    this.#limit = limit;
    const size = Math.max(START, 2 ** Math.ceil(Math.log2(2 * Math.min(limit, expected) + 1)));
    this.#keys = new Float64Array(size);
    this.#counts = new Uint32Array(size);
  }

  /** @param hash a whole number below 2^53 */
  add(hash: number): void {
    if (hash >= this.#slice) return;
    // 0 is a free place.
    const key = hash + 1;
    const place = findPlace(this.#keys, key);
    this.#counts[place] = (this.#counts[place] as number) + 1;
    if (this.#keys[place] === key) return;
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
    for (const count of this.#counts) if (count > 1) repeated += count - 1;
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
    const counts = this.#counts;
    this.#keys = new Float64Array(size);
    this.#counts = new Uint32Array(size);
    this.#used = 0;
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] as number;
      if (key === 0 || key > this.#slice) continue;
      const place = findPlace(this.#keys, key);
      this.#keys[place] = key;
      this.#counts[place] = counts[index] as number;
      this.#used += 1;
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
