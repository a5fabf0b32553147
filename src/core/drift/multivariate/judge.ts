import type { Limits } from '../policy/limits.ts';
import type { Severity } from '../severity.ts';

/** Of an effect that is beyond chance: `low` below the medium limit. */
export function severityOf(effect: number, { medium, high, critical }: Limits): Severity {
  if (effect < medium) return 'low';
  if (effect < high) return 'medium';
  return effect < critical ? 'high' : 'critical';
}
