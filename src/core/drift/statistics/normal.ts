/**
 * P(Z > z) of the standard normal distribution, in [0, 1].
 *
 * Rational Chebyshev approximations of W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969).
 * Relative accuracy about 1e-15 over the whole range, also far out in the tail (z = 38 gives 3e-316).
 */
export function normalSf(z: number): number {
  const x = Math.abs(z);
  if (x <= 0.67448975) {
    const square = x > 1.11e-16 ? z * z : 0;
    return 0.5 - z * ratio(CENTRE, square);
  }
  // The smallest double is the tail at 38.5.
  if (x > 40) return z > 0 ? 0 : 1;
  const tail = x <= Math.SQRT2 * 4 ? ratio(MIDDLE, x) : farTail(x);
  // Splitting the square keeps the rounding of x * x out of the exponent.
  const rounded = Math.trunc(x * 16) / 16;
  const density = Math.exp(-rounded * rounded * 0.5) * Math.exp(-(x - rounded) * (x + rounded) * 0.5);
  return z > 0 ? density * tail : 1 - density * tail;
}

/** 2 P(Z > |z|): the two-sided p of a statistic that is standard normal under the hypothesis. */
export function normalTwoSided(z: number): number {
  return Math.min(1, 2 * normalSf(Math.abs(z)));
}

/**
 * The z with P(Z > z) = tail; tail in (0, 1), else a RangeError.
 *
 * Abramowitz & Stegun 26.2.23 (absolute error 4.5e-4), then Halley steps on normalSf: relative accuracy about 1e-15.
 */
export function normalUpperQuantile(tail: number): number {
  if (!(tail > 0 && tail < 1)) throw new RangeError(`a tail probability lies between 0 and 1, not ${tail}`);
  if (tail > 0.5) return -normalUpperQuantile(1 - tail);
  if (tail === 0.5) return 0;
  const t = Math.sqrt(-2 * Math.log(tail));
  let z =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let step = 0; step < 3; step += 1) {
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
    if (density === 0) break;
    const error = (normalSf(z) - tail) / density;
    z += error / (1 + 0.5 * z * error);
  }
  return z;
}

interface Rational {
  readonly numerator: readonly number[];
  readonly denominator: readonly number[];
}

/** Coefficients from the highest power to the lowest; the denominator's highest is 1 and left out. */
const CENTRE: Rational = {
  numerator: [
    0.06568233791820745, 2.2352520354606837, 161.02823106855587, 1067.6894854603709, 18154.98125334356,
  ],
  denominator: [47.202581904688245, 976.0985517377767, 10260.932208618979, 45507.78933502673],
};
const MIDDLE: Rational = {
  numerator: [
    1.0765576773720192e-8, 0.39894151208813466, 8.883149794388377, 93.50665613217785, 597.2702763948002,
    2494.5375852903726, 6848.190450536283, 11602.65143764735, 9842.714838383978,
  ],
  denominator: [
    22.266688044328117, 235.387901782625, 1519.3775994075547, 6485.558298266761, 18615.571640885097,
    34900.95272114598, 38912.00328609327, 19685.429676859992,
  ],
};
const TAIL: Rational = {
  numerator: [
    0.023073441764940174, 0.215898534057957, 0.12740116116024736, 0.022235277870649807, 0.0014216191932278934,
    0.000029112874951168793,
  ],
  denominator: [
    1.284260096144911, 0.4682382124808651, 0.06598813786892856, 0.0037823963320275824, 0.00007297515550839662,
  ],
};

function ratio({ numerator, denominator }: Rational, x: number): number {
  let above = 0;
  for (const coefficient of numerator) above = above * x + coefficient;
  let below = 1;
  for (const coefficient of denominator) below = below * x + coefficient;
  return above / below;
}

function farTail(x: number): number {
  const inverse = 1 / (x * x);
  return (1 / Math.sqrt(2 * Math.PI) - inverse * ratio(TAIL, inverse)) / x;
}
