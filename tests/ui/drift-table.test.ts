import { describe, expect, test } from 'vitest';
import { driftTable, type DriftTable } from '../../src/ui/drift-table.ts';
import { displayWidth } from '../../src/ui/width.ts';

const PIPE = { isTTY: false, color: false, columns: Infinity };

const DRIFT: DriftTable = {
  verdict: 'Drift',
  severity: 'high',
  summary: '2 of 25 columns (1 high, 1 medium); 1 inconclusive',
  reference: 'train.csv (5,000 rows)',
  current: 'today.csv (812 rows)',
  rules: 'policy mlops-2, alpha 0.01, fail-on medium: failed',
  rows: [
    { state: 'high', name: 'age', size: 'D 0.27', change: 'down: median 45 → 38; ≤ 42: 31 % → 58 %' },
    { state: 'medium', name: 'country', size: 'TVD 0.15', change: '"DE" 31 % → 12 %' },
    { state: 'inconclusive', name: 'note', size: '', change: 'too few rows to tell' },
  ],
  stable: 22,
  notes: ['the reference is a profile'],
};

describe('the table of a drift check', () => {
  test('is the verdict, what was compared, a line a column, and the stable ones as a number', () => {
    expect(driftTable(DRIFT, PIPE)).toBe(
      `Drift (high)  2 of 25 columns (1 high, 1 medium); 1 inconclusive
train.csv (5,000 rows) → today.csv (812 rows)
policy mlops-2, alpha 0.01, fail-on medium: failed

SEVERITY      COLUMN   SIZE      CHANGE
high          age      D 0.27    down: median 45 → 38; ≤ 42: 31 % → 58 %
medium        country  TVD 0.15  "DE" 31 % → 12 %
inconclusive  note               too few rows to tell
22 columns are stable

note: the reference is a profile
`,
    );
  });

  test('has no rows and no empty lines at the end where everything is stable', () => {
    const stable = { ...DRIFT, verdict: 'Stable', severity: 'none', rows: [], stable: 1, notes: [] };
    expect(driftTable({ ...stable, summary: 'no drift in 1 column' }, PIPE)).toBe(
      `Stable  no drift in 1 column
train.csv (5,000 rows) → today.csv (812 rows)
policy mlops-2, alpha 0.01, fail-on medium: failed

1 column is stable
`,
    );
  });

  test('fits the terminal, and keeps the severity whole', () => {
    const long = DRIFT.rows.map((row) => ({
      ...row,
      name: row.name.repeat(20),
      change: row.change.repeat(9),
    }));
    const text = driftTable({ ...DRIFT, rows: long }, { isTTY: true, color: false, columns: 60 });
    const lines = text.split('\n').slice(4, 8);
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(60);
    expect(lines[3]).toMatch(/^inconclusive {2}note.*…/);
  });

  test('colours the verdict and each severity, and only where colour was asked for', () => {
    const text = driftTable(DRIFT, { ...PIPE, color: true });
    expect(text).toContain('\u001b[31mDrift (high)\u001b[39m');
    expect(text).toContain('\u001b[31mhigh        \u001b[39m');
    expect(text).toContain('\u001b[33mmedium      \u001b[39m');
    expect(driftTable(DRIFT, PIPE)).not.toContain('\u001b');
  });

  test('lets no name, file, sentence or note of the data act on the terminal', () => {
    const hostile = '\u001b[2J\u202e\nx';
    const text = driftTable(
      {
        ...DRIFT,
        summary: hostile,
        reference: hostile,
        current: hostile,
        rules: hostile,
        rows: [{ state: 'high', name: hostile, size: hostile, change: hostile }],
        notes: [hostile],
      },
      PIPE,
    );
    expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(text.split('\n')).toHaveLength(10);
  });

  test('a column without a name is said to have none', () => {
    const row = { state: 'high', name: '', size: 'D 1', change: '' };
    expect(driftTable({ ...DRIFT, rows: [row] }, PIPE)).toContain('high      (no name)  D 1\n');
  });
});
