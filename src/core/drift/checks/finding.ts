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
  /** There are too few rows for any test: inconclusive, where other findings without p are skipped. */
  readonly tooFew?: boolean;
  /** The rows would have told what a profile of them does not: in the family it counts as a test that found nothing. */
  readonly untold?: boolean;
  /** Of a changed type. */
  readonly retyped?: { readonly from: string; readonly to: string };
  /** What was seen, without severity and q. */
  readonly detail: string;
  /** Why nothing was tested, or why a number is null. */
  readonly reason: string | null;
}

/** A finding that nothing could be tested for. */
export function untested(check: CheckName, test: string, reason: string): Finding {
  return { check, test, statistic: null, p: null, effects: [], detectable: null, detail: reason, reason };
}

/** A side needs more rows than this one to be tested: one row is an example, not a sample. */
const TOO_FEW = 1;

/** The finding, or what is left of it where a side has a single row: what was seen, without a test. */
export function withEnoughRows(finding: Finding, sizes: { reference: number; current: number }): Finding {
  const side = sizes.current <= TOO_FEW ? 'current data' : 'reference';
  if (Math.min(sizes.reference, sizes.current) > TOO_FEW || finding.p === null) return finding;
  return { ...finding, p: null, detectable: null, tooFew: true, reason: `the ${side} has one value only` };
}

/** A finding that is a fact and needs no test, such as a change of type under a policy that tests distributions only. */
export function asFact(finding: Finding, severity: Severity): Finding {
  return { ...finding, fixedSeverity: severity };
}
