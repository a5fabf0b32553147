/**
 * `most` of the values at random and in their order, all of them where there are no more. As many values give a draw of the same places.
 */
export function drawn(values: Float64Array, most: number): Float64Array {
  const count = values.length;
  if (count <= most) return values;
  const sample = new Float64Array(most);
  const left = count - most;
  // The fewer places are drawn: those to take, or those to leave.
  const drawnPlaces = drawPlaces(count, Math.min(most, left));
  const isTaken = most <= left ? 1 : 0;
  let taken = 0;
  for (let at = 0; at < count; at += 1) {
    if (drawnPlaces[at] !== isTaken) continue;
    sample[taken] = values[at] as number;
    taken += 1;
  }
  return sample;
}

/** 1 at `most` different places of `count`, at most half of them. */
function drawPlaces(count: number, most: number): Uint8Array {
  const places = new Uint8Array(count);
  const random = generator(count);
  for (let found = 0; found < most;) {
    const place = Math.floor(random() * count);
    if (places[place] === 1) continue;
    places[place] = 1;
    found += 1;
  }
  return places;
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
