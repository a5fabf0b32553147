import type { ComparedColumn } from './compared.ts';
import type { PolicyKind } from './policy/policy.ts';
import {
  type Check,
  CHECKS,
  type ColumnReport,
  type ColumnVerdict,
  type Severity,
  type Shift,
} from './report.ts';
import { columnText, effectText } from './text-of.ts';
import { highest, isAtLeast, significanceText } from './verdict.ts';

/** The column of the report, given the verdicts on its findings (in the order of `compared.findings`). */
export function columnReport(
  compared: ComparedColumn,
  checks: readonly Check[],
  kind: PolicyKind,
): ColumnReport {
  const { column, type, typeReason, role, rules, reference, current, details } = compared;
  const severity = highest(checks.map((check) => check.severity));
  const skipped = compared.skipped ?? nothingCompared(checks);
  const verdict = skipped === null ? verdictOf(checks) : 'skipped';
  const main = checks.find(({ check }) => check === 'distribution');
  return {
    column,
    type,
    typeReason,
    role,
    weight: rules.weight.value,
    severity,
    verdict,
    message: messageOf(compared, { checks, verdict, severity, skipped, kind }),
    checks: checks.toSorted((x, y) => CHECKS.indexOf(x.check) - CHECKS.indexOf(y.check)),
    skipped,
    minimumDetectableEffect: verdict === 'inconclusive' ? (main?.minimumDetectableEffect ?? null) : null,
    reference,
    current,
    ...details,
    shift: shownShift(details.shift, main, kind),
  };
}

/** Where every check was skipped, the reason of the first. */
function nothingCompared(checks: readonly Check[]): string | null {
  const first = checks[0];
  if (first === undefined) return 'there is nothing to compare';
  if (checks.every(({ verdict }) => verdict === 'skipped')) return first.message;
  const main = checks.find(({ check }) => check === 'distribution');
  const isEmpty = main?.verdict === 'skipped' && checks.every(({ severity }) => severity === 'none');
  return isEmpty ? main.message : null;
}

/** Drift if any check found it; else what the distribution says, as the other checks are about rare cells that few rows can't show. */
function verdictOf(checks: readonly Check[]): ColumnVerdict {
  if (checks.some(({ verdict }) => verdict === 'drift')) return 'drift';
  const main =
    checks.find(({ check, verdict }) => check === 'distribution' && verdict !== 'skipped') ?? checks[0];
  return main === undefined || main.verdict === 'skipped' ? 'stable' : main.verdict;
}

/** The direction of a change that may be chance says nothing. */
function shownShift(shift: Shift | null, main: Check | undefined, kind: PolicyKind): Shift | null {
  if (shift === null || main === undefined) return shift;
  const isShown = main.verdict === 'drift' || (kind === 'default' && main.severity !== 'none');
  return isShown ? shift : { ...shift, direction: 'none' };
}

interface Judged {
  checks: readonly Check[];
  verdict: ColumnVerdict;
  severity: Severity;
  skipped: string | null;
  kind: PolicyKind;
}

const MOST_NAMED = 3;

/** `` `age` high: D=0.27 at 42 (ref 31 % below, now 58 %), median 45 -> 38, q=3e-9, n=5000/812 `` */
function messageOf(
  { column, reference, current }: ComparedColumn,
  { checks, verdict, severity, skipped, kind }: Judged,
): string {
  const name = columnText(column);
  if (skipped !== null && severity === 'none') return `${name} skipped: ${skipped}`;
  const drifted = checks.filter((check) => check.verdict === 'drift').toSorted(worstFirst);
  const shown = drifted.length > 0 ? drifted.slice(0, MOST_NAMED) : undrifted(checks);
  const said = shown.map((check) =>
    [check.message, significanceText(check, kind)].filter((part) => part !== null).join(', '),
  );
  const parts = [said.join('; ')];
  if (drifted.length > MOST_NAMED) parts.push(`and ${drifted.length - MOST_NAMED} more`);
  if (verdict === 'inconclusive') parts.push(detectableText(shown[0]));
  if (reference !== null && current !== null) parts.push(`n=${reference.compared}/${current.compared}`);
  const word = verdict === 'drift' || severity !== 'none' ? severity : verdict;
  return `${name} ${word}: ${parts.join(', ')}`;
}

/** What is said of a column that did not drift: a significant small change, else its distribution. */
function undrifted(checks: readonly Check[]): Check[] {
  const main = checks.find(({ check }) => check === 'distribution');
  const small = checks.filter(({ severity }) => severity !== 'none');
  if (small.length > 0) return small.slice(0, MOST_NAMED);
  return [main ?? checks[0]].flatMap((check) => (check === undefined ? [] : [check]));
}

function worstFirst(x: Check, y: Check): number {
  return Number(isAtLeast(y.severity, x.severity)) - Number(isAtLeast(x.severity, y.severity));
}

function detectableText(check: Check | undefined): string {
  const least = check?.minimumDetectableEffect ?? null;
  if (least !== null)
    return `less than ${check?.effectKind ?? 'D'}=${effectText(least)} could not have been told`;
  return check?.reason ?? 'too few rows';
}
