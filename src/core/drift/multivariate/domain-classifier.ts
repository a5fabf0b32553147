import type { Limits } from '../policy/limits.ts';
import { normalSf, normalUpperQuantile } from '../statistics/normal.ts';
import { CONFIDENCE, standardErrors } from '../statistics/intervals.ts';
import { sortedCopy } from '../statistics/sorting.ts';
import { columnText, probability } from '../text-of.ts';
import type { BinnedColumn } from './binned.ts';
import { boost, type Ensemble, scoreOf } from './boosting.ts';
import { foldsOf, type Generator, shuffle } from './generator.ts';
import { designEffectOf } from './design-effect.ts';
import { severityOf } from './judge.ts';
import type { DomainClassifierReport } from './section.ts';

/** The AUC of the best classifier of two normal distributions whose means differ so that D is .1, .2 and .4: .25, .5 and 1.05 sd. */
export const AUC_LIMITS: Limits = { medium: 0.57, high: 0.64, critical: 0.77 };

const FOLDS = 5;
/** Of each side: less would leave folds of a handful of rows. */
export const LEAST_ROWS = 50;
/** Shuffling a column costs a pass over all rows; the ones that gained most are tried. */
const TRIED_DRIVERS = 20;
const SHOWN_DRIVERS = 10;

export interface Domains {
  /** Of all rows, those of the reference first. */
  readonly columns: readonly BinnedColumn[];
  readonly referenceRows: number;
  readonly currentRows: number;
  /** How many times larger a variance is than that of independent rows, by the columns themselves; 1 where rows are independent. */
  readonly designEffect: number;
}

export interface ClassifierOptions {
  readonly alpha: number;
  readonly random: Generator;
}

/**
 * Whether a classifier can tell current from reference rows that it has not seen ("classifier two-sample test", Lopez-Paz & Oquab 2017):
 * the mean AUC of five folds.
 *
 * Without a change the scores of held-out rows are exchangeable, so the AUC of a fold has the mean 1/2 and the variance (n + m + 1) / (12 n m) of
 * Mann and Whitney; the one-sided p takes it, the interval that of DeLong's placements. The mean of the folds is less certain than that of
 * independent ones (see varianceOfMean), and less certain still where neighbouring rows are alike.
 */
export function classifyDomains(
  domains: Domains,
  { alpha, random }: ClassifierOptions,
): DomainClassifierReport {
  const { columns, referenceRows, currentRows } = domains;
  const few = Math.min(referenceRows, currentRows) < LEAST_ROWS;
  if (few || columns.length === 0) {
    return withoutResult(
      few ? `each side needs ${LEAST_ROWS} rows` : 'there is no column to learn from',
      few,
    );
  }
  const labels = new Uint8Array(referenceRows + currentRows).fill(1, referenceRows);
  const folds = new Uint8Array(labels.length);
  folds.set(foldsOf(referenceRows, FOLDS));
  folds.set(foldsOf(currentRows, FOLDS), referenceRows);
  const tested = Array.from({ length: FOLDS }, (_, fold) =>
    testFold({ columns, labels, folds, random }, fold),
  );
  const auc = mean(tested.map((each) => each.auc));
  const designEffect = Math.max(domains.designEffect, scoreDesignEffect(tested, labels));
  const nullVariance =
    designEffect * varianceOfMean(tested.map(({ positives: n, negatives: m }) => (n + m + 1) / (12 * n * m)));
  const observed = designEffect * varianceOfMean(tested.map((each) => each.variance));
  const pValue = normalSf((auc - 0.5) / Math.sqrt(nullVariance));
  const detectable = 0.5 + normalUpperQuantile(alpha) * Math.sqrt(nullVariance);
  const severity = pValue <= alpha ? severityOf(auc, AUC_LIMITS) : 'none';
  const drivers = pValue <= alpha ? driversOf({ columns, labels, random }, tested) : [];
  const isDrift = severity !== 'none' && severity !== 'low';
  const reach = standardErrors(CONFIDENCE) * Math.sqrt(observed);
  return {
    auc: { value: auc, low: Math.max(0, auc - reach), high: Math.min(1, auc + reach) },
    pValue,
    folds: FOLDS,
    ...AUC_LIMITS,
    drivers,
    severity,
    verdict: isDrift
      ? 'drift'
      : severity === 'low' || detectable <= AUC_LIMITS.medium
        ? 'stable'
        : 'inconclusive',
    message: describe({ auc, pValue, drivers, isDrift, detectable }),
    reason: null,
  };
}

interface Learning {
  readonly columns: readonly BinnedColumn[];
  readonly labels: Uint8Array;
  readonly random: Generator;
}

interface TestedFold {
  readonly ensemble: Ensemble;
  /** Held-out rows, and how much each looks like a current one. */
  readonly rows: Uint32Array;
  readonly auc: number;
  /** Of the AUC, by DeLong. */
  readonly variance: number;
  readonly positives: number;
  readonly negatives: number;
  /** Of each held-out row, the share of the other side's rows that look less like a current one. */
  readonly placements: Float64Array;
}

