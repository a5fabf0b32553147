import { describe, expect, test } from 'vitest';
import { overviewOf, plainOverview } from '../../../../src/core/drift/formats/overview.ts';
import { cut, plainText } from '../../../../src/core/drift/formats/phrase.ts';
import type { ColumnReport, DriftReport } from '../../../../src/core/drift/report.ts';
import {
  categoricalColumn,
  checkOf,
  columnOf,
  effectOf,
  numericColumn,
  normalSample,
  reportOf,
  sideOf,
} from '../support/report-fixtures.ts';
import { metricOf, multivariateOf, performanceOf } from '../support/row-sections.ts';
import { paymentsReport, stableReport } from '../support/scenarios.ts';

function lineOf(column: ColumnReport, more: Partial<DriftReport> = {}) {
  const [row] = plainOverview(reportOf([column], more)).rows;
  if (row === undefined) throw new Error('no row');
  return `${row.state} ${row.name}: ${row.size}: ${row.change}`;
}

const SHIFT = {
  direction: 'down',
  medianBefore: 45,
  medianAfter: 38,
  location: 42,
  referenceShare: 0.31,
  currentShare: 0.58,
} as const;

describe('the line of a column', () => {
  test('of numbers says direction, medians, and where the distributions are farthest apart', () => {
    const column = columnOf('age', {
      checks: [checkOf('distribution', [effectOf('D', 0.27)])],
      shift: SHIFT,
    });
    expect(lineOf(column)).toBe('high age: D 0.27: down: median 45 → 38; ≤ 42: 31 % → 58 %');
  });

  test('of values that only spread names the median once', () => {
    const shift = { ...SHIFT, direction: 'spread', medianAfter: 45 } as const;
    const checks = [checkOf('distribution', [effectOf('W', 0.6), effectOf('D', 0.12)])];
    expect(lineOf(columnOf('age', { checks, shift }))).toBe(
      'high age: W 0.6: wider: median 45; ≤ 42: 31 % → 58 %',
    );
  });

  test('of times and of text writes values as such', () => {
    const checks = [checkOf('distribution', [effectOf('D', 0.12)])];
    const shift = {
      ...SHIFT,
      medianBefore: Date.UTC(2026, 0, 1),
      medianAfter: Date.UTC(2026, 1, 1),
      location: 0,
    };
    expect(lineOf(columnOf('t', { type: 'datetime', checks, shift }))).toBe(
      'medium t: D 0.12: down: median 2026-01-01 → 2026-02-01; ≤ 1970-01-01: 31 % → 58 %',
    );
    expect(lineOf(columnOf('c', { type: 'text', checks, shift: SHIFT }))).toContain(
      'median 45 characters → 38 characters',
    );
  });

  test('of categories names the two that changed most and the new ones', () => {
    const column = categoricalColumn('country', [
      ['DE', 400, 150],
      ['FR', 300, 520],
      ['NL', 300, 290],
      ['XK', 0, 40],
    ]);
    expect(lineOf(column)).toBe(
      'high country: TVD 0.26: "DE" 40 % → 15 %, "FR" 30 % → 52 %; new: "XK", 4 % of the rows',
    );
  });

  test('does not name a new category a second time among those whose share changed', () => {
    const column = categoricalColumn('country', [
      ['DE', 500, 300],
      ['FR', 500, 450],
      ['XK', 0, 250],
    ]);
    expect(lineOf(column)).toBe(
      'critical country: 25 %: new: "XK", 25 % of the rows; "DE" 50 % → 30 %, "FR" 50 % → 45 %',
    );
  });

  test('of a stable column says why nothing was tested', () => {
    const reason = 'both sides are the same constant: there is nothing to test';
    const check = checkOf('distribution', [], { effect: null, effectKind: null, reason });
    expect(lineOf(columnOf('x', { checks: [check] }))).toBe(`stable x: : ${reason}`);
  });

  test('counts unseen categories beyond the first two', () => {
    const unseen = Array.from({ length: 9 }, (_, index): [string, number, number] => [`n${index}`, 0, 10]);
    const column = categoricalColumn('c', [['a', 910, 820], ...unseen]);
    expect(plainText(overviewOf(reportOf([column])).rows[0]?.change ?? [])).toContain(
      'new: "n0", "n1" and 7 more, 9.9 % of the rows',
    );
  });

  test.each([
    ['missing-column', 'missing from the current data, perhaps renamed to "b"'],
    ['new-column', 'only in the current data'],
    ['type-change', 'type numeric → text'],
    ['all-null', 'nulls 2 % → 100 %'],
    ['null-share', 'nulls 2 % → 100 %'],
    ['above-range', '3.2 % above 120, up to 9120'],
    ['below-range', 'below-range of 0.4'],
    ['point-mass', 'point-mass of 0.4'],
  ] as const)('of %s says %s', (check, text) => {
    const column = columnOf('a', {
      checks: [checkOf(check, [effectOf('share', 0.4)])],
      reference: sideOf(100, { nulls: 2 }),
      current: sideOf(50, { nulls: 50 }),
      outOfRange: [{ side: 'above', limit: 120, reached: 9120, rows: 2, share: 0.032 }],
    });
    const schema = {
      missing: ['a'],
      added: ['b'],
      typeChanged: [{ column: 'a', from: 'numeric', to: 'text' }],
      renamed: [{ from: 'a', to: 'b', reason: 'alike' }],
    };
    expect(lineOf(column, { schema })).toBe(`critical a: 40 %: ${text}`);
  });

  test('shows the worst of several findings first, and counts those beyond three', () => {
    const checks = [
      checkOf('point-mass', [effectOf('shareDifference', 0.06)]),
      checkOf('null-share', [effectOf('shareDifference', 0.9)]),
      checkOf('distribution', [effectOf('D', 0.25)]),
      checkOf('unparsable', [effectOf('share', 0.02)]),
      checkOf('gap', [effectOf('share', 0.012)]),
    ];
    const column = columnOf('x', { checks, shift: SHIFT, current: sideOf(100, { nulls: 90 }) });
    expect(lineOf(column)).toBe(
      'critical x: Δ 90 %: nulls 0 % → 90 %; down: median 45 → 38; ≤ 42: 31 % → 58 %; unparsable of 0.02; 2 more',
    );
  });

  test('without an answer says how large a change would have to be, or why nothing was compared', () => {
    const checks = [checkOf('distribution', [effectOf('D', 0.05)])];
    const inconclusive = { verdict: 'inconclusive', minimumDetectableEffect: 0.231 } as const;
    expect(lineOf(columnOf('x', { checks, ...inconclusive }))).toBe(
      'inconclusive x: D 0.05: too few rows: only changes from D 0.23 on would show',
    );
    expect(lineOf(columnOf('x', { verdict: 'skipped', skipped: 'nested values' }))).toBe(
      'skipped x: : nested values',
    );
  });
});

