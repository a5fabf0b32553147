import { mean, sampleVariance } from 'simple-statistics';

/** Predicted probabilities with what came of them: 1 for a positive row, 0 for a negative one. Equally long. */
export interface Outcomes {
  readonly probabilities: Float64Array;
  readonly labels: Uint8Array;
}

const BINS = 10;

/**
 * Expected calibration error: the distance between the mean probability and the share of positive rows, over ten bins of (nearly) as many rows
 * each, weighted by rows (Naeini, Cooper & Hauskrecht 2015, with equal numbers of rows instead of equal widths). 0 without rows.
 */
export function calibrationError({ probabilities, labels }: Outcomes): number {
  const rows = probabilities.length;
  const order = ascending(probabilities);
  let error = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    let difference = 0;
    for (const row of order.slice(Math.floor((rows * bin) / BINS), Math.floor((rows * (bin + 1)) / BINS))) {
      difference += (probabilities[row] as number) - (labels[row] as number);
    }
    error += Math.abs(difference);
  }
  return rows === 0 ? 0 : error / rows;
}

/** What a probability is worth in truth. */
export type Correction = (probability: number) => number;

/**
 * Isotonic regression of the labels on the probabilities: the rising step function with the least squared error, by pooling neighbours that
 * fall (Ayer and others 1955). Between the steps it is a straight line, so that probabilities that were not seen have a value.
 */
export function isotonicCorrection({ probabilities, labels }: Outcomes): Correction {
  const blocks: Block[] = [];
  for (const row of ascending(probabilities)) {
    const p = probabilities[row] as number;
    const last = blocks.at(-1);
    // Rows of one probability belong to one block, whatever their labels.
    if (last === undefined || last.to !== p) {
      blocks.push({ from: p, to: p, positives: labels[row] as number, rows: 1 });
    } else {
      last.positives += labels[row] as number;
      last.rows += 1;
    }
  }
  const pooled: Block[] = [];
  for (const block of blocks) {
    let next = block;
    for (
      let last = pooled.at(-1);
      last !== undefined && shareOf(last) >= shareOf(next);
      last = pooled.at(-1)
    ) {
      pooled.pop();
      next = {
        from: last.from,
        to: next.to,
        positives: last.positives + next.positives,
        rows: last.rows + next.rows,
      };
    }
    pooled.push(next);
  }
  return (probability) => interpolate(pooled, probability);
}

/** How many standard errors the correction has to be better by on rows that it was not made from. */
const BETTER_BY = 2;
/** Fewer rows than this make a correction that is noise. */
const LEAST_ROWS = 100;

/**
 * The correction that makes the probabilities better, or none: it is used only if corrections made from one half of the rows (every second one)
 * lower the mean squared error of the other half by two standard errors.
 */
export function worthwhileCorrection(outcomes: Outcomes): Correction | undefined {
  const { probabilities, labels } = outcomes;
  if (probabilities.length < LEAST_ROWS) return undefined;
  const gains: number[] = [];
  for (const half of [0, 1]) {
    const correction = isotonicCorrection(everySecond(outcomes, half));
    for (let row = 1 - half; row < probabilities.length; row += 2) {
      const p = probabilities[row] as number;
      const label = labels[row] as number;
      gains.push((p - label) ** 2 - (correction(p) - label) ** 2);
    }
  }
  const error = Math.sqrt(sampleVariance(gains) / gains.length);
  return mean(gains) > BETTER_BY * error && error > 0 ? isotonicCorrection(outcomes) : undefined;
}

interface Block {
  readonly from: number;
  readonly to: number;
  positives: number;
  rows: number;
}

function shareOf({ positives, rows }: Block): number {
  return positives / rows;
}

function ascending(probabilities: Float64Array): number[] {
  return Array.from(probabilities.keys()).toSorted(
    (x, y) => (probabilities[x] as number) - (probabilities[y] as number),
  );
}

function everySecond({ probabilities, labels }: Outcomes, half: number): Outcomes {
  return {
    probabilities: probabilities.filter((_, row) => row % 2 === half),
    labels: labels.filter((_, row) => row % 2 === half),
  };
}

function interpolate(blocks: readonly Block[], probability: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((blocks[middle] as Block).to < probability) low = middle + 1;
    else high = middle;
  }
  const after = blocks[low];
  const before = blocks[low - 1];
  if (after === undefined) return before === undefined ? probability : shareOf(before);
  if (before === undefined || probability >= after.from) return shareOf(after);
  const part = (probability - before.to) / (after.from - before.to);
  return shareOf(before) + part * (shareOf(after) - shareOf(before));
}
