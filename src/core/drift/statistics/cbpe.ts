import { CONFIDENCE, standardErrors, type Estimate } from './intervals.ts';
import { sortedCopy } from './sorting.ts';

/**
 * Confidence-based performance estimation: what accuracy, F1 and AUC would be if each row were positive with the probability that the model
 * gives it, so that no labels are needed. Right as far as the probabilities are calibrated on these rows: it sees drift of the inputs,
 * not of the concept (the method of NannyML).
 *
 * Intervals hold the chance of the labels given right probabilities, nothing else.
 */
export interface EstimatedPerformance {
  readonly accuracy: Estimate;
  /** null where no row is predicted positive and no probability is above 0. */
  readonly f1: Estimate | null;
  /** null where all probabilities are 0, or all are 1. Without interval. */
  readonly auc: number | null;
  /** Expected rows of each kind; they add up to the number of rows. */
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/**
 * Estimates for predicted probabilities of the positive class in [0, 1], any order, predicted positive from `threshold` on. A RangeError
 * without rows or with a probability outside of [0, 1].
 */
export function estimatePerformance(
  probabilities: Float64Array,
  { threshold = 0.5, confidence = CONFIDENCE }: { threshold?: number; confidence?: number } = {},
): EstimatedPerformance {
  if (probabilities.length === 0) throw new RangeError('an estimate needs at least one row');
  const z = standardErrors(confidence);
  const sums = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  let positiveVariance = 0;
  let variance = 0;
  for (const p of probabilities) {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`a probability lies between 0 and 1, not ${p}`);
    variance += p * (1 - p);
    if (p >= threshold) {
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
    auc: expectedAuc(probabilities),
  };
}

/**
 * Accuracy of a classifier of any number of classes that predicts the likeliest one: the mean of the probabilities of the predicted
 * classes. A RangeError without rows or with a probability outside of [0, 1].
 */
export function estimateAccuracy(predictedProbabilities: Float64Array, confidence = CONFIDENCE): Estimate {
  // Every row counts as predicted positive, so being right is being positive.
  return estimatePerformance(predictedProbabilities, { threshold: 0, confidence }).accuracy;
}

function expectedF1(
  {
    truePositives: tp,
    falsePositives: fp,
    falseNegatives: fn,
  }: Omit<EstimatedPerformance, 'accuracy' | 'f1' | 'auc' | 'trueNegatives'>,
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

/** Expected pairs of a positive row above a negative one, ties halved, over expected pairs of a positive and a negative row. */
function expectedAuc(probabilities: Float64Array): number | null {
  const sorted = sortedCopy(probabilities);
  let positives = 0;
  let negatives = 0;
  let area = 0;
  let withItself = 0;
  for (let at = 0; at < sorted.length;) {
    const value = sorted[at] as number;
    const from = at;
    while (at < sorted.length && sorted[at] === value) at += 1;
    const rows = at - from;
    area += rows * value * (negatives + ((rows - 1) * (1 - value)) / 2);
    positives += rows * value;
    negatives += rows * (1 - value);
    withItself += rows * value * (1 - value);
  }
  // A row is not both; what rounding leaves of that does not count as a pair.
  const pairs = positives * negatives - withItself;
  return pairs > 1e-9 ? Math.min(1, Math.max(0, area / pairs)) : null;
}

function within(value: number, reach: number): Estimate {
  return { value, low: Math.max(0, value - reach), high: Math.min(1, value + reach) };
}
