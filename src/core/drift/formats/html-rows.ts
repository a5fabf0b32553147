import type {
  DomainClassifierReport,
  MultivariateSection,
  ReconstructionReport,
} from '../multivariate/section.ts';
import type { Interval, Metric, PerformanceSection } from '../performance/section.ts';
import type { DriftReport } from '../report.ts';
import { effectText, percent, probability, rowCount, short } from '../text-of.ts';
import { chip, nameOf, scrollable } from './html-column.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { cut } from './phrase.ts';
import { metricName } from './section-rows.ts';

const LONGEST_TEXT = 400;
const MOST_NAMES = 20;

/** The checks of whole rows: how well predictions fit labels, and columns taken together. */
export function rowSections({ performance, multivariate }: DriftReport): Markup {
  const sections = [
    performance === undefined ? NOTHING : performanceSection(performance),
    multivariate === undefined ? NOTHING : multivariateSection(multivariate),
  ];
  return markup`${sections}`;
}

function stateOf({ severity, verdict }: Pick<Metric, 'severity' | 'verdict'>): Markup {
  return chip(severity === 'none' ? verdict : severity);
}

interface Bounded {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

function intervalText(interval: Bounded | null): string {
  if (interval === null) return '–';
  const { value, low, high } = interval;
  return low === null || high === null ? short(value) : `${short(value)} (${short(low)} to ${short(high)})`;
}

function headRow(titles: readonly string[]): Markup {
  return markup`<tr>${titles.map((title) => markup`<th scope="col">${title}</th>`)}</tr>`;
}

function performanceSection(section: PerformanceSection): Markup {
  const { task, confidence, metrics, reference, current, calibration, notes } = section;
  const rows = metrics.map((metric) => {
    const { difference, medium, high, critical } = metric;
    const cells = [metric.reference, metric.current, difference].map(
      (interval: Interval | null) => markup`<td>${intervalText(interval)}</td>`,
    );
    const limits = [medium, high, critical].map(effectText).join(' / ');
    const why = metric.reason === null ? '' : cut(metric.reason, LONGEST_TEXT);
    return markup`<tr><th scope="row">${metricName(metric)}</th><td>${stateOf(metric)}</td>${cells}<td>${limits}</td><td>${why}</td></tr>`;
  });
  const head = headRow(['metric', 'result', 'reference', 'current', 'difference', 'limits of the loss', '']);
  const bases = { labels: 'labels', estimate: 'an estimate without labels', none: 'nothing' };
  const said = [
    `${task}; reference from ${bases[reference.basis]} of ${rowCount(reference.rows)}, current from ${bases[current.basis]} of ${rowCount(current.rows)}; intervals of ${percent(confidence)}`,
    ...(calibration === null
      ? []
      : [
          `mean calibration error ${effectText(calibration.error)}${calibration.corrected ? ', corrected' : ''}`,
        ]),
    ...notes,
  ];
  const table = markup`<table class="checks"><thead>${head}</thead><tbody>${rows}</tbody></table>`;
  return markup`<h2>Performance</h2>${scrollable('Performance', table)}${listOf(said)}`;
}

function multivariateSection(section: MultivariateSection): Markup {
  const { classifier, reconstruction, rows, columns, skipped, notes } = section;
  const said = [
    `${rowCount(rows.reference)} and ${rowCount(rows.current)}, ${columns.length.toLocaleString('en-US')} columns`,
    ...skipped.slice(0, MOST_NAMES).map(({ column, reason }) => `without ${column}: ${reason}`),
    ...notes,
  ];
  return markup`<h2>All columns together</h2>${classifierPart(classifier)}${reconstructionPart(reconstruction)}${listOf(said)}`;
}

function classifierPart(classifier: DomainClassifierReport): Markup {
  const { auc, pValue, drivers, message } = classifier;
  const p = pValue === null ? '' : `, p ${probability(pValue)}`;
  const numbers = auc === null ? cut(message, LONGEST_TEXT) : `AUC ${intervalText(auc)}${p}`;
  const named = drivers.slice(0, MOST_NAMES).map(({ column, aucLoss }, index) => {
    return markup`${index === 0 ? '' : ', '}${nameOf(column)} (${effectText(aucLoss)})`;
  });
  const by = named.length === 0 ? NOTHING : markup`<br>AUC lost without: ${named}`;
  return markup`<p>${stateOf(classifier)} <b>Domain classifier</b>: ${numbers}${by}</p>`;
}

function reconstructionPart(reconstruction: ReconstructionReport): Markup {
  const { components, explained, reference, current, d, pValue, message } = reconstruction;
  const p = pValue === null ? '' : `, p ${probability(pValue)}`;
  const numbers =
    d === null
      ? cut(message, LONGEST_TEXT)
      : `mean error ${intervalText(reference)} → ${intervalText(current)}, D ${effectText(d)}${p}; ${components} components explain ${percent(explained)}`;
  return markup`<p>${stateOf(reconstruction)} <b>Principal components</b>: ${numbers}</p>`;
}

function listOf(lines: readonly string[]): Markup {
  const items = lines.slice(0, 2 * MOST_NAMES).map((line) => markup`<li>${cut(line, LONGEST_TEXT)}</li>`);
  return markup`<ul class="notes muted">${items}</ul>`;
}
