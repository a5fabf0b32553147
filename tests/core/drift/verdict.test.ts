import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/core/drift/checks/finding.ts';
import { judge } from '../../../src/core/drift/verdict.ts';

const LIMITS = { medium: 0.1, high: 0.2, critical: 0.4 };

function finding(value: number, rest: Partial<Finding> = {}): Finding {
  return {
    check: 'distribution',
    test: 'ks exact',
    statistic: value,
    p: 0.001,
    effects: [{ kind: 'D', value, limits: LIMITS }],
    detectable: 0.05,
    detail: 'D',
    reason: null,
    ...rest,
  };
}

const DEFAULT = { kind: 'default', alpha: 0.01 } as const;

describe('the default policy', () => {
  test.each([
    [0.0999, 0.01, 'low', 'stable'],
    [0.1, 0.01, 'medium', 'drift'],
    [0.2, 0.01, 'high', 'drift'],
    [0.4, 0.01, 'critical', 'drift'],
    [0.4, 0.010_01, 'none', 'stable'],
  ] as const)('an effect of %d with q = %d is %s, %s', (value, q, severity, verdict) => {
    expect(judge(finding(value), q, DEFAULT)).toMatchObject({ severity, verdict });
  });

  test.each([
    [0.1, 'stable'],
    [0.1001, 'inconclusive'],
    [null, 'inconclusive'],
  ])('not significant, with a minimum detectable effect of %s, is %s', (detectable, verdict) => {
    const check = judge(finding(0.05, { detectable }), 0.5, DEFAULT);
    expect(check).toMatchObject({ severity: 'none', verdict, minimumDetectableEffect: detectable });
    expect(check.reason === null).toBe(verdict === 'stable');
  });

  test('the effect with the highest severity decides and comes first', () => {
    const effects = [
      { kind: 'D', value: 0.15, limits: LIMITS },
      { kind: 'W', value: 2, limits: { medium: 0.25, high: 0.5, critical: 1.5 } },
    ];
    const check = judge(finding(0.15, { effects }), 0.001, DEFAULT);
    expect(check).toMatchObject({ severity: 'critical', effect: 2, effectKind: 'W' });
    expect(check.effects.map(({ kind }) => kind)).toEqual(['W', 'D']);
    // It is one of D, and would be read as one of W.
    expect(check.minimumDetectableEffect).toBeNull();
  });

  test('a significant finding without any effect is none', () => {
    expect(judge(finding(0), 0.001, DEFAULT)).toMatchObject({ severity: 'none', verdict: 'stable' });
  });

  test('a limit that is never reached is null in the report, and decides nothing', () => {
    const never = { medium: Infinity, high: Infinity, critical: Infinity };
    const check = judge(finding(1, { effects: [{ kind: 'D', value: 1, limits: never }] }), 0.001, DEFAULT);
    expect(check).toMatchObject({ severity: 'low', verdict: 'stable' });
    expect(check.effects).toEqual([{ kind: 'D', value: 1, medium: null, high: null, critical: null }]);
  });

  test('an effect and a statistic that are no finite numbers are finite in the report', () => {
    const effects = [{ kind: 'W', value: Infinity, limits: LIMITS }];
    const check = judge(finding(0, { statistic: Number.NaN, effects }), 0.001, DEFAULT);
    expect(check.statistic).toBeNull();
    expect(Number.isFinite(check.effects[0]?.value)).toBe(true);
    expect(check.severity).toBe('critical');
  });
});

describe('findings without a test', () => {
  test('facts have the severity that they are of', () => {
    expect(judge(finding(1, { p: null, fixedSeverity: 'critical' }), null, DEFAULT)).toMatchObject({
      severity: 'critical',
      verdict: 'drift',
    });
    expect(judge(finding(1, { p: null, fixedSeverity: 'low' }), null, DEFAULT)).toMatchObject({
      severity: 'low',
      verdict: 'skipped',
    });
  });

  test('what can not differ is stable, what has too few rows inconclusive, all else skipped', () => {
    const verdictOf = (rest: Partial<Finding>) =>
      judge(finding(0, { p: null, ...rest }), null, DEFAULT).verdict;
    expect(verdictOf({ settled: true })).toBe('stable');
    expect(verdictOf({ tooFew: true })).toBe('inconclusive');
    expect(verdictOf({})).toBe('skipped');
  });
});

describe('the policy pvalue', () => {
  test.each([
    [0.009_99, 'high', 'drift'],
    [0.01, 'medium', 'drift'],
    [0.049_99, 'medium', 'drift'],
    [0.05, 'low', 'stable'],
  ] as const)('p = %d is %s, %s, whatever the effect and q', (p, severity, verdict) => {
    const rule = { kind: 'pvalue', alpha: 0.05 } as const;
    expect(judge(finding(0.001, { p }), 1, rule)).toMatchObject({ severity, verdict, qValue: 1 });
  });
});

describe('the policy psi', () => {
  const limits = { medium: 0.1, high: 0.25, critical: Infinity };
  test.each([
    [0.0999, 'none', 'stable'],
    [0.1, 'medium', 'drift'],
    [0.25, 'high', 'drift'],
    [9, 'high', 'drift'],
  ] as const)('an index of %d is %s, %s', (value, severity, verdict) => {
    const index = finding(value, { test: 'psi', p: null, effects: [{ kind: 'psi', value, limits }] });
    expect(judge(index, null, { kind: 'psi', alpha: 0.01 })).toMatchObject({ severity, verdict });
  });
});
