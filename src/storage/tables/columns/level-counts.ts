import type { CategoricalColumn } from '../table.ts';
import { windowOn } from '../text/batch.ts';
import { ByteDictionary } from './byte-dictionary.ts';

/** Bytes that the different levels of one column may take together. */
const LEVEL_BYTES = 64 * 1024 * 1024;

/** Counts levels; of more than twice `limit` of them, or too long ones, the rarest are pooled on the way. */
export class LevelCounts {
  readonly #limit: number;
  #dictionary = new ByteDictionary();
  #counts = new Float64Array(64);
  /** What is not in the dictionary any more, or never was. */
  readonly #pooled = { levels: 0, rows: 0 };
  /** Levels dropped on the way: some of them twice, and none may be missing. */
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  add(view: DataView, start: number, end: number, rows = 1): void {
    const code = this.#dictionary.codeOf(view, start, end);
    if (code >= this.#counts.length) this.#grow();
    this.#counts[code] = (this.#counts[code] as number) + rows;
    if (code + 1 > 2 * this.#limit || this.#dictionary.bytes > LEVEL_BYTES) this.#prune();
  }

  /** Levels that somebody else has counted and that are not in the first `limit`. */
  addPooled({ levels, rows }: { levels: number; rows: number }): void {
    this.#pooled.levels += levels;
    this.#pooled.rows += rows;
  }

  finish(): Pick<CategoricalColumn, 'counts' | 'distinct' | 'distinctExact' | 'pooled'> {
    const order = this.#byCount();
    const beyond = order.slice(this.#limit);
    const counts = new Map<string, number>();
    for (const code of order.slice(0, this.#limit)) {
      counts.set(this.#dictionary.textOf(code), this.#counts[code] as number);
    }
    return {
      counts,
      distinct: order.length + this.#pooled.levels + this.#dropped,
      distinctExact: this.#dropped === 0,
      pooled: {
        levels: beyond.length + this.#pooled.levels + this.#dropped,
        rows: beyond.reduce((sum, code) => sum + (this.#counts[code] as number), this.#pooled.rows),
      },
    };
  }

  /** Most frequent first, equally frequent ones by their text, so that the order of the rows does not matter. */
  #byCount(): number[] {
    const codes = Array.from({ length: this.#dictionary.size }, (_, code) => code);
    return codes.sort(
      (a, b) => (this.#counts[b] as number) - (this.#counts[a] as number) || this.#dictionary.compare(a, b),
    );
  }

  #grow(): void {
    const counts = new Float64Array(2 * this.#counts.length);
    counts.set(this.#counts);
    this.#counts = counts;
  }

  #prune(): void {
    const order = this.#byCount();
    const kept = order.slice(0, Math.max(1, Math.floor(Math.min(this.#limit, order.length / 2))));
    const dictionary = new ByteDictionary();
    const counts = new Float64Array(this.#counts.length);
    for (const code of kept.sort((a, b) => a - b)) {
      const { bytes, view } = windowOn(Buffer.from(this.#dictionary.textOf(code)));
      counts[dictionary.codeOf(view, 0, bytes.length)] = this.#counts[code] as number;
    }
    const rows = (all: Float64Array): number => all.reduce((sum, count) => sum + count, 0);
    this.#pooled.rows += rows(this.#counts) - rows(counts);
    this.#dropped += order.length - kept.length;
    this.#dictionary = dictionary;
    this.#counts = counts;
  }
}
