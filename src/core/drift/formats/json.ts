import { canonicalJson } from '../../../lib/canonical-json.ts';
import type { DriftReport } from '../report.ts';

/** The report as canonical JSON: the same bytes as a kept report. @throws TypeError for a number that is not finite */
export function jsonReport(report: DriftReport): string {
  return canonicalJson(report);
}
