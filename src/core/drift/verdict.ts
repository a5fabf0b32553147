import type { Finding, MeasuredEffect } from './checks/finding.ts';
import type { PolicyKind } from './policy/policy.ts';
import { type Check, type ColumnVerdict, type Effect, SEVERITIES, type Severity } from './report.ts';
import { effectText, probability } from './text-of.ts';

export interface JudgeRule {
  readonly kind: PolicyKind;
  readonly alpha: number;
}

/** Whether `severity` is at or above `least`. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}

/** The highest of some severities. */
export function highest(severities: readonly Severity[]): Severity {
  return severities.reduce((worst, severity) => (isAtLeast(severity, worst) ? severity : worst), 'none');
}

interface Judged {
  severity: Severity;
  verdict: ColumnVerdict;
  /** The effect that decided, among those of the finding. */
  decided: MeasuredEffect | undefined;
  reason: string | null;
}

/**
 * The verdict on one finding, given its p after the correction over all findings.
 *
 * `default`: drift if q is at most alpha and an effect at or above its `medium` limit, of the severity whose limit it reaches; significant but
 * smaller is `low` and no drift. Not significant is stable if the rows could have shown an effect of the `medium` limit, else
 * inconclusive. `pvalue`: drift if p itself is below alpha, high below a fifth of it (.05 and .01), else low. `psi`: drift from the first
 * cut-off on.
 */
export function judge(finding: Finding, q: number | null, rule: JudgeRule): Check {
  const { check, test, statistic, p, effects, detail } = finding;
  const judged = decide(finding, q, rule);
  const decided = judged.decided ?? effects[0];
  const others = effects.filter((effect) => effect !== decided);
  const isFirst = decided === effects[0];
  return {
    check,
    test,
    statistic: finite(statistic),
    pValue: finite(p),
    qValue: finite(q),
    effect: decided === undefined ? null : finite(decided.value),
    effectKind: decided?.kind ?? null,
    severity: judged.severity,
    verdict: judged.verdict,
    effects: [...(decided === undefined ? [] : [decided]), ...others].map(toEffect),
    minimumDetectableEffect: isFirst ? finite(finding.detectable) : null,
    message: detail,
    reason: judged.reason,
  };
}

function decide(finding: Finding, q: number | null, rule: JudgeRule): Judged {
  const { fixedSeverity, settled, tooFew, p, reason, effects } = finding;
  if (fixedSeverity !== undefined) {
    // An added column is worth a word, and nothing of it was compared.
    const verdict = isAtLeast(fixedSeverity, 'medium') ? 'drift' : 'skipped';
    return { severity: fixedSeverity, verdict, decided: effects[0], reason };
  }
  if (settled === true) return { severity: 'none', verdict: 'stable', decided: undefined, reason };
  if (tooFew === true) return { severity: 'none', verdict: 'inconclusive', decided: undefined, reason };
  if (rule.kind === 'psi' && finding.test === 'psi') return byEffect(finding);
  if (p === null || q === null) return { severity: 'none', verdict: 'skipped', decided: undefined, reason };
  return rule.kind === 'pvalue' ? byP(p, rule.alpha, finding) : byBoth(q, rule.alpha, finding);
}

function byEffect({ effects, reason }: Finding): Judged {
  const worst = worstEffect(effects);
  const isDrift = isAtLeast(worst.severity, 'medium');
  return { severity: worst.severity, verdict: isDrift ? 'drift' : 'stable', decided: worst.effect, reason };
}

const HIGH_PART = 5;

function byP(p: number, alpha: number, { reason }: Finding): Judged {
  const severity = p < alpha / HIGH_PART ? 'high' : p < alpha ? 'medium' : 'low';
  return { severity, verdict: p < alpha ? 'drift' : 'stable', decided: undefined, reason };
}

function byBoth(q: number, alpha: number, finding: Finding): Judged {
  const { effects, detectable, reason } = finding;
  if (q <= alpha) {
    const { severity, effect } = worstEffect(effects);
    if (isAtLeast(severity, 'medium')) return { severity, verdict: 'drift', decided: effect, reason };
    // What is significant only together with another finding, as values beyond the other end of the range, is nothing by itself.
    const isNothing = effects.every(({ value }) => value === 0);
    return { severity: isNothing ? 'none' : 'low', verdict: 'stable', decided: effect, reason };
  }
  const medium = effects[0]?.limits?.medium ?? 0;
  const couldTell = detectable !== null && detectable <= medium;
  if (couldTell) return { severity: 'none', verdict: 'stable', decided: undefined, reason };
  const shown =
    detectable === null
      ? 'no change could have been significant with so few rows'
      : `a change below ${effectText(detectable)} would not have been significant with so few rows`;
  return { severity: 'none', verdict: 'inconclusive', decided: undefined, reason: reason ?? shown };
}

/** The effect of the highest severity, the first of several. */
function worstEffect(effects: readonly MeasuredEffect[]): {
  severity: Severity;
  effect: MeasuredEffect | undefined;
} {
  let worst: { severity: Severity; effect: MeasuredEffect | undefined } = {
    severity: 'none',
    effect: effects[0],
  };
  for (const effect of effects) {
    const severity = severityOf(effect);
    if (severity !== worst.severity && isAtLeast(severity, worst.severity)) worst = { severity, effect };
  }
  return worst;
}

/** `none` below the medium limit. */
function severityOf({ value, limits }: MeasuredEffect): Severity {
  if (limits === null || value < limits.medium) return 'none';
  if (value < limits.high) return 'medium';
  return value < limits.critical ? 'high' : 'critical';
}

function toEffect({ kind, value, limits }: MeasuredEffect): Effect {
  return {
    kind,
    value: Number.isFinite(value) ? value : Number.MAX_VALUE,
    medium: finite(limits?.medium ?? null),
    high: finite(limits?.high ?? null),
    critical: finite(limits?.critical ?? null),
  };
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

/** q for people where there is one, else p. */
export function significanceText({ pValue, qValue }: Check, kind: PolicyKind): string | null {
  if (pValue === null) return null;
  return kind === 'pvalue' || qValue === null ? `p=${probability(pValue)}` : `q=${probability(qValue)}`;
}
