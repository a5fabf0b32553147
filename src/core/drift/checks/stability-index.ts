import type { Finding } from './finding.ts';
import type { Psi } from '../statistics/psi.ts';
import { effectText } from '../text-of.ts';

/** The usual cut-offs (Lewis, An Introduction to Credit Scoring): a rule of thumb, whatever the number of rows. */
const CUT_OFFS = { medium: 0.1, high: 0.25, critical: Infinity };

/** The finding of the policy `psi`. */
export function stabilityIndexFinding({ psi, null95 }: Psi, detail: string): Finding {
  const chance = psi < null95 ? ', which chance alone may be' : '';
  return {
    check: 'distribution',
    test: 'psi',
    statistic: psi,
    p: null,
    effects: [{ kind: 'psi', value: psi, limits: CUT_OFFS }],
    detectable: null,
    detail: `PSI=${effectText(psi)} (without drift 95 % stay below ${effectText(null95)}${chance}), ${detail}`,
    reason: null,
  };
}
