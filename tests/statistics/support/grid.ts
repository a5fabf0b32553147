import { type Rate, rateOf } from './binomial.ts';

/** One measured rate of a table of results. */
export interface Cell extends Rate {
  readonly row: string;
  readonly column: string;
}

/** How often `event` happens in `runs` runs, the seed of each being its number. */
export async function cellOf(
  { row, column, runs }: { row: string; column: string; runs: number },
  event: (run: number) => Promise<boolean>,
): Promise<Cell> {
  let count = 0;
  for (let run = 0; run < runs; run += 1) if (await event(run)) count += 1;
  return { row, column, ...rateOf(count, runs) };
}

/** A number of a name, so that each cell of a grid has draws of its own. */
export function wordOf(name: string): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 16_777_619);
  return hash;
}

/** Rows of the reference and of the current data. */
export interface Sizes {
  readonly reference: number;
  readonly current: number;
}

export function sizesOf(text: string): Sizes {
  const [reference = 0, current = 0] = text.split('/').map(Number);
  return { reference, current };
}
