import type { DomainClassifierReport, ReconstructionReport } from '../multivariate/section.ts';
import type { Metric, MetricName, PerformanceSection } from '../performance/section.ts';
import type { DriftReport } from '../report.ts';
import { effectText, percent, short } from '../text-of.ts';
import type { OverviewRow } from './overview.ts';
import { joined, type Phrase } from './phrase.ts';

/** Checks of whole rows as lines of the overview: metrics of a model, and columns taken together. */
export function sectionRows({ performance, multivariate }: DriftReport): OverviewRow[] {
  return [
    ...(performance?.metrics ?? []).map((metric) => metricRow(metric, performance)),
    ...(multivariate === undefined
      ? []
      : [classifierRow(multivariate.classifier), reconstructionRow(multivariate.reconstruction)]),
  ];
}

type Judged = Pick<Metric, 'severity' | 'verdict'>;

function rowOf(name: string, { severity, verdict }: Judged, size: string, change: Phrase): OverviewRow {
  return {
    name,
    own: true,
    severity,
    state: severity === 'none' ? verdict : severity,
    size,
    change,
    column: null,
  };
}

const METRIC_NAMES: Readonly<Record<MetricName, string>> = {
  accuracy: 'accuracy',
  f1: 'F1',
  auc: 'AUC',
  rmse: 'RMSE',
};

export function metricName({ metric }: Pick<Metric, 'metric'>): string {
  return METRIC_NAMES[metric];
}

function metricRow(metric: Metric, section: PerformanceSection | undefined): OverviewRow {
  const name = `performance: ${metricName(metric)}`;
  const { loss, reference, current, difference, better, verdict, message } = metric;
  if (verdict === 'skipped' || reference === null || current === null) {
    return rowOf(name, metric, '', [{ sentence: metric.reason ?? message }]);
  }
  // The loss of an error is a part of the reference's, that of a share the share itself.
  const size =
    loss === null || loss <= 0 ? '' : `loss ${better === 'lower' ? percent(loss) : effectText(loss)}`;
  const range =
    difference === null || difference.low === null || difference.high === null
      ? ''
      : `, difference ${short(difference.low)} to ${short(difference.high)}`;
  const basis = section?.current.basis === 'estimate' ? ' (estimated without labels)' : '';
  return rowOf(name, metric, size, [`${short(reference.value)} → ${short(current.value)}${range}${basis}`]);
}

const NAMED_DRIVERS = 3;

function classifierRow(classifier: DomainClassifierReport): OverviewRow {
  const name = 'all columns: domain classifier';
  const { auc, drivers, reason, message } = classifier;
  if (auc === null) return rowOf(name, classifier, '', [{ sentence: reason ?? message }]);
  const by = joined(
    drivers.slice(0, NAMED_DRIVERS).map(({ column }): Phrase => [{ data: column }]),
    ', ',
  );
  return rowOf(name, classifier, `AUC ${effectText(auc.value)}`, [
    `tells current rows from the reference's with AUC ${effectText(auc.low)} to ${effectText(auc.high)}`,
    ...(by.length === 0 ? [] : [', by ', ...by]),
  ]);
}

function reconstructionRow(reconstruction: ReconstructionReport): OverviewRow {
  const name = 'all columns: principal components';
  const { d, reference, current, reason, message } = reconstruction;
  if (d === null || reference === null || current === null) {
    return rowOf(name, reconstruction, '', [{ sentence: reason ?? message }]);
  }
  return rowOf(name, reconstruction, `D ${effectText(d)}`, [
    `mean error ${short(reference.value)} → ${short(current.value)}`,
  ]);
}
