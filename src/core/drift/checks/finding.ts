import type { Limits } from '../policy/limits.ts';
import type { CheckName, Severity } from '../report.ts';

/** An effect with what it is held against. */
export interface MeasuredEffect {
  /** As `effectKind` of the report. */
  readonly kind: string;
  readonly value: number;
  readonly limits: Limits | null;
}

/** What a check found, before the p values of all columns are corrected together. */
export interface Finding {
  readonly check: CheckName;
  readonly test: string;
  readonly statistic: number | null;
  /** Belongs to the family of the data set; null where the finding is a fact, or nothing could be tested. */
  readonly p: number | null;
  readonly effects: readonly MeasuredEffect[];
  /** Of a fact, and of a test that knows one severity only. */
  readonly fixedSeverity?: Severity;
  /** Smallest effect of the first kind that could have been significant; null where none could. */
  readonly detectable: number | null;
  /** Nothing can be different, as with two constants: stable whatever the number of rows. */
  readonly settled?: boolean;
  /** What was seen, without severity and q. */
  readonly detail: string;
  /** Why nothing was tested, or why a number is null. */
  readonly reason: string | null;
}

/** A finding that nothing could be tested for. */
export function untested(check: CheckName, test: string, reason: string): Finding {
  return { check, test, statistic: null, p: null, effects: [], detectable: null, detail: reason, reason };
}