describe('the overview', () => {
  test('lists the worst first, those without an answer after all severities, and the stable ones apart', () => {
    const { rows, stable, summary, verdict } = overviewOf(paymentsReport());
    expect(rows.map(({ state, name }) => `${state} ${name}`)).toEqual([
      'critical merchant_id',
      'critical zip',
      'critical amount',
      'high country',
      'medium age',
      'medium device_os',
      'medium created_at',
      'low channel',
      'inconclusive comment',
      'skipped payload',
    ]);
    expect(stable).toHaveLength(7);
    expect(`${verdict}: ${summary}`).toBe(
      'Drift: 7 of 17 columns (3 critical, 1 high, 3 medium); 1 low, 1 inconclusive, 1 skipped',
    );
  });

  test('counts a skipped column with a finding once: as the finding', () => {
    const added = columnOf('x', {
      verdict: 'skipped',
      skipped: 'only the current data has it',
      checks: [checkOf('new-column', [], { severity: 'low', verdict: 'skipped', effect: null })],
    });
    expect(overviewOf(reportOf([added])).summary).toBe('no drift in 1 column; 1 low');
  });

  test('shows stable columns one by one only where they are few', () => {
    expect(plainOverview(stableReport(5))).toMatchObject({ stable: 0, summary: 'no drift in 5 columns' });
    expect(plainOverview(stableReport(5)).rows.map(({ state }) => state)).toEqual(Array(5).fill('stable'));
    expect(plainOverview(stableReport(6))).toMatchObject({ stable: 6, rows: [] });
  });

  test('of a report without columns is a sentence', () => {
    expect(plainOverview(reportOf([]))).toMatchObject({
      verdict: 'Stable',
      summary: 'no drift in 0 columns',
      rows: [],
    });
  });

  test('the shift that it words is the one of the samples', () => {
    const reference = normalSample(2000, { mean: 10, sd: 2, seed: 1 });
    const column = numericColumn('x', { reference, current: reference.map((value) => value + 2) });
    expect(lineOf(column)).toMatch(
      /^high x: D 0\.3\d: up: median (9|10)\S* → (11|12)\S*; ≤ 11\S*: \d\d % → \d\d %$/,
    );
  });
});

