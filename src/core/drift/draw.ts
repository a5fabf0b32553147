/**
 * `most` of the values at random and in their order, all of them where there are no more (Knuth's selection sampling, algorithm S).
 * The same values give the same draw.
 */
export function drawn(values: Float64Array, most: number): Float64Array {
  const count = values.length;
  if (count <= most) return values;
  const sample = new Float64Array(most);
  const random = generator(count);
  for (let at = 0, taken = 0; taken < most; at += 1) {
    if ((count - at) * random() < most - taken) {
      sample[taken] = values[at] as number;
      taken += 1;
    }
  }
  return sample;
}

/** Random numbers from 0 to 1: a Weyl sequence through a mixing function of 32 bits (Steele, Lea & Flood 2014). */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
