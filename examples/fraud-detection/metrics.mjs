/**
 * How well `scores` (higher means "more likely the rare event") rank and decide `labels` (0 or 1). The first five hold
 * at `threshold`, ROC AUC and average precision over all thresholds. Tied scores are treated as one step: they count half in
 * the ROC AUC (as in the Mann-Whitney statistic) and share one precision in the average precision.
 * Rounded to six decimals.
 */
export function evaluate(scores, labels, threshold) {
  const { truePositives: tp, falsePositives: fp } = countAbove(scores, labels, threshold);
  const positives = labels.filter((label) => label === 1).length;
  const negatives = labels.length - positives;
  const precision = tp + fp === 0 ? 0 : tp / (tp + fp);
  const recall = positives === 0 ? 0 : tp / positives;
  const metrics = {
    accuracy: (tp + negatives - fp) / labels.length,
    precision,
    recall,
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    ...rankingMetrics(scores, labels),
  };
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number(value.toFixed(6))]));
}

/** The threshold with the best F1 on the given rows; to be chosen on training rows only. */
export function bestThreshold(scores, labels) {
  const positives = labels.filter((label) => label === 1).length;
  let best = { threshold: 0.5, f1: -1 };
  for (const step of stepsDownwards(scores, labels)) {
    // F1 in counts: 2 TP / (TP + FP + P).
    const f1 = (2 * step.truePositives) / (step.truePositives + step.falsePositives + positives);
    if (f1 > best.f1) best = { threshold: step.score, f1 };
  }
  return best.threshold;
}

function countAbove(scores, labels, threshold) {
  let truePositives = 0;
  let falsePositives = 0;
  for (const [index, score] of scores.entries()) {
    if (score < threshold) continue;
    if (labels[index] === 1) truePositives += 1;
    else falsePositives += 1;
  }
  return { truePositives, falsePositives };
}

function rankingMetrics(scores, labels) {
  const positives = labels.filter((label) => label === 1).length;
  const negatives = labels.length - positives;
  let area = 0;
  let averagePrecision = 0;
  let before = { truePositives: 0, falsePositives: 0 };
  for (const step of stepsDownwards(scores, labels)) {
    const newTrue = step.truePositives - before.truePositives;
    const newFalse = step.falsePositives - before.falsePositives;
    area += newFalse * (before.truePositives + newTrue / 2);
    averagePrecision += newTrue * (step.truePositives / (step.truePositives + step.falsePositives));
    before = step;
  }
  return { roc_auc: area / (positives * negatives), average_precision: averagePrecision / positives };
}

/** For every distinct score, highest first: how many positives and negatives score at least as high. */
function stepsDownwards(scores, labels) {
  const order = scores.map((score, index) => ({ score, label: labels[index] }));
  order.sort((left, right) => right.score - left.score);
  const steps = [];
  let truePositives = 0;
  let falsePositives = 0;
  for (const [index, { score, label }] of order.entries()) {
    if (label === 1) truePositives += 1;
    else falsePositives += 1;
    if (order[index + 1]?.score !== score) steps.push({ score, truePositives, falsePositives });
  }
  return steps;
}
