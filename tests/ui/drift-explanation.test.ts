import { describe, expect, it } from 'vitest';
import { driftExplanation, type DriftRules } from '../../src/ui/drift-explanation.ts';

const origin = 'default of mlops-2';
const effect = { limit: 'D', kind: 'D', when: null, medium: 0.1, high: 0.2, critical: 0.4, origin };

const RULES: DriftRules = {
  policy: 'mlops-2',
  rule: 'q <= 0.01 and an effect',
  alpha: { value: 0.01, origin },
  failOn: { value: 'medium', origin: '--fail-on' },
  failOnInconclusive: { value: false, origin },
  columns: [
    {
      column: 'age',
      role: 'feature',
      type: 'numeric',
      typeReason: 'numbers',
      typeOrigin: 'inferred on the reference',
      weight: { value: 1, origin },
      skipped: null,
      checks: [
        { check: 'type-change', significance: null, severity: 'critical', effects: [] },
        {
          check: 'distribution',
          significance: 'q <= 0.01',
          severity: null,
          effects: [effect, { ...effect, limit: 'W', medium: 0.25, critical: null }],
        },
        {
          check: 'null-share',
          significance: 'q <= 0.01',
          severity: null,
          effects: [{ ...effect, limit: 'nullShare', when: 'the reference has nulls' }],
        },
      ],
    },
    {
      column: '\u001b[31mid\n',
      role: 'target',
      type: null,
      typeReason: '',
      typeOrigin: '',
      weight: { value: 1, origin },
      skipped: 'left out by --exclude',
      checks: [],
    },
  ],
  notes: ['there is no column `x`'],
};

describe('driftExplanation', () => {
  it('shows each rule with where it comes from', () => {
    expect(driftExplanation(RULES, { color: false })).toBe(
      [
        'policy:                mlops-2',
        'drift:                 q <= 0.01 and an effect',
        'alpha:                 0.01 (default of mlops-2)',
        'fail on:               medium (--fail-on)',
        'fail on inconclusive:  no (default of mlops-2)',
        '',
        '  CHECK         EFFECT                               MEDIUM  HIGH  CRITICAL  FROM',
        '',
        'age: numeric (numbers; inferred on the reference), weight 1 (default of mlops-2)',
        '  type-change   always critical                                              a fact',
        '  distribution  D                                       0.1   0.2       0.4  default of mlops-2',
        '                W                                      0.25   0.2     never  default of mlops-2',
        '  null-share    nullShare (the reference has nulls)     0.1   0.2       0.4  default of mlops-2',
        '',
        '\\x1b[31mid\\n: target, not compared, left out by --exclude',
        '',
        'note: there is no column `x`',
        '',
      ].join('\n'),
    );
  });

  it('paints titles where colours are on', () => {
    expect(driftExplanation(RULES, { color: true })).toContain('\u001b[1mage: numeric');
  });
});
