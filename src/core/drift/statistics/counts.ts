/** Counts or shares of levels in some order. */
export type Counts = ArrayLike<number>;

/** How many independent rows each side is worth; see autocorrelation.ts. */
export interface SampleSizes {
  readonly reference: number;
  readonly current: number;
}

export function sumOf(counts: Counts): number {
  let sum = 0;
  for (let level = 0; level < counts.length; level += 1) sum += counts[level] as number;
  return sum;
}

/** A RangeError unless both sides count the same levels. */
export function checkSameLevels(reference: Counts, current: Counts): void {
  if (reference.length === current.length) return;
  throw new RangeError(`${reference.length} reference levels cannot be compared with ${current.length}`);
}
