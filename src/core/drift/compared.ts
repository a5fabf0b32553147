import type { Finding } from './checks/finding.ts';
import type { ColumnRules } from './policy/policy.ts';
import type { ColumnReport, Shift } from './report.ts';

/** What a report describes of a column besides its checks. */
export type Details = Pick<
  ColumnReport,
  'outOfRange' | 'categories' | 'histogram' | 'ecdf' | 'dependence' | 'additional' | 'notes'
> & {
  /** As it was measured: whether it is more than chance is decided with the p values of all columns. */
  readonly shift: Shift | null;
};

export const NO_DETAILS: Details = {
  shift: null,
  outOfRange: [],
  categories: null,
  histogram: null,
  ecdf: null,
  dependence: null,
  additional: [],
  notes: [],
};

/** A column whose sides were compared, before the p values of all columns are corrected together. */
export interface ComparedColumn {
  readonly column: string;
  readonly type: ColumnReport['type'];
  readonly typeReason: string;
  readonly role: ColumnReport['role'];
  readonly rules: ColumnRules;
  readonly findings: readonly Finding[];
  /** Why nothing was compared; null where something was. */
  readonly skipped: string | null;
  readonly reference: ColumnReport['reference'];
  readonly current: ColumnReport['current'];
  readonly details: Details;
}
