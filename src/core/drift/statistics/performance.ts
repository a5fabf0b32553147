import { mean as meanOf, sampleVariance } from 'simple-statistics';
import { CONFIDENCE, standardErrors, wilsonInterval, type Estimate } from './intervals.ts';
import { sortedCopy } from './sorting.ts';

/**
 * How well predictions fit labels, with confidence intervals from formulas, not from resampling. Rows count as independent. Two data sets
 * are compared by differenceOf() their estimates.
 */

/** Share of right predictions, with Wilson's interval. */
export function accuracy(correct: number, rows: number, confidence = CONFIDENCE): Estimate {
  return wilsonInterval(correct, rows, confidence);
}

export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/**
 * F1 of the positive class, 2 TP / (2 TP + FP + FN). Its interval is Wilson's for TP / (TP + FP + FN), of which F1 = 2 x / (1 + x) is an
 * increasing function. null where there are neither positive rows nor positive predictions.
 */
export function f1(
  { truePositives, falsePositives, falseNegatives }: Confusion,
  confidence = CONFIDENCE,
): Estimate | null {
  const rows = truePositives + falsePositives + falseNegatives;
  if (rows === 0) return null;
  const overlap = wilsonInterval(truePositives, rows, confidence);
  const toF1 = (x: number): number => (2 * x) / (1 + x);
  return { value: toF1(overlap.value), low: toF1(overlap.low), high: toF1(overlap.high) };
}

/**
 * Mean of the F1 of all classes that occur as a label or prediction, each with the same weight; classes are whole numbers from 0 on. A RangeError
 * without rows.
 *
 * Delta method: F1 of a class is 2 TP / (labels + predictions), so that each row moves the mean by a term of its own, and the variance is
 * that of these terms. Where it is 0 all rows are right or all wrong, and the interval is that of the accuracy.
 */
export function macroF1(labels: Int32Array, predictions: Int32Array, confidence = CONFIDENCE): Estimate {
  const rows = labels.length;
  if (rows === 0) throw new RangeError('a mean F1 needs at least one row');
  const right = new Map<number, number>();
  const used = new Map<number, number>();
  for (const [row, label] of labels.entries()) {
    const prediction = predictions[row] as number;
    used.set(label, (used.get(label) ?? 0) + 1);
    used.set(prediction, (used.get(prediction) ?? 0) + 1);
    if (label === prediction) right.set(label, (right.get(label) ?? 0) + 1);
  }
  const share = (of: ReadonlyMap<number, number>, level: number): number => of.get(level) ?? 0;
  const sum = [...used].reduce((total, [level, uses]) => total + (2 * share(right, level)) / uses, 0);
  const value = sum / used.size;
  let squares = 0;
  for (const [row, label] of labels.entries()) {
    const prediction = predictions[row] as number;
    const weight = (level: number): number => (2 * share(right, level)) / share(used, level) ** 2;
    const gain = label === prediction ? 2 / share(used, label) : 0;
    squares += (gain - weight(label) - weight(prediction)) ** 2;
  }
  const deviation = Math.sqrt(squares) / used.size;
  if (!(deviation > 1e-12)) return accuracy(value > 0.5 ? rows : 0, rows, confidence);
  const reach = standardErrors(confidence) * deviation;
  return { value, low: Math.max(0, value - reach), high: Math.min(1, value + reach) };
}

/**
 * Area under the ROC curve: the chance that a positive row has a higher score than a negative one, ties counted as half. Scores of the
 * positive and of the negative rows, in any order; a RangeError where one is empty.
 *
 * Variance by DeLong, DeLong & Clarke-Pearson (1988), interval on the logit scale. Where that variance is 0 (perfect separation, one row a
 * side), the interval holds what a score test with Hanley & McNeil's exponential variance (1982) does not refuse (Newcombe 2006,
 * method 5).
 */
export function areaUnderRoc(
  positive: Float64Array,
  negative: Float64Array,
  confidence = CONFIDENCE,
): Estimate {
  if (positive.length === 0 || negative.length === 0) {
    throw new RangeError('a ROC curve needs positive and negative rows');
  }
  const z = standardErrors(confidence);
  const sortedPositive = sortedCopy(positive);
  const sortedNegative = sortedCopy(negative);
  const ofPositive = placements(sortedPositive, sortedNegative);
  const ofNegative = placements(sortedNegative, sortedPositive);
  const value = ofPositive.mean;
  const deviation = Math.sqrt(ofPositive.variance / positive.length + ofNegative.variance / negative.length);
  if (!(deviation > 0) || value <= 0 || value >= 1) {
    return scoreInterval(value, positive.length, negative.length, z);
  }
  const logit = Math.log(value / (1 - value));
  const reach = (z * deviation) / (value * (1 - value));
  return { value, low: logistic(logit - reach), high: logistic(logit + reach) };
}

/**
 * Root mean squared error of the given errors (prediction less label), in the label's unit. The mean square has a normal interval on the
 * logarithmic scale (delta method), so that it stays above 0; a value of 0 has the interval [0, 0]. A RangeError without errors.
 */
export function rootMeanSquaredError(errors: Float64Array, confidence = CONFIDENCE): Estimate {
  if (errors.length === 0) throw new RangeError('a mean error needs at least one row');
  const { mean, variance } = momentsOf(errors.map((error) => error * error));
  if (mean === 0) return { value: 0, low: 0, high: 0 };
  const relative = Math.sqrt(variance / errors.length) / mean;
  const factor = Math.exp((standardErrors(confidence) * relative) / 2);
  const value = Math.sqrt(mean);
  return { value, low: value / factor, high: value * factor };
}

interface Moments {
  readonly mean: number;
  /** Of a sample: divided by n - 1; 0 for one value. */
  readonly variance: number;
}

function momentsOf(values: Float64Array): Moments {
  const list = Array.from(values);
  return { mean: meanOf(list), variance: list.length > 1 ? sampleVariance(list) : 0 };
}

/** Of each of the sorted values the share of the sorted others below it, ties counted as half: their mean and variance. */
function placements(values: Float64Array, others: Float64Array): Moments {
  let below = 0;
  let upTo = 0;
  const shares = values.map((value) => {
    while (below < others.length && (others[below] as number) < value) below += 1;
    upTo = Math.max(upTo, below);
    while (upTo < others.length && (others[upTo] as number) <= value) upTo += 1;
    return (below + upTo) / 2 / others.length;
  });
  return momentsOf(shares);
}

/** All theta with |value - theta| <= z sqrt(V(theta)). */
function scoreInterval(value: number, n: number, m: number, z: number): Estimate {
  const accepted = (theta: number): boolean =>
    Math.abs(value - theta) <= z * Math.sqrt(exponentialVariance(theta, n, m));
  return { value, low: lastAccepted(value, 0, accepted), high: lastAccepted(value, 1, accepted) };
}

/** Variance of the area if scores are exponential, with the mean sample size in Hanley & McNeil's weights, as Newcombe's method 5. */
function exponentialVariance(theta: number, n: number, m: number): number {
  const others = (n + m) / 2 - 1;
  return (
    (theta * (1 - theta) * (1 + others * ((1 - theta) / (2 - theta)) + (others * theta) / (1 + theta))) /
    (n * m)
  );
}

function lastAccepted(from: number, end: number, accepted: (theta: number) => boolean): number {
  if (from === end) return end;
  let inside = from;
  let outside = end;
  for (let step = 0; step < 60; step += 1) {
    const middle = (inside + outside) / 2;
    if (accepted(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
