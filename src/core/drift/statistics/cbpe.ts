import { CONFIDENCE, standardErrors, type Estimate } from './intervals.ts';

/**
 * Confidence-based performance estimation: what accuracy, F1 and AUC would be if each row were positive with its probability, so that no
 * labels are needed (the method of NannyML). Right as far as the probabilities are calibrated on these rows: it sees drift of the inputs,
 * not of the concept.
 *
 * Intervals hold the chance of the labels given right probabilities, nothing else: normal, with the delta method for F1 and AUC.
 */
export interface EstimatedPerformance {
  readonly accuracy: Estimate;
  /** null where no row is predicted positive and no probability is above 0. */
  readonly f1: Estimate | null;
  /** null where all probabilities are 0, or all are 1. */
  readonly auc: Estimate | null;
  /** Expected rows of each kind; they add up to the number of rows. */
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

export interface EstimateOptions {
  /** 1 for rows that are predicted positive; unless told those with a probability of .5 or more. */
  readonly predicted?: ArrayLike<number>;
  /** What rows are ranked by; the probabilities unless told. Differs from them where they were corrected. */
  readonly scores?: Float64Array;
  readonly confidence?: number;
}

/** Estimates for probabilities of the positive class in [0, 1], any order. A RangeError without rows or with another number. */
export function estimatePerformance(
  probabilities: Float64Array,
  options: EstimateOptions = {},
): EstimatedPerformance {
  if (probabilities.length === 0) throw new RangeError('an estimate needs at least one row');
  const { predicted, scores = probabilities, confidence = CONFIDENCE } = options;
  const z = standardErrors(confidence);
  const sums = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  let positiveVariance = 0;
  let variance = 0;
  for (const [row, p] of probabilities.entries()) {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`a probability lies between 0 and 1, not ${p}`);
    variance += p * (1 - p);
    if (predicted === undefined ? p >= 0.5 : predicted[row] === 1) {
      sums.truePositives += p;
      sums.falsePositives += 1 - p;
      positiveVariance += p * (1 - p);
    } else {
      sums.falseNegatives += p;
      sums.trueNegatives += 1 - p;
    }
  }
  const rows = probabilities.length;
  const right = (sums.truePositives + sums.trueNegatives) / rows;
  return {
    ...sums,
    accuracy: within(right, (z * Math.sqrt(variance)) / rows),
    f1: expectedF1(sums, { positive: positiveVariance, negative: variance - positiveVariance }, z),
    auc: expectedAuc(probabilities, scores, z),
  };
}

/**
 * Accuracy of a classifier of any number of classes: the mean of the probabilities of the predicted classes. A RangeError without rows or
 * with a probability outside of [0, 1].
 */
export function estimateAccuracy(predictedProbabilities: Float64Array, confidence = CONFIDENCE): Estimate {
  // Every row counts as predicted positive, so being right is being positive.
  const predicted = new Uint8Array(predictedProbabilities.length).fill(1);
  return estimatePerformance(predictedProbabilities, { predicted, confidence }).accuracy;
}

type Expected = Pick<EstimatedPerformance, 'truePositives' | 'falsePositives' | 'falseNegatives'>;

function expectedF1(
  { truePositives: tp, falsePositives: fp, falseNegatives: fn }: Expected,
  variance: { positive: number; negative: number },
  z: number,
): Estimate | null {
  // F1 = 2 TP / (predicted + TP + FN), where only TP and FN depend on the labels.
  const denominator = 2 * tp + fp + fn;
  if (denominator === 0) return null;
  const slopeTp = (2 * (denominator - tp)) / (denominator * denominator);
  const slopeFn = (-2 * tp) / (denominator * denominator);
  const deviation = Math.sqrt(
    slopeTp ** 2 * variance.positive + slopeFn ** 2 * Math.max(0, variance.negative),
  );
  return within((2 * tp) / denominator, z * deviation);
}

/**
 * Expected pairs of a positive row above a negative one, ties halved, over expected pairs of a positive and a negative row.
 *
 * The variance is that of the pairs' linear part in the labels: a label more in row i makes the negatives below it pairs, and unmakes those
 * of the positives above it.
 */
function expectedAuc(probabilities: Float64Array, scores: Float64Array, z: number): Estimate | null {
  const order = Array.from(scores.keys()).sort((x, y) => (scores[x] as number) - (scores[y] as number));
  let allPositives = 0;
  let withItself = 0;
  for (const p of probabilities) {
    allPositives += p;
    withItself += p * (1 - p);
  }
  const allNegatives = probabilities.length - allPositives;
  // A row is not both; what rounding leaves of that does not count as a pair.
  const pairs = allPositives * allNegatives - withItself;
  if (!(pairs > 1e-9)) return null;
  const gains = new Float64Array(probabilities.length);
  let doubled = 0;
  let positives = 0;
  let negatives = 0;
  for (let at = 0; at < order.length;) {
    const tied = tieGroup(order, scores, at);
    const inGroup = tied.reduce((sum, row) => sum + (probabilities[row] as number), 0);
    for (const row of tied) {
      const p = probabilities[row] as number;
      const below = negatives + (tied.length - inGroup - (1 - p)) / 2;
      const above = allPositives - positives - inGroup + (inGroup - p) / 2;
      gains[row] = below - above;
      doubled += p * below + (1 - p) * above;
    }
    positives += inGroup;
    negatives += tied.length - inGroup;
    at += tied.length;
  }
  const value = doubled / 2 / pairs;
  let variance = 0;
  for (const [row, p] of probabilities.entries()) {
    const slope = (gains[row] as number) - value * (allNegatives - allPositives - (1 - 2 * p));
    variance += p * (1 - p) * slope * slope;
  }
  return within(Math.min(1, Math.max(0, value)), (z * Math.sqrt(variance)) / pairs);
}

/** The rows from `at` on that have its score. */
function tieGroup(order: readonly number[], scores: Float64Array, at: number): readonly number[] {
  const score = scores[order[at] as number];
  let end = at + 1;
  while (end < order.length && scores[order[end] as number] === score) end += 1;
  return order.slice(at, end);
}

function within(value: number, reach: number): Estimate {
  return { value, low: Math.max(0, value - reach), high: Math.min(1, value + reach) };
}
