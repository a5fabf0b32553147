import { sortInPlace } from '../../../lib/sorting.ts';
import { GrowingNumbers } from './growing-numbers.ts';

/** Hashes that wait to be sorted in. */
const WAITING = 2_000_000;

/**
 * Counts hashes that came before, in bounded memory: exactly up to `limit` different ones, beyond it only those in a slice of the
 * hash space that is halved each time it is full. Equal values have equal hashes, so the slice holds a value's rows either all or
 * not at all. Sorting a million hashes takes a third of the time of finding each in a table that no cache holds.
 */
export class RepeatedHashes {
  readonly #limit: number;
  readonly #waiting: GrowingNumbers;
  /** Different hashes in ascending order, and how often each came again. */
  #keys = new Float64Array(0);
  #again = new Float64Array(0);
  /** Hashes from here on are not looked at. */
  #slice = 2 ** 53;

  /** @param expected how many hashes there may be */
  constructor(limit: number, expected = 0) {
    this.#limit = limit;
    this.#waiting = new GrowingNumbers(Math.min(WAITING, expected));
  }

  /** @param hash a whole number below 2^53 */
  add(hash: number): void {
    if (hash >= this.#slice) return;
    this.#waiting.push(hash);
    if (this.#waiting.length >= WAITING) this.#sortIn();
  }

  /** How many hashes came after an equal one; an estimate if not `exact`. */
  finish(): { repeated: number; exact: boolean } {
    this.#sortIn();
    let repeated = 0;
    for (const count of this.#again) repeated += count;
    const factor = 2 ** 53 / this.#slice;
    return { repeated: Math.round(repeated * factor), exact: factor === 1 };
  }

  #sortIn(): void {
    const fresh = sortInPlace(this.#waiting.take());
    const keys = new Float64Array(this.#keys.length + fresh.length);
    const again = new Float64Array(keys.length);
    let count = 0;
    let old = 0;
    for (let at = 0; at < fresh.length || old < this.#keys.length;) {
      const next = Math.min(fresh[at] ?? Infinity, this.#keys[old] ?? Infinity);
      let times = 0;
      for (; fresh[at] === next; at += 1) times += 1;
      if (this.#keys[old] === next) {
        times += 1 + (this.#again[old] as number);
        old += 1;
      }
      keys[count] = next;
      again[count] = times - 1;
      count += 1;
    }
    count = this.#fit(keys, count);
    this.#keys = keys.slice(0, count);
    this.#again = again.slice(0, count);
  }

  /** Halves the slice until what is in it fits. @returns how many keys stay */
  #fit(keys: Float64Array, count: number): number {
    let fitting = count;
    while (fitting > this.#limit) {
      this.#slice /= 2;
      while (fitting > 0 && (keys[fitting - 1] as number) >= this.#slice) fitting -= 1;
    }
    return fitting;
  }
}
