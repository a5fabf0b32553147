import type { Limits } from '../policy/limits.ts';
import { percent, short } from '../text-of.ts';
import { type Estimate, differenceOf } from '../statistics/intervals.ts';
import type { EstimateAt } from './measured.ts';
import type { Interval, Metric, MetricName } from './section.ts';

/**
 * Losses from which on a change matters: points of accuracy, F1 or AUC, and for the root mean squared error its growth as a part of the reference's.
 */
export const PERFORMANCE_LIMITS: Readonly<Record<MetricName, Limits>> = {
  accuracy: { medium: 0.05, high: 0.1, critical: 0.2 },
  f1: { medium: 0.05, high: 0.1, critical: 0.2 },
  auc: { medium: 0.05, high: 0.1, critical: 0.2 },
  rmse: { medium: 0.1, high: 0.25, critical: 0.5 },
};

const NAMES: Readonly<Record<MetricName, string>> = {
  accuracy: 'accuracy',
  f1: 'F1',
  auc: 'AUC',
  rmse: 'RMSE',
};

export interface JudgedMetric {
  readonly metric: MetricName;
  readonly reference: EstimateAt | undefined;
  readonly current: EstimateAt | undefined;
  /** What the estimate is called in a sentence: `accuracy`, `estimated accuracy`. */
  readonly isEstimate: boolean;
  /** Why a side has none. */
  readonly missing: string;
}

export interface JudgeLevels {
  /** Of the intervals that are shown. */
  readonly confidence: number;
  /** Chance of a false alarm for this metric. */
  readonly alpha: number;
}

/**
 * The verdict on one metric: drift if it is worse by `medium` or more and beyond chance (the one-sided interval of the difference at level
 * alpha leaves no change out), `low` if it is worse beyond chance by less. Else stable if a loss of `medium` would have been beyond chance,
 * inconclusive if not.
 */
export function judgeMetric(judged: JudgedMetric, { confidence, alpha }: JudgeLevels): Metric {
  const { metric } = judged;
  const limits = PERFORMANCE_LIMITS[metric];
  const better: Metric['better'] = metric === 'rmse' ? 'lower' : 'higher';
  const reference = judged.reference?.(confidence) ?? null;
  const current = judged.current?.(confidence) ?? null;
  const common = { metric, better, reference: shown(reference), current: shown(current), ...limits };
  if (reference === null || current === null) {
    const message = `${NAMES[metric]} could not be compared: ${judged.missing}`;
    const nothing = { difference: null, loss: null, severity: 'none', verdict: 'skipped' } as const;
    return { ...common, ...nothing, message, reason: judged.missing };
  }
  const tested = worsening(judged, 1 - 2 * alpha);
  const scale = metric === 'rmse' ? reference.value : 1;
  const decision = decide(tested, scale, limits);
  return {
    ...common,
    difference: shown(differenceOf(reference, current)),
    ...decision,
    message: describe(judged, {
      reference,
      current,
      ...decision,
      difference: differenceOf(reference, current),
    }),
    reason: null,
  };
}

/** By how much the current side is worse, with the interval of the given confidence. */
function worsening({ metric, reference, current }: JudgedMetric, confidence: number): Estimate {
  const before = reference?.(confidence);
  const after = current?.(confidence);
  if (before === undefined || before === null || after === undefined || after === null) {
    throw new Error('an estimate is there at one confidence and not at another');
  }
  return metric === 'rmse' ? differenceOf(before, after) : differenceOf(after, before);
}

interface Decision {
  readonly loss: number | null;
  readonly severity: Metric['severity'];
  readonly verdict: Metric['verdict'];
}

function decide(worse: Estimate, scale: number, limits: Limits): Decision {
  // A reference without any error has no part of which an error could be.
  const loss = scale > 0 ? Math.max(0, worse.value) / scale : worse.value > 0 ? null : 0;
  if (worse.low > 0) {
    const severity = severityOf(loss ?? Infinity, limits);
    return { loss, severity, verdict: severity === 'low' ? 'stable' : 'drift' };
  }
  const reach = worse.value - worse.low;
  return { loss, severity: 'none', verdict: reach <= limits.medium * scale ? 'stable' : 'inconclusive' };
}

function severityOf(loss: number, { medium, high, critical }: Limits): Metric['severity'] {
  if (loss < medium) return 'low';
  if (loss < high) return 'medium';
  return loss < critical ? 'high' : 'critical';
}

interface Described extends Decision {
  readonly reference: Estimate;
  readonly current: Estimate;
  readonly difference: Estimate;
}

function describe(
  { metric, isEstimate }: JudgedMetric,
  { reference, current, difference, ...decision }: Described,
): string {
  const name = isEstimate ? `estimated ${NAMES[metric]}` : NAMES[metric];
  const text = (value: number): string =>
    metric === 'rmse' || metric === 'auc' ? short(value) : percent(value);
  const signed = (value: number): string => (value > 0 ? `+${text(value)}` : text(value));
  const change = `${name} ${text(reference.value)} -> ${text(current.value)}`;
  const interval = `(change ${signed(difference.value)}, from ${signed(difference.low)} to ${signed(difference.high)})`;
  const { severity, verdict } = decision;
  if (verdict === 'drift') return `${change} ${interval}: worse beyond chance`;
  if (severity === 'low') return `${change} ${interval}: worse beyond chance, by less than matters`;
  if (verdict === 'inconclusive')
    return `${change} ${interval}: too few rows to tell a loss that matters from chance`;
  return `${change} ${interval}`;
}

function shown(estimate: Estimate | null): Interval | null {
  if (estimate === null || !Number.isFinite(estimate.value)) return null;
  const end = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return { value: estimate.value, low: end(estimate.low), high: end(estimate.high) };
}
