const START = 1024;

/**
 * Counts different hashes in bounded memory: all of them up to `limit`, beyond it only those in a slice of the hash space that is
 * halved each time it is full.
 */
export class DistinctCounter {
  readonly #limit: number;
  #keys = new Float64Array(START);
  #used = 0;
  /** Hashes from here on are not looked at. */
  #slice = 2 ** 53;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param hash a whole number below 2^53 */
  add(hash: number): void {
    if (hash >= this.#slice) return;
    // 0 is a free place.
    const key = hash + 1;
    const place = findPlace(this.#keys, key);
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
    return Math.round(this.#used * (2 ** 53 / this.#slice));
  }

  #halve(): void {
    this.#slice /= 2;
    this.#resize(this.#keys.length);
  }

  #resize(size: number): void {
    const keys = this.#keys;
    this.#keys = new Float64Array(size);
    this.#used = 0;
    for (const key of keys) {
      if (key === 0 || key > this.#slice) continue;
      this.#keys[findPlace(this.#keys, key)] = key;
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
