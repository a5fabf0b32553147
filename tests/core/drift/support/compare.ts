import { compareSides, type CompareOptions } from '../../../../src/core/drift/compare.ts';
import {
  type Check,
  type CheckName,
  type ColumnReport,
  DriftReport,
} from '../../../../src/core/drift/report.ts';
import type { Side } from '../../../../src/core/drift/side.ts';
import { memorySide, type MemoryColumn } from './memory-side.ts';
import { testPolicy } from './policy.ts';

/** The report on two sides, held against its published shape: no NaN, no infinity, no key too many. */
export async function compare(
  reference: readonly MemoryColumn[] | Side,
  current: readonly MemoryColumn[] | Side,
  options: Partial<CompareOptions> = {},
): Promise<DriftReport> {
  const report = await compareSides(sideOf(reference, 'reference.csv'), sideOf(current, 'current.csv'), {
    policy: testPolicy(),
    ...options,
  });
  const text = JSON.stringify(report);
  return DriftReport.parse(JSON.parse(text));
}

function sideOf(side: readonly MemoryColumn[] | Side, name: string): Side {
  return 'read' in side ? side : memorySide(side, { name });
}

export function columnOf(report: DriftReport, name: string): ColumnReport {
  const found = report.columns.find(({ column }) => column === name);
  if (found === undefined) throw new Error(`the report has no column ${name}`);
  return found;
}

export function checkOf(report: DriftReport, name: string, check: CheckName): Check {
  const found = columnOf(report, name).checks.find((each) => each.check === check);
  if (found === undefined) throw new Error(`the column ${name} has no check ${check}`);
  return found;
}
