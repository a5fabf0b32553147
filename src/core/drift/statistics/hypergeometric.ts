import { deviance, stirlingRemainder } from './gamma.ts';

/** A population of `total` rows of which `marked` are marked, and `draws` of them taken without replacement. Whole numbers. */
export interface Hypergeometric {
  readonly total: number;
  readonly marked: number;
  readonly draws: number;
}

/**
 * P(exactly x marked rows among the draws). Loader's saddle-point form of three binomials (2000), as in R's dhyper:
 * relative accuracy about 1e-13 at any size of the population.
 */
export function hypergeometricPmf(x: number, { total, marked, draws }: Hypergeometric): number {
  if (x < Math.max(0, draws - (total - marked)) || x > Math.min(marked, draws)) return 0;
  if (draws === 0 || draws === total) return 1;
  const share = draws / total;
  const rest = (total - draws) / total;
  return (
    (binomialPmf(x, marked, share, rest) * binomialPmf(draws - x, total - marked, share, rest)) /
    binomialPmf(draws, total, share, rest)
  );
}

/**
 * P(at least x of the current rows lie beyond all reference rows | the pooled rows are exchangeable), one side:
 * prod_{i<x} (m - i) / (n + m - i) for n reference and m current rows. 1 for x = 0.
 *
 * The same formula serves rows of a category that the reference does not have.
 */
export function exceedanceP(
  x: number,
  { reference, current }: { reference: number; current: number },
): number {
  if (x <= 0) return 1;
  if (x > current) return 0;
  if (x > 64) {
    // The product is the chance that x draws from the pool take no reference row.
    return hypergeometricPmf(0, { total: reference + current, marked: reference, draws: x });
  }
  let p = 1;
  for (let index = 0; index < x; index += 1) p *= (current - index) / (reference + current - index);
  return p;
}

/**
 * P(at least x of the current rows lie outside of the reference's range, below its minimum or above its maximum | the pooled rows are
 * exchangeable and no two are equal): exceedanceP(x) (1 + x n / (n + m - x)). 1 for x = 0.
 *
 * Of j rows outside j + 1 divisions into below and above are equally likely, each as likely as j rows beyond one end with the n reference rows
 * around what is left; the formula is their sum over j >= x. Wrong units throw values out on both sides: counted together they are
 * significant long before either side is.
 */
export function outOfRangeP(x: number, sizes: { reference: number; current: number }): number {
  if (x <= 0) return 1;
  if (x > sizes.current) return 0;
  const { reference, current } = sizes;
  return Math.min(1, exceedanceP(x, sizes) * (1 + (x * reference) / (reference + current - x)));
}

/** E|X - E X| of the hypergeometric distribution, De Moivre's closed form: exact for any size. */
export function hypergeometricMeanDeviation({ total, marked, draws }: Hypergeometric): number {
  const mean = (marked * draws) / total;
  const k = Math.floor(mean) + 1;
  // (x - mean) pmf(x) = g(x) - g(x + 1) with g(x) = x (total - marked - draws + x) / total pmf(x), so the upper half telescopes to g(k).
  return ((2 * k * (total - marked - draws + k)) / total) * hypergeometricPmf(k, { total, marked, draws });
}

function binomialPmf(x: number, n: number, p: number, q: number): number {
  if (x === 0) return n === 0 ? 1 : Math.exp(p < 0.1 ? -deviance(n, n * q) - n * p : n * Math.log(q));
  if (x === n) return Math.exp(q < 0.1 ? -deviance(n, n * p) - n * q : n * Math.log(p));
  const exponent =
    stirlingRemainder(n) -
    stirlingRemainder(x) -
    stirlingRemainder(n - x) -
    deviance(x, n * p) -
    deviance(n - x, n * q);
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * x * (n - x)));
}
