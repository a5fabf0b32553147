/**
 * Benjamini-Hochberg q-values of a family of p-values, in their order: the smallest false discovery rate at which each would be called.
 * q_(i) = min over k >= i of p_(k) N / k, at most 1 (Benjamini & Hochberg 1995; R's p.adjust).
 *
 * A RangeError for a p outside of [0, 1] or not a number: checks that could not be made do not belong to the family.
 */
export function benjaminiHochberg(p: readonly number[]): number[] {
  for (const value of p) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`a p-value lies between 0 and 1, not ${value}`);
  }
  const descending = p.map((value, index) => ({ value, index })).toSorted((x, y) => y.value - x.value);
  const q = Array.from(p, () => 1);
  let least = 1;
  for (const [place, { value, index }] of descending.entries()) {
    // The factor first: it is at least 1, so that q is never rounded below p.
    least = Math.min(least, value * (p.length / (p.length - place)));
    q[index] = least;
  }
  return q;
}