describe('checks of whole rows', () => {
  const report = reportOf([columnOf('x')], {
    verdict: 'drift',
    severity: 'high',
    failed: true,
    performance: performanceOf(),
    multivariate: multivariateOf(),
  });

  test('are lines beside those of columns, with numbers before and now', () => {
    const lines = plainOverview(report).rows.map(
      ({ state, name, size, change }) => `${state} ${name}: ${size}: ${change}`,
    );
    expect(lines).toEqual([
      'high performance: accuracy: loss 0.06: 0.941 → 0.878, difference -0.088 to -0.038',
      'medium all columns: domain classifier: AUC 0.81: tells current rows from the reference\'s with AUC 0.78 to 0.84, by "amount", "age"',
      'skipped performance: F1: : no row has both labels',
      'stable performance: AUC: loss 0.001: 0.941 → 0.94, difference -0.01 to 0.008',
      'stable all columns: principal components: D 0.06: mean error 1.2 → 1.4',
      'stable x: : ',
    ]);
  });

  test('are in the summary, and decide the severity', () => {
    expect(overviewOf(report)).toMatchObject({
      summary: '0 of 1 column; performance high; all columns together medium',
      severity: 'high',
      limit: 'alpha 0.01, fail-on medium: failed',
    });
  });

  test('that are estimates say so, and the loss of an error is a part of it', () => {
    const rmse = metricOf('rmse', {
      better: 'lower',
      loss: 0.25,
      difference: { value: 1, low: null, high: null },
    });
    const current = { ...performanceOf().current, basis: 'estimate' as const };
    const [row] = plainOverview(
      reportOf([], { performance: performanceOf({ metrics: [rmse], current }) }),
    ).rows;
    expect(row).toMatchObject({
      name: 'performance: RMSE',
      size: 'loss 25 %',
      change: '0.941 → 0.878 (estimated without labels)',
    });
  });
});

describe('what the policy calls low', () => {
  const low = columnOf('x', {
    checks: [checkOf('distribution', [effectOf('D', 0.04)], { severity: 'low', verdict: 'stable' })],
    shift: SHIFT,
  });

  test('is a small change that is certain, and under the rule of p values alone it is nothing', () => {
    expect(plainOverview(reportOf([low])).rows[0]).toMatchObject({
      state: 'low',
      change: expect.stringMatching(/^down/),
    });
    const plain = plainOverview(reportOf([low], { policy: 'pvalue-1', failOn: 'low', failed: false }));
    expect(plain.rows[0]).toMatchObject({ state: 'stable', change: '', size: 'D 0.04' });
    expect(plain).toMatchObject({ severity: 'none', summary: 'no drift in 1 column' });
    expect(plain.rules).toBe('policy pvalue-1, alpha 0.01, fail-on low: passed');
  });
});

test('a check that failed because it came to no answer says so', () => {
  const report = reportOf([columnOf('x', { verdict: 'inconclusive' })], { failed: true });
  expect(plainOverview(report).rules).toBe(
    'policy mlops-2, alpha 0.01, fail-on medium: failed as inconclusive',
  );
});

describe('cutting', () => {
  test.each([
    ['short', 10, 'short'],
    ['exactly ten', 11, 'exactly ten'],
    ['one too many', 11, 'one too ma…'],
    ['🦊🦊🦊🦊', 4, '🦊🦊🦊🦊'],
    ['🦊🦊🦊🦊🦊', 4, '🦊🦊🦊…'],
  ])('%s at %i is %s', (text, most, expected) => {
    expect(cut(text, most)).toBe(expected);
  });
});
