/**
 * ln Gamma(x) - (x - 1/2) ln x + x - ln sqrt(2 pi), for x > 0: what Stirling's formula leaves out.
 * The asymptotic series from x = 16 on, moved there by the recurrence; absolute accuracy about 1e-15.
 */
export function stirlingRemainder(x: number): number {
  let shift = 0;
  let at = x;
  // mu(x) - mu(x + 1) = (x + 1/2) ln(1 + 1/x) - 1
  for (; at < 16; at += 1) shift += (at + 0.5) * Math.log1p(1 / at) - 1;
  const square = 1 / (at * at);
  const series =
    (1 / 12 -
      square *
        (1 / 360 -
          square *
            (1 / 1260 -
              square * (1 / 1680 - square * (1 / 1188 - square * (691 / 360360 - square / 156)))))) /
    at;
  return series + shift;
}

/**
 * x ln(x / mean) + mean - x >= 0, the deviance of a count x from its mean, without cancellation where they are close.
 * C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
 */
export function deviance(x: number, mean: number): number {
  const difference = x - mean;
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * Math.log(x / mean) + mean - x;
  const v = difference / (x + mean);
  let sum = difference * v;
  let term = 2 * x * v;
  for (let odd = 3; odd < 1000; odd += 2) {
    term *= v * v;
    const next = sum + term / odd;
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/**
 * Q(a, x), the regularised upper incomplete gamma function, a > 0 and x >= 0.
 *
 * A series below a + 1, Legendre's continued fraction (Lentz) above (Numerical Recipes 6.2), both times x^a exp(-x) / Gamma(a + 1) in
 * Loader's saddle-point form, so that large a cost no digits. Relative accuracy about 1e-13.
 */
export function upperGamma(a: number, x: number): number {
  if (!(x > 0)) return 1;
  if (x === Infinity) return 0;
  const density = Math.exp(-stirlingRemainder(a) - deviance(a, x)) / Math.sqrt(2 * Math.PI * a);
  return x < a + 1 ? 1 - density * a * lowerSeries(a, x) : density * a * upperFraction(a, x);
}

/** P(X > x) of the chi-square distribution with df degrees of freedom. */
export function chiSquareSf(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}

/** The x with P(X > x) = tail of the chi-square distribution, tail in (0, 1), else a RangeError. Bisection to 1e-15 relative. */
export function chiSquareUpperQuantile(tail: number, df: number): number {
  if (!(tail > 0 && tail < 1)) throw new RangeError(`a tail probability lies between 0 and 1, not ${tail}`);
  let low = 0;
  let high = df + 10;
  while (chiSquareSf(high, df) > tail) {
    low = high;
    high *= 2;
  }
  while (high - low > 1e-15 * high) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (chiSquareSf(middle, df) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** gamma(a, x) / (x^a exp(-x)) = sum x^k / (a (a+1) ... (a+k)). */
function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let k = 1; ; k += 1) {
    term *= x / (a + k);
    sum += term;
    if (term < sum * 1e-17) return sum;
  }
}

/** Gamma(a, x) / (x^a exp(-x)) as a continued fraction. */
function upperFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let value = d;
  for (let k = 1; ; k += 1) {
    const numerator = -k * (k - a);
    b += 2;
    d = numerator * d + b;
    if (Math.abs(d) < tiny) d = tiny;
    c = b + numerator / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const step = d * c;
    value *= step;
    if (Math.abs(step - 1) < 1e-16) return value;
  }
}
