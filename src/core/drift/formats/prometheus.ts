import { printable } from '../../../lib/terminal-text.ts';
import type { DriftReport } from '../report.ts';
import { effectRatio, severityRank } from './column-change.ts';
import { overviewOf } from './overview.ts';
import { cut } from './phrase.ts';

export interface PrometheusOptions {
  /** When the comparison ended. */
  readonly time: Date;
  /** The model that the data belong to; the label is left out where there is none. */
  readonly model?: string | undefined;
  /** How long the comparison took, in seconds. */
  readonly duration?: number | undefined;
}

/** Columns that get a series of their own: each is one more for whoever stores them. */
export const COLUMN_SERIES = 20;
const LONGEST_LABEL = 120;

type Labels = readonly (readonly [name: string, value: string])[];

interface Metric {
  name: string;
  help: string;
  samples: readonly (readonly [labels: Labels, value: number])[];
}

/**
 * Metrics in Prometheus' text format 0.0.4, without timestamps, as the textfile collector of node_exporter and the Pushgateway take it.
 * All are gauges: the last run of a batch job.
 */
export function prometheusReport(report: DriftReport, { time, model, duration }: PrometheusOptions): string {
  const of: Labels = model === undefined || model === '' ? [] : [['model', shortLabel(model)]];
  const { totals, rows, sources, verdict } = report;
  const { severity } = overviewOf(report);
  const seconds = time.getTime() / 1000;
  const states = [
    ['stable', totals.stable],
    ['drifted', totals.drift],
    ['inconclusive', totals.inconclusive],
    ['skipped', totals.skipped],
  ] as const;
  const metrics: Metric[] = [
    {
      name: 'ml_drift_severity',
      help: 'Worst drift of the last run: 0 none, 1 low, 2 medium, 3 high, 4 critical, -1 inconclusive.',
      samples: [
        [
          [...of, ['reference', shortLabel(sources.reference.name)]],
          verdict === 'inconclusive' ? -1 : severityRank(severity),
        ],
      ],
    },
    {
      name: 'ml_drift_columns',
      help: 'Columns of the last run by what was found.',
      samples: states.map(([state, value]) => [[...of, ['state', state]], value]),
    },
    {
      name: 'ml_drift_effect_ratio',
      help: `Largest effect of a column in units of the limit from which on it is medium drift; the ${COLUMN_SERIES} largest.`,
      samples: columnSamples(report, of),
    },
    {
      name: 'ml_drift_rows',
      help: 'Rows that were compared.',
      samples: [
        [[...of, ['dataset', 'reference']], rows.reference],
        [[...of, ['dataset', 'current']], rows.current],
      ],
    },
    {
      name: 'ml_drift_last_run_timestamp_seconds',
      help: 'When the last run ended.',
      samples: [[of, seconds]],
    },
    { name: 'ml_drift_last_run_success', help: '1 if the last run came to an answer.', samples: [[of, 1]] },
    {
      name: 'ml_drift_last_success_timestamp_seconds',
      help: 'When a run last came to an answer.',
      samples: [[of, seconds]],
    },
  ];
  if (duration !== undefined) {
    metrics.push({
      name: 'ml_drift_run_duration_seconds',
      help: 'How long the last run took.',
      samples: [[of, duration]],
    });
  }
  return metrics.map(render).join('');
}

function columnSamples({ columns }: DriftReport, of: Labels): [Labels, number][] {
  const measured = columns.flatMap(({ column, checks }) => {
    const ratios = checks.map(effectRatio).filter((ratio) => ratio !== null);
    return ratios.length === 0 ? [] : [{ column, ratio: Math.max(...ratios) }];
  });
  const largest = measured.toSorted((one, other) => other.ratio - one.ratio).slice(0, COLUMN_SERIES);
  const taken = new Set<string>();
  return largest.map(({ column, ratio }) => [[...of, ['column', distinctLabel(column, taken)]], ratio]);
}

/** Two series with the same labels would make the whole file invalid, and two long names may be cut to the same text. */
function distinctLabel(name: string, taken: Set<string>): string {
  const label = shortLabel(name);
  let distinct = label;
  for (let number = 2; taken.has(distinct); number += 1) distinct = `${label} (${number})`;
  taken.add(distinct);
  return distinct;
}

function render({ name, help, samples }: Metric): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value]) => {
    const pairs = labels.map(([label, text]) => `${label}="${labelValue(text)}"`).join(',');
    return `${name}${pairs === '' ? '' : `{${pairs}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function shortLabel(text: string): string {
  return cut(printable(text), LONGEST_LABEL);
}
