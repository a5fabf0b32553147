/**
 * The quantile of sorted values at share p in [0, 1], interpolated between the neighbours of (n - 1) p: type 7 of Hyndman & Fan (1996),
 * what R, numpy and pandas do. A RangeError without values.
 */
export function quantile(sorted: Float64Array, p: number): number {
  if (sorted.length === 0) throw new RangeError('there is no quantile without values');
  const place = (sorted.length - 1) * Math.min(1, Math.max(0, p));
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  const part = place - below;
  const step = high - low;
  // The difference of two huge values may be larger than any double.
  if (step === Infinity) return low * (1 - part) + high * part;
  // From the nearer neighbour, so that the result never lies beyond it.
  return part < 0.5 ? low + step * part : high - step * (1 - part);
}

export function median(sorted: Float64Array): number {
  return quantile(sorted, 0.5);
}

/**
 * `count` knots (at least 2) of sorted values at the shares 0, 1/(count-1) ... 1: values of the sample itself, each the smallest one with
 * at least that share of the values at or below it (type 1 of Hyndman & Fan). The first knot is the minimum, the last the maximum.
 *
 * A line through the knots is nowhere further than 1/(count-1) from the sample's distribution function, whatever its ties; see ksProfile.
 */
export function quantileKnots(sorted: Float64Array, count: number): Float64Array {
  if (sorted.length === 0) throw new RangeError('there is no quantile without values');
  const knots = new Float64Array(count);
  for (let knot = 0; knot < count; knot += 1) {
    const rank = Math.ceil((sorted.length * knot) / (count - 1));
    knots[knot] = sorted[Math.max(0, rank - 1)] as number;
  }
  return knots;
}