function testFold(
  { columns, labels, folds, random }: Learning & { folds: Uint8Array },
  fold: number,
): TestedFold {
  const all = Uint32Array.from(labels.keys());
  const rows = all.filter((row) => folds[row] === fold);
  const ensemble = boost(columns, { labels, random, rows: all.filter((row) => folds[row] !== fold) });
  const scores = Float64Array.from(rows, (row) => scoreOf(ensemble, columns, row));
  return {
    ensemble,
    rows,
    ...rankedScores(
      scores,
      Uint8Array.from(rows, (row) => labels[row] as number),
    ),
  };
}

/** AUC with DeLong's variance, and the placements that both come from. */
function rankedScores(scores: Float64Array, labels: Uint8Array) {
  const sorted = [0, 1].map((label) => sortedCopy(scores.filter((_, row) => labels[row] === label)));
  const placements = scores.map((score, row) =>
    placementOf(score, sorted[labels[row] === 1 ? 0 : 1] as Float64Array),
  );
  const of = (label: number): Float64Array => placements.filter((_, row) => labels[row] === label);
  const [ofNegative, ofPositive] = [of(0), of(1)];
  return {
    placements,
    auc: mean(Array.from(ofPositive)),
    variance: sampleVariance(ofPositive) / ofPositive.length + sampleVariance(ofNegative) / ofNegative.length,
    positives: ofPositive.length,
    negatives: ofNegative.length,
  };
}

/** The share of the sorted values below, ties counted as half. */
function placementOf(score: number, sorted: Float64Array): number {
  const first = (isBefore: (value: number) => boolean): number => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(sorted[middle] as number)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return (first((value) => value < score) + first((value) => value <= score)) / 2 / sorted.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sampleVariance(values: Float64Array): number {
  const middle = mean(Array.from(values));
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1);
}

/**
 * Of the mean of the folds, from the variance within each: (1/k + 1/(k - 1)) of their mean. Models of different folds share most of the rows
 * that they have learnt from, so that folds are not independent (Nadeau & Bengio 2003, with a fold of 1/k of the rows).
 */
function varianceOfMean(variances: readonly number[]): number {
  const folds = variances.length;
  return (1 / folds + 1 / (folds - 1)) * mean(variances);
}

/** How many times larger a variance is than that of independent rows: the scores of each side in row order tell. */
function scoreDesignEffect(tested: readonly TestedFold[], labels: Uint8Array): number {
  const inOrder = new Float64Array(labels.length);
  for (const { rows, placements } of tested) {
    for (const [at, row] of rows.entries()) inOrder[row] = placements[at] as number;
  }
  const effects = [0, 1].map((label) => designEffectOf(inOrder.filter((_, row) => labels[row] === label)));
  return Math.max(...effects);
}

/** What of the AUC is lost when the column of the held-out rows is shuffled, in the mean of the folds. */
function driversOf({ columns, labels, random }: Learning, tested: readonly TestedFold[]) {
  const gains = columns.map((_, column) =>
    tested.reduce((sum, { ensemble }) => sum + (ensemble.gains[column] as number), 0),
  );
  const tried = Array.from(columns.keys())
    .filter((column) => (gains[column] as number) > 0)
    .toSorted((x, y) => (gains[y] as number) - (gains[x] as number))
    .slice(0, TRIED_DRIVERS);
  const losses = tried.map((column) => {
    const lost = tested.map((fold) => fold.auc - shuffledAuc({ columns, labels, random }, fold, column));
    return { column: (columns[column] as BinnedColumn).name, aucLoss: mean(lost) };
  });
  return losses
    .filter(({ aucLoss }) => aucLoss > 0)
    .toSorted((x, y) => y.aucLoss - x.aucLoss)
    .slice(0, SHOWN_DRIVERS);
}

function shuffledAuc(
  { columns, labels, random }: Learning,
  { ensemble, rows }: TestedFold,
  column: number,
): number {
  const original = columns[column] as BinnedColumn;
  const order = shuffle(rows.slice(), random);
  const bins = original.bins.slice();
  for (const [at, row] of rows.entries()) bins[row] = original.bins[order[at] as number] as number;
  const changed = columns.map((each, index) => (index === column ? { ...each, bins } : each));
  const scores = Float64Array.from(rows, (row) => scoreOf(ensemble, changed, row));
  return rankedScores(
    scores,
    Uint8Array.from(rows, (row) => labels[row] as number),
  ).auc;
}

function withoutResult(reason: string, isTooFew: boolean): DomainClassifierReport {
  return {
    auc: null,
    pValue: null,
    folds: FOLDS,
    ...AUC_LIMITS,
    drivers: [],
    severity: 'none',
    verdict: isTooFew ? 'inconclusive' : 'skipped',
    message: `the rows of the two sides were not told apart: ${reason}`,
    reason,
  };
}

interface Described {
  readonly auc: number;
  readonly pValue: number;
  readonly drivers: DomainClassifierReport['drivers'];
  readonly isDrift: boolean;
  readonly detectable: number;
}

function describe({ auc, pValue, drivers, isDrift, detectable }: Described): string {
  const found = `AUC ${auc.toFixed(3)}, p=${probability(pValue)}`;
  if (!isDrift) {
    const unsure =
      detectable > AUC_LIMITS.medium ? `; below ${detectable.toFixed(2)} so few rows show nothing` : '';
    return `a classifier tells current from reference rows no better than matters (${found}${unsure})`;
  }
  const by = drivers.slice(0, 3).map(({ column }) => columnText(column));
  return `a classifier tells current from reference rows (${found})${by.length === 0 ? '' : `, most by ${by.join(', ')}`}`;
}
