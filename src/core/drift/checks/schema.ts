import type { Severity } from '../report.ts';
import { quoted } from '../text-of.ts';
import type { Finding } from './finding.ts';

function fact(check: Finding['check'], severity: Severity, detail: string): Finding {
  return {
    check,
    test: 'none',
    statistic: null,
    p: null,
    effects: [{ kind: 'schema', value: 1, limits: null }],
    fixedSeverity: severity,
    detectable: null,
    detail,
    reason: 'a fact, not a test',
  };
}

/** A column of the reference that the current data does not have. */
export function missingColumn(renamedTo?: string): Finding {
  const hint = renamedTo === undefined ? '' : `; ${quoted(renamedTo)} looks like it under another name`;
  return fact('missing-column', 'critical', `the current data does not have it${hint}`);
}

/** A column that only the current data has. */
export function addedColumn(type: string | null): Finding {
  return fact('new-column', 'low', `only the current data has it (${type ?? 'no type known'})`);
}

export function changedType(from: string, to: string): Finding {
  return { ...fact('type-change', 'critical', `was ${from}, is ${to}`), retyped: { from, to } };
}
