import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prometheusReport } from '../../../../src/core/drift/formats/prometheus.ts';
import { checkOf, columnOf, effectOf, reportOf } from '../support/report-fixtures.ts';
import { HOSTILE_TEXTS, hostileReport, paymentsReport, stableReport } from '../support/scenarios.ts';

const TIME = new Date('2026-11-23T10:15:00.500Z');

interface Sample {
  name: string;
  labels: Map<string, string>;
  value: number;
}

/** Reads the text format 0.0.4 as its specification says; throws at anything else, and at what `promtool check metrics` refuses. */
function samplesOf(text: string): Sample[] {
  if (!text.endsWith('\n')) throw new Error('no newline at the end');
  const samples: Sample[] = [];
  const announced: string[] = [];
  const series = new Set<string>();
  let help: string | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (comment?.[1] === 'HELP') {
      if (announced.includes(comment[2] ?? '')) throw new Error(`${comment[2]} is announced twice`);
      help = comment[2];
      announced.push(help ?? '');
    } else if (comment !== null) {
      if (comment[2] !== help || comment[3] !== 'gauge') throw new Error(`type of another metric: ${line}`);
    } else {
      const sample = sampleOf(line);
      if (sample.name !== help) throw new Error(`not below its own help: ${line}`);
      if (series.has(line.slice(0, line.lastIndexOf(' ')))) throw new Error(`series twice: ${line}`);
      series.add(line.slice(0, line.lastIndexOf(' ')));
      samples.push(sample);
    }
  }
  return samples;
}

function sampleOf(line: string): Sample {
  const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/s.exec(line);
  if (match === null) throw new Error(`no sample: ${JSON.stringify(line)}`);
  const [, name = '', pairs = '', number = ''] = match;
  const labels = new Map<string, string>();
  let rest = pairs;
  while (rest !== '') {
    const pair = /^([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/.exec(rest);
    if (pair === null) throw new Error(`no label: ${JSON.stringify(rest)}`);
    const [whole, label = '', escaped = ''] = pair;
    labels.set(
      label,
      escaped.replaceAll(/\\(.)/g, (_match, character: string) => (character === 'n' ? '\n' : character)),
    );
    rest = rest.slice(whole.length);
  }
  const value = Number(number);
  if (number === '' || !Number.isFinite(value)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

const valueOf = (samples: readonly Sample[], name: string, label?: [string, string]): number | undefined =>
  samples.find(
    (each) => each.name === name && (label === undefined || each.labels.get(label[0]) === label[1]),
  )?.value;

describe('the metrics', () => {
  test('say severity, columns by state, effects, rows and times', () => {
    const samples = samplesOf(
      prometheusReport(paymentsReport(), { time: TIME, model: 'fraud', duration: 1.5 }),
    );
    expect(valueOf(samples, 'ml_drift_severity', ['reference', 'fraud_detector@production'])).toBe(4);
    const states = ['stable', 'drifted', 'inconclusive', 'skipped'].map((state) =>
      valueOf(samples, 'ml_drift_columns', ['state', state]),
    );
    expect(states).toEqual([8, 7, 1, 1]);
    expect(valueOf(samples, 'ml_drift_effect_ratio', ['column', 'device_os'])).toBeCloseTo(2.4);
    expect(valueOf(samples, 'ml_drift_rows', ['dataset', 'current'])).toBe(812);
    expect(valueOf(samples, 'ml_drift_last_run_timestamp_seconds')).toBe(1795428900.5);
    expect(valueOf(samples, 'ml_drift_last_run_success')).toBe(1);
    expect(valueOf(samples, 'ml_drift_run_duration_seconds')).toBe(1.5);
    expect(new Set(samples.map(({ labels }) => labels.get('model')))).toEqual(new Set(['fraud']));
  });

  test('leave the label out where there is no model, and the duration where it is not known', () => {
    const text = prometheusReport(stableReport(1), { time: TIME });
    expect(text).not.toContain('model=');
    expect(text).not.toContain('ml_drift_run_duration_seconds');
    expect(valueOf(samplesOf(text), 'ml_drift_severity')).toBe(0);
  });

  test('of an inconclusive check have the severity -1', () => {
    const report = reportOf([columnOf('x', { verdict: 'inconclusive' })]);
    expect(valueOf(samplesOf(prometheusReport(report, { time: TIME })), 'ml_drift_severity')).toBe(-1);
  });

  test('have a series for the twenty columns with the largest effects', () => {
    const columns = Array.from({ length: 60 }, (_, index) =>
      columnOf(`c${index}`, { checks: [checkOf('distribution', [effectOf('D', index / 100)])] }),
    );
    const ratios = samplesOf(prometheusReport(reportOf(columns), { time: TIME })).filter(
      ({ name }) => name === 'ml_drift_effect_ratio',
    );
    expect(ratios.map(({ labels }) => labels.get('column'))).toEqual(
      Array.from({ length: 20 }, (_, index) => `c${59 - index}`),
    );
    expect(ratios[0]?.value).toBeCloseTo(5.9);
  });

  test('are readable whatever a column, a file or the model is called', () => {
    const samples = samplesOf(prometheusReport(hostileReport(), { time: TIME, model: 'a"} 1\nb{c="\\' }));
    expect(samples.filter(({ name }) => name === 'ml_drift_effect_ratio')).toHaveLength(20);
  });

  test('never hold one series twice, even where names are cut or made printable alike', () => {
    const long = 'x'.repeat(300);
    const names = fc.uniqueArray(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(...HOSTILE_TEXTS, '\n', '\\n', `${long}1`, `${long}2`, `${long.slice(0, 119)}… (2)`),
      ),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(names, (given) => {
        const checks = [checkOf('distribution', [effectOf('D', 0.3)])];
        const report = reportOf(given.map((name) => columnOf(name, { checks })));
        const samples = samplesOf(prometheusReport(report, { time: TIME }));
        const ratios = samples.filter(({ name }) => name === 'ml_drift_effect_ratio');
        expect(ratios).toHaveLength(Math.min(20, given.length));
      }),
      { numRuns: 40 },
    );
  });
});
