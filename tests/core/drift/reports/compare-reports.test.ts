import { describe, expect, test } from 'vitest';
import { compareReports } from '../../../../src/core/drift/reports/compare.ts';
import type { Severity } from '../../../../src/core/drift/report.ts';
import { checkOf, columnOf, effectOf, reportOf } from '../support/report-fixtures.ts';

const column = (name: string, severity: Severity, d = 0.05) =>
  columnOf(name, {
    checks: [
      checkOf('distribution', [effectOf('D', d)], {
        severity,
        verdict: severity === 'none' ? 'stable' : 'drift',
      }),
    ],
  });

describe('comparing two reports', () => {
  const before = reportOf([
    column('steady', 'none'),
    column('healed', 'high', 0.3),
    column('eased', 'critical', 0.5),
    column('broke', 'none'),
    column('grew', 'medium', 0.12),
    column('removed', 'low'),
    column('still', 'high', 0.3),
  ]);
  const after = reportOf([
    column('steady', 'none'),
    column('healed', 'none'),
    column('eased', 'medium', 0.15),
    column('broke', 'critical', 0.6),
    column('grew', 'high', 0.25),
    column('added', 'none'),
    column('still', 'high', 0.35),
  ]);

  test('says what became worse or better, came and went, the worst first', () => {
    const { columns, counts } = compareReports(before, after);
    expect(columns.map(({ trend, column: name }) => `${trend} ${name}`)).toEqual([
      'worse broke',
      'worse grew',
      'new added',
      'better eased',
      'better healed',
      'gone removed',
      'same still',
      'same steady',
    ]);
    expect(counts).toEqual({ worse: 2, new: 1, better: 2, gone: 1, same: 2 });
  });

  test('gives both states, and null where a report does not have the column', () => {
    const of = (name: string) => compareReports(before, after).columns.find((each) => each.column === name);
    expect(of('grew')).toEqual({
      column: 'grew',
      trend: 'worse',
      before: { severity: 'medium', verdict: 'drift', size: 'D 0.12', effectRatio: expect.closeTo(1.2) },
      after: { severity: 'high', verdict: 'drift', size: 'D 0.25', effectRatio: expect.closeTo(2.5) },
    });
    expect(of('added')?.before).toBeNull();
    expect(of('removed')?.after).toBeNull();
  });

  test('of a report with itself is all the same', () => {
    const { counts, notes } = compareReports(after, after);
    expect(counts).toEqual({ worse: 0, new: 0, better: 0, gone: 0, same: 7 });
    expect(notes).toEqual([]);
  });

  test('takes names that objects have for themselves as names', () => {
    const names = ['__proto__', 'constructor', ''];
    const { columns } = compareReports(reportOf(names.map((name) => column(name, 'none'))), reportOf([]));
    expect(columns.map(({ trend, column: name }) => [trend, name])).toEqual([
      ['gone', ''],
      ['gone', '__proto__'],
      ['gone', 'constructor'],
    ]);
  });

  test('says where the two do not follow the same rules', () => {
    const other = reportOf([], {
      policy: 'pvalue-1',
      alpha: 0.05,
      sources: {
        reference: { name: 'other.csv', kind: 'table', duplicates: null },
        current: { name: 'today.csv', kind: 'table', duplicates: null },
      },
    });
    expect(compareReports(before, other).notes).toEqual([
      'the reports follow other rules: mlops-2 and pvalue-1',
      'the reports have another alpha: 0.01 and 0.05',
      'the reports have another reference: train.csv and other.csv',
    ]);
  });
});
