/** Seeded random numbers for tests: the same seed gives the same data on any machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) | 0;
  }

  /** From 0 to 1, 1 excluded. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Of a normal distribution, by Box & Muller. */
  normal(mean = 0, deviation = 1): number {
    return mean + deviation * Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** A whole number from 0 to `below`, excluded. */
  whole(below: number): number {
    return Math.floor(this.next() * below);
  }

  numbers(count: number, draw: (random: Random) => number = (random) => random.normal()): number[] {
    return Array.from({ length: count }, () => draw(this));
  }

  /** Levels `a`, `b` ... with the given shares. */
  levels(count: number, shares: readonly number[]): string[] {
    return Array.from({ length: count }, () => this.level(shares));
  }

  level(shares: readonly number[]): string {
    let rest = this.next() * shares.reduce((sum, share) => sum + share, 0);
    const place = shares.findIndex((share) => (rest -= share) < 0);
    return `level ${place < 0 ? shares.length - 1 : place}`;
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const copy = [...items];
    for (let at = copy.length - 1; at > 0; at -= 1) {
      const other = this.whole(at + 1);
      [copy[at], copy[other]] = [copy[other] as Item, copy[at] as Item];
    }
    return copy;
  }
}
