/** Rows kept of one column: 8 to 16 runs of neighbours. */
const ROWS = 20_000;
const RUNS = 8;
/** All columns of a very wide table keep so many together. */
const OF_ALL_COLUMNS = 4_000_000;

/**
 * Runs of neighbouring rows from all over a column, for what depends on the order of rows. They lie at even steps, which grow as the
 * rows go by: every second run is given up when there are too many.
 */
export class Neighbours {
  readonly #length: number;
  #runs: Float64Array[] = [];
  /** Rows from the start of one run to that of the next. */
  #step: number;
  #row = 0;
  /** Rows that the run under way has. */
  #filled = 0;
  #current: Float64Array | undefined;

  constructor(columns: number) {
    const rows = Math.min(ROWS, Math.floor(OF_ALL_COLUMNS / Math.max(1, columns)));
    this.#length = Math.max(16, Math.floor(rows / RUNS));
    this.#step = this.#length;
  }

  /** Goes on by `count` rows; NaN where there is no finite value. */
  add(values: Float64Array, count: number): void {
    for (let from = 0; from < count;) {
      const within = this.#row % this.#step;
      if (within === 0) this.#begin();
      const part = Math.min(
        count - from,
        this.#current === undefined ? this.#step - within : this.#length - within,
      );
      if (this.#current !== undefined) {
        this.#current.set(values.subarray(from, from + part), this.#filled);
        this.#filled += part;
        if (this.#filled === this.#length) this.#end();
      }
      from += part;
      this.#row += part;
    }
  }

  /** What there is, NaN among it, one run after the other. */
  take(): Float64Array {
    if (this.#current !== undefined) this.#runs.push(this.#current.subarray(0, this.#filled));
    const all = new Float64Array(this.#runs.reduce((sum, run) => sum + run.length, 0));
    let at = 0;
    for (const run of this.#runs) {
      all.set(run, at);
      at += run.length;
    }
    return all;
  }

  #begin(): void {
    if (this.#runs.length >= 2 * RUNS) {
      this.#runs = this.#runs.filter((_, index) => index % 2 === 0);
      this.#step *= 2;
      // This may be a place between two of the new, wider steps.
      if (this.#row % this.#step !== 0) return;
    }
    this.#current = new Float64Array(this.#length);
    this.#filled = 0;
  }

  #end(): void {
    if (this.#current !== undefined) this.#runs.push(this.#current);
    this.#current = undefined;
  }
}
