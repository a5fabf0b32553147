/** Random numbers from 0 to 1, the same for the same seed on any machine: a Weyl sequence through a 32-bit mixing function. */
export type Generator = () => number;

export function generatorOf(seed: number): Generator {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** In a random order, in place (Fisher & Yates). */
export function shuffle<Items extends Uint8Array | Uint32Array | number[]>(
  items: Items,
  random: Generator,
): Items {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    const kept = items[at] as number;
    items[at] = items[other] as number;
    items[other] = kept;
  }
  return items;
}

/**
 * The fold of each of `rows` rows, 0 to folds - 1: neighbouring rows, which may be alike, fall into one fold but at the ends, so that a model
 * cannot know a row by the one beside it.
 */
export function foldsOf(rows: number, folds: number): Uint8Array {
  return Uint8Array.from({ length: rows }, (_, row) => Math.floor((row * folds) / rows));
}
