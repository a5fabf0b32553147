import { compareSides } from '../../../src/core/drift/compare.ts';
import { resolvePolicy } from '../../../src/core/drift/policy/resolve.ts';
import type { DriftReport } from '../../../src/core/drift/report.ts';
import type { Side } from '../../../src/core/drift/side.ts';
import { isAtLeast } from '../../../src/core/drift/verdict.ts';

/** What `mlops drift` without options says of two sides. */
export interface Outcome {
  /** Columns of severity medium or higher: each of them fails a CI step. */
  readonly alarmed: ReadonlySet<string>;
  /** The column that the report lists first; undefined without an alarm. */
  readonly first: string | undefined;
  readonly report: DriftReport;
}

const policy = resolvePolicy({});

export async function outcomeOf(reference: Side, current: Side): Promise<Outcome> {
  const report = await compareSides(reference, current, { policy });
  const alarmed = report.columns.filter(({ severity }) => isAtLeast(severity, 'medium'));
  return {
    alarmed: new Set(alarmed.map(({ column }) => column)),
    first: alarmed[0]?.column,
    report,
  };
}
