import type { MultivariateSection } from '../../../../src/core/drift/multivariate/section.ts';
import type { Metric, PerformanceSection } from '../../../../src/core/drift/performance/section.ts';

export function metricOf(metric: Metric['metric'], more: Partial<Metric> = {}): Metric {
  return {
    metric,
    better: 'higher',
    reference: { value: 0.941, low: 0.932, high: 0.95 },
    current: { value: 0.878, low: 0.855, high: 0.901 },
    difference: { value: -0.063, low: -0.088, high: -0.038 },
    loss: 0.063,
    medium: 0.02,
    high: 0.05,
    critical: 0.1,
    severity: 'high',
    verdict: 'drift',
    message: `${metric} fell`,
    reason: null,
    ...more,
  };
}

export function performanceOf(more: Partial<PerformanceSection> = {}): PerformanceSection {
  const side = { basis: 'labels' as const, rows: 800, totalRows: 812, effectiveRows: 800 };
  return {
    task: 'binary',
    target: 'label',
    prediction: 'predicted',
    probability: 'score',
    positive: 'yes',
    confidence: 0.95,
    alpha: 0.01,
    reference: { ...side, rows: 3000, totalRows: 3000 },
    current: side,
    metrics: [
      metricOf('accuracy'),
      metricOf('auc', {
        severity: 'none',
        verdict: 'stable',
        current: { value: 0.94, low: 0.93, high: 0.95 },
        difference: { value: -0.001, low: -0.01, high: 0.008 },
        loss: 0.001,
      }),
      metricOf('f1', {
        reference: null,
        current: null,
        difference: null,
        loss: null,
        severity: 'none',
        verdict: 'skipped',
        reason: 'no row has both labels',
      }),
    ],
    calibration: { error: 0.02, rows: 3000, corrected: true },
    severity: 'high',
    verdict: 'drift',
    message: 'accuracy fell',
    notes: ['12 rows have no label'],
    ...more,
  };
}

export function multivariateOf(more: Partial<MultivariateSection> = {}): MultivariateSection {
  const interval = { value: 0.81, low: 0.78, high: 0.84 };
  return {
    severity: 'medium',
    verdict: 'drift',
    message: 'rows are told apart',
    alpha: 0.005,
    seed: 0,
    rows: { reference: 3000, current: 812 },
    columns: ['age', 'amount'],
    skipped: [{ column: 'comment', reason: 'text' }],
    classifier: {
      auc: interval,
      pValue: 1e-9,
      folds: 5,
      medium: 0.6,
      high: 0.7,
      critical: 0.9,
      drivers: [
        { column: 'amount', aucLoss: 0.2 },
        { column: 'age', aucLoss: 0.05 },
      ],
      severity: 'medium',
      verdict: 'drift',
      message: 'AUC 0.81',
      reason: null,
    },
    reconstruction: {
      components: 4,
      explained: 0.81,
      reference: { value: 1.2, low: 1.1, high: 1.3 },
      current: { value: 1.4, low: 1.3, high: 1.5 },
      d: 0.06,
      pValue: 0.2,
      medium: 0.1,
      high: 0.2,
      critical: 0.4,
      severity: 'none',
      verdict: 'stable',
      message: 'as before',
      reason: null,
    },
    notes: [],
    ...more,
  };
}
