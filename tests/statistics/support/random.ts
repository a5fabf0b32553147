/** Seeded random numbers of a long period for simulations: xoshiro128** (Blackman & Vigna 2018), seeded by a mixing function. */
export class Source {
  #a: number;
  #b: number;
  #c: number;
  #d: number;
  #spare: number | undefined;

  /** Different words give independent streams. */
  constructor(...words: readonly number[]) {
    let state = 0x9e3779b9;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return mixed ^ (mixed >>> 16);
    };
    for (const word of words) state = Math.imul(next() ^ word, 0x27d4eb2f);
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** From 0 to 1, 1 excluded, in steps of 2^-32. */
  next(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result / 2 ** 32;
  }

  /** From 0 to `below`, excluded. */
  whole(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Of the standard normal distribution, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.next() - 1;
      const y = 2 * this.next() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * factor;
      return x * factor;
    }
  }

  exponential(): number {
    return -Math.log(1 - this.next());
  }

  /** How many of `count` draws fall on each level, levels having the given shares (which add up to 1). */
  levels(count: number, shares: readonly number[]): Float64Array {
    const counts = new Float64Array(shares.length);
    const upTo: number[] = [];
    for (const share of shares) upTo.push((upTo.at(-1) ?? 0) + share);
    for (let draw = 0; draw < count; draw += 1) {
      const at = this.next();
      let low = 0;
      let high = shares.length - 1;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((upTo[middle] as number) <= at) low = middle + 1;
        else high = middle;
      }
      counts[low] = (counts[low] as number) + 1;
    }
    return counts;
  }

  /** The numbers 0 to count - 1 in a random order. */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    for (let at = count - 1; at > 0; at -= 1) {
      const other = this.whole(at + 1);
      const kept = order[at] as number;
      order[at] = order[other] as number;
      order[other] = kept;
    }
    return order;
  }
}

/** A distribution to draw values from. */
export type Draw = (source: Source) => number;

/** Student's t with 3 degrees of freedom: heavy tails. */
const t3: Draw = (source) => {
  const chi = source.normal() ** 2 + source.normal() ** 2 + source.normal() ** 2;
  return source.normal() / Math.sqrt(chi / 3);
};

const poisson3: Draw = (source) => {
  let count = -1;
  for (let product = 1; product > Math.exp(-3); product *= source.next()) count += 1;
  return count;
};

/** The distributions of the false-alarm grid, by name. */
export const DISTRIBUTIONS: readonly (readonly [name: string, draw: Draw])[] = [
  ['normal', (source) => source.normal()],
  ['lognormal', (source) => Math.exp(source.normal())],
  ['t3', t3],
  ['pareto 1.5', (source) => (1 - source.next()) ** (-1 / 1.5)],
  ['uniform', (source) => source.next()],
  ['rounded to 0.5', (source) => Math.round(2 * source.normal()) / 2],
  ['Poisson 3', poisson3],
  ['60 % zeros', (source) => (source.next() < 0.6 ? 0 : Math.exp(source.normal()))],
];

/** Shares of `levels` levels that fall as 1 / rank. */
export function zipf(levels: number): number[] {
  const sum = Array.from({ length: levels }, (_, rank) => 1 / (rank + 1)).reduce((x, y) => x + y, 0);
  return Array.from({ length: levels }, (_, rank) => 1 / (rank + 1) / sum);
}

export function even(levels: number): number[] {
  return Array.from({ length: levels }, () => 1 / levels);
}
